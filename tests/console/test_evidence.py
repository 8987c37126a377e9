"""Evidence over the API and on pages: seen by everybody, given to responders, each time with an audit row."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.deeds import LIFE, command, put
from tests.fixtures.history import TENANT, History

from vedette.core import Action, ActionState, CommandId, Evidence, Verb, digest
from vedette.store import Role

Bearer = Callable[[Role], dict[str, str]]
SignIn = Callable[[Role], Browser]
S = ActionState
BUNDLE = b"VB\x01sealed"


@pytest.fixture
def collected(history: History) -> Action:
    """An action whose host delivered, and said what is in it."""
    asked = {
        "kind": "collect",
        "incident": history.incident,
        "host": history.hosts["web-2"],
        "policy": "",
        "proposed_by": "user:ben",
        "parameters": {"environ": True},
        "lease_seconds": 0.0,
        "most_seconds": 0.0,
        "disruptive": False,
    }
    action = put(history, "collected", LIFE[:4], **asked)
    command(history, action, Verb.APPLY)
    now = history.clock.now()
    evidence = Evidence(
        action=action.id,
        tenant=TENANT,
        host=history.hosts["web-2"],
        incident=None,
        command=CommandId("collected-apply"),
        digest=digest(BUNDLE),
        size=len(BUNDLE),
        kid="k",
        sealed_at=now,
        received_at=now,
    )
    history.store.evidence.keep(evidence, BUNDLE)
    said = {"contents": ["files/etc/<hosts> (9 bytes)"], "left_out": ["/etc/shadow: a secret"]}
    for state in (S.APPLIED, S.VERIFIED):
        history.store.actions.advance(TENANT, action.id, state, actor="host:x", data=said)
    return action


def test_a_viewer_sees_what_is_kept_and_gets_none_of_it(
    client: TestClient[Litestar], bearer: Bearer, collected: Action, history: History
) -> None:
    viewer = bearer(Role.VIEWER)
    (listed,) = client.get("/v1/evidence", headers=viewer).json()["items"]
    shown = client.get(f"/v1/evidence/{collected.id}", headers=viewer).json()
    assert listed == shown | {"contents": [], "left_out": []}
    assert (shown["hostname"], shown["incident"]) == ("web-2", history.incident)
    assert (shown["requested_by"], shown["approved_by"]) == ("user:ben", "user:ben")
    assert (shown["size"], shown["digest"]) == (len(BUNDLE), digest(BUNDLE))
    assert shown["contents"] == ["files/etc/<hosts> (9 bytes)"]
    refused = client.get(f"/v1/evidence/{collected.id}/bundle", headers=viewer)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/role-too-small")
    assert _fetched(history) == []
    for query, count in (
        (f"host={history.hosts['web-2']}", 1),
        (f"incident={history.incident}", 1),
        (f"host={history.hosts['web-1']}", 0),
        (f"incident={history.quiet}", 0),
    ):
        found = client.get(f"/v1/evidence?{query}", headers=viewer).json()["items"]
        assert len(found) == count, query
    assert client.get(f"/v1/evidence/{history.mail}", headers=viewer).status_code == 404


def test_a_responder_downloads_it_and_that_stands_in_the_audit(
    client: TestClient[Litestar], bearer: Bearer, collected: Action, history: History
) -> None:
    answer = client.get(f"/v1/evidence/{collected.id}/bundle", headers=bearer(Role.RESPONDER))
    assert (answer.status_code, answer.content) == (200, BUNDLE)
    assert answer.headers["content-type"] == "application/vedette-evidence"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="vedette-evidence-collected.sealed"'
    )
    assert _fetched(history) == [("user:api-responder", "collected")]


def test_what_its_host_has_been_told_is_called_off_by_that_host_alone(
    client: TestClient[Litestar], bearer: Bearer, history: History
) -> None:
    asked = {"kind": "collect", "host": history.hosts["web-2"], "lease_seconds": 0.0}
    action = put(history, "under-way", LIFE[:4], **asked, most_seconds=0.0, disruptive=False)
    answer = client.post(
        f"/v1/actions/{action.id}/cancel", json={"reason": "no"}, headers=bearer(Role.RESPONDER)
    )
    assert answer.is_success, answer.text
    after = history.store.actions.get(TENANT, action.id)
    assert (after.state, after.recalled_by) == (action.state, "user:api-responder")
    assert after.recalled_why == "no"


def test_what_was_removed_is_gone_and_says_so(
    client: TestClient[Litestar], bearer: Bearer, collected: Action, history: History
) -> None:
    assert history.store.evidence.remove(history.clock.now() + timedelta(days=1)) == 1
    responder = bearer(Role.RESPONDER)
    gone = client.get(f"/v1/evidence/{collected.id}/bundle", headers=responder)
    assert (gone.status_code, gone.json()["type"]) == (409, "/problems/evidence-removed")
    shown = client.get(f"/v1/evidence/{collected.id}", headers=responder).json()
    assert shown["removed_at"]
    assert _fetched(history) == []


@pytest.mark.parametrize("path", ["/actions/collected", "/incidents/{incident}"])
def test_pages_show_it_and_offer_it_to_responders_only(
    browser: SignIn, collected: Action, history: History, path: str
) -> None:
    path = path.format(incident=history.incident)
    page = browser(Role.VIEWER).page(path)
    assert digest(BUNDLE) in page
    assert "files/etc/&lt;hosts&gt; (9 bytes)" in page
    assert "left out: /etc/shadow: a secret" in page
    link = f'href="/v1/evidence/{collected.id}/bundle"'
    assert link not in page
    responder = browser(Role.RESPONDER)
    assert link in responder.page(path)
    assert "often hold secrets" in responder.page("/actions/collected")
    assert responder.client.get(f"/v1/evidence/{collected.id}/bundle").content == BUNDLE
    assert _fetched(history) == [("user:responder-anna", "collected")]
    history.store.evidence.remove(history.clock.now() + timedelta(days=1))
    gone = responder.page(path)
    assert link not in gone
    assert "its time was over" in gone


def _fetched(history: History) -> list[tuple[str, str]]:
    found = history.store.audit.find(TENANT).items
    return [(one.actor, one.subject) for one in found if one.action == "evidence.fetched"]
