"""Ids, clocks, errors and the table of an action's states."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from vedette.core import (
    ENDED,
    TRANSITIONS,
    ActionState,
    HostDescription,
    HostId,
    Identity,
    ManualClock,
    Message,
    Severity,
    SystemClock,
    TenantId,
    Unavailable,
    canonical_json,
    derived_id,
    digest,
    may_become,
    new_epoch,
    new_id,
    to_builtins,
    verdict_id,
)
from vedette.core.ids import Epoch


def _identity(seq: int = 1) -> Identity:
    return Identity(tenant=TenantId("t"), host=HostId("h"), epoch=Epoch("e"), seq=seq)


def test_new_ids_sort_by_time_and_are_uuid_version_7() -> None:
    clock = ManualClock()
    first = new_id(clock)
    clock.advance(0.002)
    second = new_id(clock)
    assert first < second
    assert first[14] == "7"
    assert first[19] in "89ab"


def test_derived_ids_depend_on_each_part_and_on_nothing_else() -> None:
    assert derived_id("a", "b") == derived_id("a", "b")
    assert derived_id("a", "b") != derived_id("ab")
    assert verdict_id(_identity(1)) != verdict_id(_identity(2))
    assert new_epoch() != new_epoch()


def test_digest_names_its_algorithm() -> None:
    assert digest(b"") == (
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


def test_the_clocks_agree_on_their_contract() -> None:
    system = SystemClock()
    assert system.now().tzinfo is UTC
    before = system.monotonic()
    system.sleep(0)
    assert system.monotonic() >= before
    manual = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    manual.sleep(5)
    assert manual.monotonic() == 5
    manual.step(datetime(2020, 1, 1, tzinfo=UTC))
    assert manual.now().year == 2020
    assert manual.monotonic() == 5


def test_every_state_has_its_row_and_ended_states_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(ActionState)
    assert {state for state in ActionState if not TRANSITIONS[state]} == set(ENDED)
    assert not may_become(ActionState.PROPOSED, ActionState.VERIFIED)
    assert not may_become(ActionState.DISPATCHED, ActionState.VERIFIED)
    assert may_become(ActionState.APPLIED, ActionState.VERIFIED)


@given(st.sampled_from(sorted(ActionState)))
def test_from_every_state_an_end_can_be_reached(state: ActionState) -> None:
    reached = {state}
    while True:
        wider = reached | {then for now in reached for then in TRANSITIONS[now]}
        if wider == reached:
            break
        reached = wider
    assert reached & ENDED


def test_nothing_is_verified_but_from_applied() -> None:
    before = {now for now, following in TRANSITIONS.items() if ActionState.VERIFIED in following}
    assert before == {ActionState.APPLIED}


def test_an_error_tells_a_client_its_problem() -> None:
    problem = Unavailable("the queue is full", retry_after=3, depth=9).problem()
    assert to_builtins(problem) == {
        "type": "/problems/unavailable",
        "title": "Not available now",
        "status": 503,
        "detail": "the queue is full",
        "extensions": {"depth": 9},
    }


def test_small_readings_of_records() -> None:
    message = Message(
        identity=_identity(), digest="sha256:0", body=b"", received_at=ManualClock().now()
    )
    assert message.lane == "t/h"
    host = HostDescription(id=HostId("h"), hostname="web-1", labels={"role": "web"})
    assert host.cohort == "web"
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3, 4]
    assert canonical_json({"b": 1, "a": [2]}) == b'{"a":[2],"b":1}'
