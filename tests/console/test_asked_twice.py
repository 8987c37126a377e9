"""A form or a request that is sent twice, by a double click or a retry, makes one thing."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.console.conftest import Browser
from tests.fixtures.history import TENANT, History

from vedette.core import ActionState, HostDescription, HostId
from vedette.store import Role

Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]
SignIn = Callable[[Role], Browser]


@pytest.fixture
def able(history: History) -> HostId:
    """A host whose agent can cut it off."""
    return history.store.hosts.enrol(
        TENANT,
        description=HostDescription(id=HostId("able"), hostname="able"),
        kid="kid-able",
        public_key="key of able",
        actor="user:ada",
        host=HostId("able"),
        can_act=("quarantine",),
    ).id


def name_in(page: str, form: str) -> str:
    """The hidden name of the form that is sent there."""
    found = re.search(rf'action="{form}">.*?name="request" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def made_of(history: History, host: HostId) -> int:
    return len(history.store.actions.find(TENANT, host=host).items)


def test_two_clicks_at_once_propose_one_action_and_both_lead_to_it(
    browser: SignIn, history: History, able: HostId
) -> None:
    anna = browser(Role.RESPONDER)
    path = f"/actions/propose?host={able}&kind=quarantine"
    fields = {"kind": "quarantine", "host": str(able), "with_lease": "30m", "reason": "odd"}
    fields["request"] = name_in(anna.page(path), "/actions/propose")
    with ThreadPoolExecutor(4) as threads:
        sent = list(threads.map(lambda _: anna.send("/actions/propose", **fields), range(4)))
    assert set(sent) == {(303, f"/hosts/{able}?done=proposed")}
    assert made_of(history, able) == 1
    (made,) = history.store.actions.find(TENANT, host=able).items
    assert [one.state for one in history.store.actions.events(TENANT, made.id)] == [
        ActionState.PROPOSED
    ]
    # Sent again after somebody went back and changed it, it asks for another thing; so does the same from a new page.
    anna.send("/actions/propose", **(fields | {"with_lease": "1h"}))
    assert made_of(history, able) == 2
    again = name_in(anna.page(path), "/actions/propose")
    assert again != fields["request"]
    anna.send("/actions/propose", **(fields | {"request": again}))
    assert made_of(history, able) == 3


def test_what_became_of_the_first_is_what_the_second_is_told(
    client: Api, bearer: Bearer, history: History, able: HostId
) -> None:
    unnamed = bearer(Role.RESPONDER)
    mine = unnamed | {"idempotency-key": "deploy-7"}
    asked: dict[str, Any] = {
        "kind": "quarantine",
        "host": able,
        "parameters": {"lease": "30m"},
        "reason": "odd",
    }
    first = client.post("/v1/actions", json=asked, headers=mine).json()
    history.store.actions.advance(
        TENANT, first["id"], ActionState.AWAITING_APPROVAL, actor="system:respond"
    )
    again = client.post("/v1/actions", json=asked, headers=mine)
    assert (again.status_code, again.json()["id"]) == (201, first["id"])
    assert again.json()["state"] == "awaiting_approval"
    others = (
        client.post("/v1/actions", json=asked | {"dry_run": True}, headers=mine),
        client.post("/v1/actions", json=asked, headers=mine | {"idempotency-key": "deploy-8"}),
        client.post(
            "/v1/actions", json=asked, headers=bearer(Role.ADMIN) | {"idempotency-key": "deploy-7"}
        ),
        client.post("/v1/actions", json=asked, headers=unnamed),
    )
    assert len({first["id"], *(one.json()["id"] for one in others)}) == 5
    wrong = client.post("/v1/actions", json=asked, headers=mine | {"idempotency-key": "x" * 201})
    assert wrong.status_code == 400


def test_a_silence_is_made_once(
    browser: SignIn, client: Api, bearer: Bearer, history: History
) -> None:
    anna = browser(Role.RESPONDER)
    fields = {"kind": "silence", "role": "web", "hours": "4", "reason": "new disks"}
    fields["request"] = name_in(anna.page("/silences"), "/silences/create")
    assert anna.send("/silences/create", **fields)[0] == 303
    history.clock.advance(2)
    assert anna.send("/silences/create", **fields)[0] == 303
    assert len(history.store.silences.find(TENANT).items) == 1
    anna.send("/silences/create", **(fields | {"hours": "24"}))
    assert len(history.store.silences.find(TENANT).items) == 2
    headers = bearer(Role.RESPONDER) | {"idempotency-key": "k"}
    asked = {"labels": {"role": "db"}, "ends_at": history.clock.now().isoformat(), "reason": "x"}
    history.clock.advance(-60)
    one, other = (client.post("/v1/silences", json=asked, headers=headers) for _ in range(2))
    assert one.status_code == other.status_code == 201, other.text
    assert one.json() == other.json()
    assert len(history.store.silences.find(TENANT).items) == 3
