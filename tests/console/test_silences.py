"""Silences over the API and on their page, and the false positive button."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.history import NOW, TENANT, History

from vedette.core import IncidentState, Resolution, SilenceKind
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]
SignIn = Callable[[Role], Browser]
UNTIL = (NOW + timedelta(hours=2)).isoformat()


def test_a_responder_silences_and_ends_what_a_viewer_sees(client: Api, bearer: Bearer) -> None:
    viewer, responder = bearer(Role.VIEWER), bearer(Role.RESPONDER)
    asked = {"labels": {"role": "web"}, "ends_at": UNTIL, "reason": "a roll-out"}
    assert client.post("/v1/silences", json=asked, headers=viewer).status_code == 403
    answer = client.post("/v1/silences", json=asked, headers=responder)
    assert answer.status_code == 201
    made = answer.json()
    assert (made["owner"], made["scope"]["labels"]) == ("user:api-responder", {"role": "web"})
    listed = client.get("/v1/silences?in_force=true", headers=viewer).json()["items"]
    assert [one["id"] for one in listed] == [made["id"]]
    path = f"/v1/silences/{made['id']}"
    assert client.get(path, headers=viewer).json() == made
    ended = client.post(f"{path}/end", json={"reason": "done"}, headers=responder).json()
    assert (ended["ended_by"], ended["ended_why"]) == ("user:api-responder", "done")
    again = client.post(f"{path}/end", json={}, headers=responder)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/silence-over")
    assert client.get("/v1/silences?in_force=true", headers=viewer).json()["items"] == []
    assert len(client.get("/v1/silences", headers=viewer).json()["items"]) == 1


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"labels": {}}, 400),
        ({"reason": ""}, 400),
        ({"ends_at": "2020-01-01T00:00:00Z"}, 400),
        ({"ends_at": "tomorrow"}, 400),
        ({"severity": "awful"}, 400),
        ({"host": "nobody"}, 404),
    ],
)
def test_what_can_not_be_silenced_is_said(
    client: Api, bearer: Bearer, wrong: dict[str, Any], status: int
) -> None:
    asked = {"labels": {"role": "web"}, "ends_at": UNTIL, "reason": "a roll-out"} | wrong
    answer = client.post("/v1/silences", json=asked, headers=bearer(Role.RESPONDER))
    assert answer.status_code == status, answer.text


def test_the_page_takes_a_window_shows_it_and_ends_it(browser: SignIn, history: History) -> None:
    anna = browser(Role.RESPONDER)
    assert "Nothing is silenced" in anna.page("/silences")
    fields = {"kind": "maintenance", "role": "web", "hours": "4", "reason": "new <disks>"}
    status, where = anna.send("/silences/create", **fields)
    assert (status, where.split("?")[0]) == (303, "/silences")
    (made,) = history.store.silences.find(TENANT).items
    assert (made.kind, made.ends_at - made.starts_at) == (
        SilenceKind.MAINTENANCE,
        timedelta(hours=4),
    )
    page = anna.page("/silences")
    assert "role: web" in page
    assert "new &lt;disks&gt;" in page
    assert "maintenance</span>" in page
    assert anna.send(f"/silences/{made.id}/end", reason="done")[0] == 303
    assert '<span class="badge">ended</span>' in anna.page("/silences")
    for wrong in ({"hours": "5"}, {"kind": "x"}, {"severity": "x"}, {"role": ""}):
        assert anna.send("/silences/create", **(fields | wrong))[0] == 400


def test_what_expired_stays_to_be_seen(browser: SignIn, history: History) -> None:
    anna = browser(Role.RESPONDER)
    anna.send(
        "/silences/create", kind="silence", causes="a\nb", hours="1", severity="low", reason="x"
    )
    (made,) = history.store.silences.find(TENANT).items
    assert made.scope.causes == ("a", "b")
    assert "up to low" in anna.page("/silences")
    history.clock.advance(3_601)
    page = anna.page("/silences")
    assert "expired" in page
    assert "ask-end" not in page


def test_a_false_positive_is_one_click(browser: SignIn, history: History) -> None:
    anna = browser(Role.RESPONDER)
    before = anna.page(f"/incidents/{history.incident}")
    assert "In the last 30 days that would have held" in before
    assert anna.send(f"/incidents/{history.incident}/false-positive")[0] == 303
    closed = history.store.incidents.get(TENANT, history.incident)
    assert (closed.state, closed.resolution) == (
        IncidentState.CLOSED,
        Resolution.FALSE_POSITIVE,
    )
    (made,) = history.store.silences.find(TENANT).items
    assert (made.scope.host, made.scope.causes) == (closed.host, closed.causes)
    assert made.ends_at - made.starts_at == timedelta(days=7)
    assert f"/incidents/{history.incident}" in anna.page("/silences")
    assert "would have held" not in anna.page(f"/incidents/{history.incident}")


def test_the_api_says_what_the_silence_would_have_held(
    client: Api, bearer: Bearer, history: History
) -> None:
    path = f"/v1/incidents/{history.incident}/false-positive"
    responder = bearer(Role.RESPONDER)
    assert client.post(path, json={}, headers=bearer(Role.VIEWER)).status_code == 403
    assert client.post(path, json={"days": 91}, headers=responder).status_code == 400
    done = client.post(path, json={"days": 30, "reason": "ours"}, headers=responder).json()
    assert done["incident"]["resolution"] == "false_positive"
    assert done["silence"]["reason"] == "ours"
    assert done["back_test"]["incidents"] == 1
    assert done["back_test"]["verdicts"] == done["incident"]["verdicts"]
    assert client.post(path, json={}, headers=responder).status_code == 409
    own = history.store.incidents.get(TENANT, history.incident)
    assert own.closed_by == "user:api-responder"
