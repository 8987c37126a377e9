"""Asking for what its moment is over for, or never came: told, and nothing changes."""

from collections.abc import Callable

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.fixtures.deeds import LIFE, put
from tests.fixtures.history import TENANT, History

from vedette.core import ActionId, ActionState
from vedette.store import Role

S = ActionState
Api = TestClient[Litestar]
Bearer = Callable[[Role], dict[str, str]]


def test_an_approval_after_its_time_is_refused_and_changes_nothing(
    client: Api, bearer: Bearer, history: History
) -> None:
    headers = bearer(Role.RESPONDER)
    ident = ActionId(history.quarantine)
    before = (
        history.store.actions.get(TENANT, ident),
        history.store.actions.events(TENANT, ident),
    )
    history.clock.advance(3600)
    answer = client.post(f"/v1/actions/{ident}/approve", json={"reason": "agreed"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/approval-expired")
    after = (
        history.store.actions.get(TENANT, ident),
        history.store.actions.events(TENANT, ident),
    )
    assert after == before


@pytest.mark.parametrize(
    ("life", "state"),
    [
        (LIFE[:1], S.AWAITING_APPROVAL),
        ((*LIFE[:1], S.REFUSED), S.REFUSED),
        ((*LIFE[:4], S.FAILED), S.FAILED),
    ],
)
def test_what_was_never_applied_is_not_released(
    client: Api, bearer: Bearer, history: History, life: tuple[ActionState, ...], state: ActionState
) -> None:
    put(history, "never", life)
    ident = ActionId("never")
    before = (
        history.store.actions.get(TENANT, ident),
        history.store.actions.events(TENANT, ident),
    )
    assert before[0].state is state
    answer = client.post(
        "/v1/actions/never/release", json={"reason": "clean"}, headers=bearer(Role.RESPONDER)
    )
    said = answer.json()
    assert (answer.status_code, said["type"]) == (409, "/problems/not-in-force")
    assert f"is {state.value.replace('_', ' ')}; there is nothing to release" in said["detail"]
    assert said["state"] == state.value
    after = (
        history.store.actions.get(TENANT, ident),
        history.store.actions.events(TENANT, ident),
    )
    assert after == before


def test_a_release_of_what_there_never_was_is_not_found(client: Api, bearer: Bearer) -> None:
    answer = client.post(
        "/v1/actions/nothing/release", json={"reason": "clean"}, headers=bearer(Role.RESPONDER)
    )
    assert answer.status_code == 404
