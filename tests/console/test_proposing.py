"""Actions that people propose: somebody else approves them, and the guards hold."""

import re
from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.history import TENANT, History

from vedette.core import ActionState, HostDescription, HostId
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]


@pytest.fixture
def able(history: History) -> HostId:
    """A host whose agent can cut it off."""
    return history.store.hosts.enrol(
        TENANT,
        description=HostDescription(id=HostId("able"), hostname="able", labels={"role": "web"}),
        kid="kid-able",
        public_key="key of able",
        actor="user:ada",
        host=HostId("able"),
        can_act=("quarantine",),
    ).id


def test_a_proposal_waits_for_somebody_else(
    client: Api, bearer: Bearer, history: History, able: HostId
) -> None:
    mine, other = bearer(Role.RESPONDER), bearer(Role.ADMIN)
    asked = {"kind": "quarantine", "host": able, "parameters": {"lease": "30m"}, "reason": "odd"}
    made = client.post("/v1/actions", json=asked, headers=mine)
    assert made.status_code == 201, made.text
    action = made.json()
    assert (action["proposed_by"], action["mode"]) == ("user:api-responder", "approve")
    assert (action["cohort"], action["disruptive"], action["incident"]) == ("web", True, None)
    history.store.actions.advance(
        TENANT, action["id"], ActionState.AWAITING_APPROVAL, actor="system:respond"
    )
    path, said = f"/v1/actions/{action['id']}/approve", {"reason": "agreed"}
    own = client.post(path, json=said, headers=mine)
    assert (own.status_code, own.json()["type"]) == (409, "/problems/own-proposal")
    assert client.get(path.removesuffix("/approve"), headers=mine).json()["state"] == (
        "awaiting_approval"
    )
    done = client.post(path, json=said, headers=other).json()
    assert (done["state"], done["proposed_by"], done["decided_by"]) == (
        "approved",
        "user:api-responder",
        "user:api-admin",
    )
    (entry,) = history.store.audit.find(
        TENANT, action="action.proposed", subject=action["id"]
    ).items
    assert (entry.actor, entry.reason) == ("user:api-responder", "odd")


@pytest.mark.parametrize(
    ("wrong", "status", "words"),
    [
        ({"reason": " "}, 400, "say why you propose this action"),
        ({"kind": "fly"}, 409, "can't carry out 'fly': its allow-list has quarantine"),
        ({"host": "nobody"}, 404, "nobody"),
        ({"incident": "nothing"}, 404, "no incident nothing"),
    ],
)
def test_a_proposal_that_can_not_be_is_refused_and_leaves_nothing(
    client: Api,
    bearer: Bearer,
    history: History,
    able: HostId,
    wrong: dict[str, str],
    status: int,
    words: str,
) -> None:
    asked = {"kind": "quarantine", "host": able, "reason": "odd"} | wrong
    answer = client.post("/v1/actions", json=asked, headers=bearer(Role.RESPONDER))
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert client.post("/v1/actions", json=asked, headers=bearer(Role.VIEWER)).status_code == 403
    assert history.store.actions.find(TENANT, host=able).items == ()


def test_what_is_revoked_or_of_another_incident_takes_none(
    client: Api, bearer: Bearer, history: History, able: HostId
) -> None:
    headers = bearer(Role.RESPONDER)
    asked = {"kind": "quarantine", "host": able, "reason": "odd"}
    answer = client.post(
        "/v1/actions", json=asked | {"incident": history.incident}, headers=headers
    )
    assert (answer.status_code, "is not of host able" in answer.text) == (400, True)
    history.store.hosts.revoke(TENANT, able, actor="user:ada", reason="gone")
    answer = client.post("/v1/actions", json=asked, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/host-revoked")


def test_the_form_on_the_hosts_page_proposes(
    browser: Callable[[Role], Browser], history: History, able: HostId
) -> None:
    viewer = browser(Role.VIEWER)
    assert "Propose an action" not in viewer.page(f"/hosts/{able}")
    assert viewer.client.get(f"/actions/propose?host={able}").status_code == 403
    anna = browser(Role.RESPONDER)
    assert f"/actions/propose?host={able}" in anna.page(f"/hosts/{able}")
    first = anna.page(f"/actions/propose?host={able}")
    assert 'value="quarantine"' in first
    assert "Cuts able off from the network." in first
    second = anna.page(f"/actions/propose?host={able}&kind=quarantine")
    assert set(re.findall(r'name="(with_\w+)"', second)) == {
        "with_lease",
        "with_at_most",
        "with_allow",
    }
    assert "60s to 1d" in second
    fields = {"kind": "quarantine", "host": str(able), "reason": "odd", "dry_run": "on"}
    status, where = anna.send(
        "/actions/propose", **fields, with_lease="30m", with_allow="10.1.0.0/16\n10.2.0.0/16"
    )
    assert (status, where) == (303, f"/hosts/{able}?done=proposed")
    (made,) = history.store.actions.find(TENANT, host=able).items
    assert (made.dry_run, made.parameters) == (
        True,
        {"lease": "30m", "allow": ["10.1.0.0/16", "10.2.0.0/16"]},
    )
    page = anna.page(where)
    assert "proposed by responder-anna" in page
    assert "found silent" not in page
    assert "observes only" not in anna.page("/hosts?text=able")
    history.store.hosts.enrol(
        TENANT,
        description=HostDescription(id=HostId("mute"), hostname="mute"),
        kid="kid-mute",
        public_key="key of mute",
        actor="user:ada",
        host=HostId("mute"),
    )
    assert "observes only" in anna.page("/hosts?text=mute")
    assert "Propose an action" not in anna.page("/hosts/mute")
    assert "This host only observes" in anna.page("/actions/propose?host=mute")


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        ({"with_lease": "2d"}, "f-with_lease", "Lease must be from 1 to 1440 minutes"),
        ({"with_lease": ""}, "f-with_lease", "Lease must be a duration"),
        ({"with_allow": "10.1.0.0/16 nowhere"}, "f-with_allow", "is no network such as"),
        ({"reason": ""}, "f-reason", "Say why you propose this action"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    browser: Callable[[Role], Browser],
    history: History,
    able: HostId,
    sent: dict[str, str],
    field: str,
    words: str,
) -> None:
    anna = browser(Role.RESPONDER)
    fields = {"kind": "quarantine", "host": str(able), "reason": "very odd", "with_lease": "45m"}
    status, page = anna.send("/actions/propose", **(fields | {"dry_run": "on"} | sent))
    assert status == 400
    place = page.index(f'id="{field}-wrong" role="alert">')
    assert words in page[place : place + 200]
    assert f'aria-describedby="{field}-hint {field}-wrong" aria-invalid="true"' in page
    if "reason" not in sent:
        assert 'value="very odd"' in page
    assert re.search(r'name="dry_run"[^>]* checked', page)
    assert history.store.actions.find(TENANT, host=able).items == ()
