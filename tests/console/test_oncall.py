"""Who is on call, over the API and on its page; an incident's escalation."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.decide.oncall import HOLIDAYS, TEXT
from tests.fixtures.history import NOW, TENANT, History

from vedette.core import Action, ActionId, Mode
from vedette.decide import OnCall, escalate
from vedette.respond import schemas
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]
SignIn = Callable[[Role], Browser]


def escalated(history: History) -> Action:
    """The open incident's escalation has told its first tier."""
    mail = history.store.actions.get(TENANT, history.mail)
    start = msgspec.structs.replace(
        mail,
        id=ActionId("start"),
        kind="escalate",
        incident=history.incident,
        mode=Mode.AUTO,
        parameters={"chain": "ops"},
    )
    history.store.incidents.answer(TENANT, history.incident, lambda _: (start,))
    history.store.escalations.start(start, "ops")
    document = OnCall.parse(TEXT, kinds=schemas())
    assert history.store.escalations.sweep(lambda case: escalate(case, document)) == 1
    return start


def _apply(client: Api, headers: dict[str, str], text: str = TEXT, why: str = "a team") -> Any:
    return client.post("/v1/oncall", json={"text": text, "reason": why}, headers=headers)


def test_an_admin_puts_a_document_in_force_and_a_viewer_sees_who_is_on_call(
    client: Api, bearer: Bearer
) -> None:
    viewer, admin = bearer(Role.VIEWER), bearer(Role.ADMIN)
    assert client.get("/v1/oncall", headers=viewer).json()["chains"] == []
    assert _apply(client, viewer).status_code == 403
    assert _apply(client, admin, why=" ").status_code == 400
    done = _apply(client, admin)
    assert done.status_code == 200
    assert [one["name"] for one in done.json()["chains"]] == ["ops", "managers", "daytime-only"]
    assert client.get("/v1/oncall", headers=viewer).json() == done.json()
    (applied,) = client.get("/v1/oncall/history", headers=viewer).json()["items"]
    assert (applied["text"], applied["applied_by"]) == (TEXT, "user:api-admin")
    at = "2026-03-02T09:00:00Z"
    found = client.get(f"/v1/oncall/now?at={at}", headers=viewer).json()
    assert [(one["schedule"], one["person"], one["next"]) for one in found["items"]] == [
        ("primary", "ana", "ben"),
        ("daytime", "ana", ""),
    ]
    now = client.get("/v1/oncall/now", headers=viewer).json()
    assert now["at"] == NOW.isoformat().replace("+00:00", "Z")
    assert client.get("/v1/oncall/now?at=9999-01-01T00:00:00Z", headers=viewer).status_code == 400


def test_a_wrong_document_is_refused_with_its_place_and_changes_nothing(
    client: Api, bearer: Bearer
) -> None:
    admin, responder = bearer(Role.ADMIN), bearer(Role.RESPONDER)
    wrong = TEXT.replace("then: managers", "then: ops")
    for answer in (
        _apply(client, admin, wrong),
        client.post("/v1/oncall/check", json={"text": wrong}, headers=responder),
    ):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (400, "/problems/invalid-oncall")
        assert "comes round to itself: ops → ops" in problem["detail"]
        line = TEXT[: TEXT.index("then: managers")].count("\n") + 1
        assert (problem["line"], problem["column"]) == (line, len("    then: ") + 1)
    right = client.post("/v1/oncall/check", json={"text": TEXT}, headers=responder).json()
    assert right["since"] is None
    assert client.get("/v1/oncall", headers=admin).json()["chains"] == []


def test_a_chain_that_is_in_use_is_not_taken_away(
    client: Api, bearer: Bearer, history: History
) -> None:
    admin = bearer(Role.ADMIN)
    _apply(client, admin)
    escalated(history)
    refused = _apply(client, admin, "version: 1\n")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/chain-in-use")
    assert "escalations are in chain ops" in refused.json()["detail"]


def test_an_incidents_escalation_is_seen_until_it_is_acknowledged(
    client: Api, bearer: Bearer, browser: SignIn, history: History
) -> None:
    viewer = bearer(Role.VIEWER)
    _apply(client, bearer(Role.ADMIN))
    escalated(history)
    (run,) = client.get(f"/v1/escalations?incident={history.incident}", headers=viewer).json()[
        "items"
    ]
    assert (run["chain"], run["tier"], run["told"], run["state"]) == ("ops", 0, 1, "running")
    person = browser(Role.RESPONDER)
    page = person.page(f"/incidents/{history.incident}")
    assert "Nobody has acknowledged it." in page
    assert "tier 1 of 2 of chain ops, time 1 of 2" in page
    listed = person.page("/oncall")
    assert f'href="/incidents/{history.incident}"' in listed
    assert "Then chain managers." in listed
    assert "hours office, unless critical" in listed
    person.send(f"/incidents/{history.incident}/acknowledge")
    assert "Nobody has acknowledged it." not in person.page(f"/incidents/{history.incident}")
    running = client.get("/v1/escalations?running=true", headers=viewer).json()
    assert running["items"] == []
    assert "Nothing waits for somebody" in person.page("/oncall")


def test_without_a_document_the_page_says_what_to_do(browser: SignIn) -> None:
    page = browser(Role.VIEWER).page("/oncall")
    assert "There is no schedule" in page
    assert "vedette oncall apply" in page


def test_a_holiday_is_seen_over_the_api_and_on_the_page_and_one_of_no_use_is_warned_of(
    client: Api, bearer: Bearer, browser: SignIn
) -> None:
    viewer, admin = bearer(Role.VIEWER), bearer(Role.ADMIN)
    today = HOLIDAYS.replace("2026-03-02: Founding Day", f"{NOW:%Y-%m-%d}: Founding Day")
    assert _apply(client, admin, today).json()["warnings"] == []
    office = client.get("/v1/oncall/now", headers=viewer).json()["hours"][0]
    assert (office["hours"], office["open"], office["holiday"]) == (
        "office",
        False,
        "Founding Day",
    )
    assert datetime.fromisoformat(office["next_open"]) > NOW
    page = browser(Role.VIEWER).page("/oncall")
    assert "closed" in page
    assert "holiday: Founding Day" in page
    opens = datetime.fromisoformat(office["next_open"]).astimezone(ZoneInfo("Europe/Vienna"))
    assert f"{opens:%a %d %b, 08:00}" in page
    unused = TEXT.replace("hours:\n", "holidays: {ours: {12-25: Christmas}}\nhours:\n", 1)
    warned = ["on-call, line 7, column 12: no hours have holidays ours"]
    assert _apply(client, admin, unused).json()["warnings"] == warned
    checked = client.post("/v1/oncall/check", json={"text": unused}, headers=admin).json()
    assert checked["warnings"] == warned
    assert client.get("/v1/oncall", headers=admin).json()["warnings"] == []
