"""What people make of incidents, over the API and on the page."""

from collections.abc import Callable

from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.console.test_storms import storm
from tests.fixtures.history import TENANT, History

from vedette.core import IncidentState, Resolution
from vedette.store import Role

SignIn = Callable[[Role], Browser]
Bearer = Callable[[Role], dict[str, str]]


def test_the_api_assigns_reopens_merges_and_splits(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    headers, path = bearer(Role.RESPONDER), f"/v1/incidents/{history.incident}"
    mine = client.post(f"{path}/assign", json={"to": "api-responder"}, headers=headers)
    assert (mine.status_code, mine.json()["assigned_to"]) == (200, "user:api-responder")
    into = {"into": history.quiet, "reason": "one act"}
    fleet = client.post(f"{path}/merge", json=into, headers=headers).json()
    assert (fleet["kind"], fleet["hosts"]) == ("fleet", 2)
    out = {"hosts": [str(history.hosts["web-2"])], "reason": "two acts"}
    new = client.post(f"/v1/incidents/{fleet['id']}/split", json=out, headers=headers).json()
    assert (new["kind"], new["hosts"]) == ("fleet", 1)
    again = client.post(
        f"/v1/incidents/{history.closed}/reopen", json={"reason": "too soon"}, headers=headers
    )
    assert (again.status_code, again.json()["state"]) == (200, "open")


def test_each_asks_for_a_reason_and_a_responder(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    path = f"/v1/incidents/{history.incident}"
    bodies: dict[str, dict[str, object]] = {
        "reopen": {},
        "merge": {"into": history.quiet},
        "split": {"causes": ["x"]},
    }
    before = history.store.incidents.get(TENANT, history.incident)
    responder, viewer = bearer(Role.RESPONDER), bearer(Role.VIEWER)
    for verb, body in bodies.items():
        answer = client.post(f"{path}/{verb}", json=body, headers=responder)
        assert (answer.status_code, "say why you" in answer.json()["detail"]) == (400, True)
        answer = client.post(f"{path}/{verb}", json=body, headers=viewer)
        assert answer.status_code == 403
    answer = client.post(f"{path}/assign", json={"to": "x"}, headers=viewer)
    assert answer.status_code == 403
    assert history.store.incidents.get(TENANT, history.incident) == before


def test_the_page_has_the_buttons_for_who_may(browser: SignIn, history: History) -> None:
    buttons = ("Assign…", "Merge…")
    viewer = browser(Role.VIEWER)
    page = viewer.page(f"/incidents/{history.incident}")
    assert not any(words in page for words in (*buttons, "Split…"))
    assert "Re-open…" not in viewer.page(f"/incidents/{history.closed}")
    anna = browser(Role.RESPONDER)
    page = anna.page(f"/incidents/{history.incident}")
    assert all(words in page for words in buttons)
    status, where = anna.send(f"/incidents/{history.incident}/assign", to="responder-anna")
    assert (status, where) == (303, f"/incidents/{history.incident}?done=assigned")
    assert "Assigned to" in anna.page(where)
    status, where = anna.send(f"/incidents/{history.closed}/reopen", reason="too soon")
    assert (status, where) == (303, f"/incidents/{history.closed}?done=reopened")
    assert "Open again." in anna.page(where)
    status, where = anna.send(
        f"/incidents/{history.incident}/merge", into=history.quiet, reason="one act"
    )
    assert status == 303
    fleet = anna.page(where)
    assert "2 hosts" in fleet
    assert "Which host?" in fleet
    one = where.removeprefix("/incidents/").partition("?")[0]
    status, where = anna.send(
        f"/incidents/{one}/split", host=str(history.hosts["web-2"]), reason="two acts"
    )
    assert status == 303
    assert "This is the new incident." in anna.page(where)


def test_a_fleets_false_positive_is_silenced_on_its_cohorts_alone(
    browser: SignIn, history: History
) -> None:
    fleet = storm(history)
    anna = browser(Role.RESPONDER)
    page = anna.page(f"/incidents/{fleet.id}")
    assert "on hosts without a role, and no others, for 7 days" in page
    assert anna.send(f"/incidents/{fleet.id}/false-positive", reason="a roll-out")[0] == 303
    closed = history.store.incidents.get(TENANT, fleet.id)
    assert (closed.state, closed.resolution) == (IncidentState.CLOSED, Resolution.FALSE_POSITIVE)
    (made,) = history.store.silences.find(TENANT).items
    assert (made.scope.host, made.scope.cohorts, made.scope.causes) == (None, ("",), fleet.causes)
    assert "no role" in anna.page("/silences")
    where = (None, fleet.causes, fleet.severity)
    assert made.scope.covers(history.hosts["web-1"], {}, *where[1:])
    assert not made.scope.covers(history.hosts["web-1"], {"role": "web"}, *where[1:])
    assert not made.scope.covers(None, {}, *where[1:])
