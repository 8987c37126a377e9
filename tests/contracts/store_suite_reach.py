"""What is fleet-wide takes two people, on every backend."""

from datetime import timedelta
from typing import Any

import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import TENANT, action, apply, enrol, minute

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Conflict,
    HostId,
    IncidentId,
    Limits,
    ManualClock,
    Mode,
)
from vedette.decide import gather
from vedette.store import Store

__all__ = ["ReachContract"]

S = ActionState
ALL = Limits(tenant=1, cohort=1, model=1, least=100)


def _host(number: int) -> HostId:
    return HostId(f"host-{number:03d}")


def _proposed(store: Store, number: int, **more: Any) -> Action:
    given = {
        "host": _host(number),
        "incident": None,
        "disruptive": True,
        "dry_run": False,
        "proposed_by": "user:eve",
        "lease_seconds": 0.0,
        "expires_at": minute(600),
    } | more
    return store.actions.propose(action(number, id=ActionId(f"cut-{number:03d}"), **given))


def _wait(store: Store, number: int, **more: Any) -> Action:
    one = _proposed(store, number, **more)
    return store.actions.advance(TENANT, one.id, S.AWAITING_APPROVAL, actor="system:respond")


def _approve(store: Store, one: Action, who: str = "ann") -> Action:
    return store.actions.approve(TENANT, one.id, actor=f"user:{who}", reason="seen")


def _begin(store: Store, one: Action) -> Action:
    return store.actions.dispatch(
        TENANT, one.id, actor="system:respond", expected=S.APPROVED, limits=ALL
    )


def _now(store: Store, one: Action) -> Action:
    return store.actions.get(TENANT, one.id)


def _words(store: Store, one: Action) -> list[str]:
    return [event.detail for event in store.actions.events(TENANT, one.id)]


class ReachContract:
    """A few hosts by one person's word, a storm by none's."""

    def test_the_fourth_host_of_a_small_fleet_takes_two_people(self, store: Store) -> None:
        for number in range(1, 6):
            enrol(store, host=_host(number))
        waiting = [_wait(store, number) for number in range(1, 6)]
        assert {one.approvals for one in waiting} == {1}
        for one in waiting[:3]:
            assert _approve(store, one).state is S.APPROVED
        # Those that wait are told at once, not when somebody comes to them.
        assert [_now(store, one).approvals for one in waiting] == [1, 1, 1, 2, 2]
        assert "3 is the most by one person's word" in _now(store, waiting[3]).detail
        assert _approve(store, waiting[3]).state is S.AWAITING_APPROVAL
        with pytest.raises(Conflict, match="it takes 2 people"):
            _approve(store, waiting[3])
        assert store.actions.approvals(TENANT, waiting[3].id) == ["user:ann"]
        assert _approve(store, waiting[3], "bob").state is S.APPROVED
        for one in waiting[:4]:
            assert _begin(store, one).state is S.DISPATCHED
        late = _wait(store, 9, host=_host(5))
        assert late.approvals == 2
        assert store.actions.reach(late).others == 4
        audited = store.audit.find(TENANT, subject=late.id).items
        assert any("two people must approve it" in one.reason for one in audited)

    def test_what_was_begun_counts_for_an_hour_and_a_lease_for_as_long_as_it_lasts(
        self, store: Store, clock: ManualClock
    ) -> None:
        clock.step(minute(0))
        for number in range(1, 7):
            enrol(store, host=_host(number))
        for number in range(1, 4):
            one = _wait(store, number, lease_seconds=600.0 if number == 1 else 0.0)
            _approve(store, one)
            _begin(store, one)
        clock.advance(timedelta(hours=1).total_seconds() - 1)
        assert _wait(store, 5).approvals == 2
        clock.advance(2)
        assert store.actions.reach(_proposed(store, 6)).others == 1

    def test_a_policy_may_ask_for_more_and_not_for_fewer(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(12)])
        store.incidents.gather(gather)
        for approvals, needed in ((1, 2), (2, 2), (3, 3)):
            one = _wait(store, approvals, approvals=approvals, incident=IncidentId("incident-001"))
            assert one.approvals == needed

    def test_what_waits_when_its_incident_becomes_part_of_a_fleets_takes_two(
        self, store: Store
    ) -> None:
        apply(store, *[ill(number) for number in range(12)])
        incident = IncidentId("incident-001")
        one = _wait(store, 1, incident=incident)
        dry = _wait(store, 2, incident=incident, dry_run=True)
        told = _wait(store, 3, incident=incident, disruptive=False)
        assert one.approvals == 1
        store.incidents.gather(gather)
        assert [_now(store, each).approvals for each in (one, dry, told)] == [2, 1, 1]
        line = "two people must approve it: its incident is part of a fleet's"
        assert _words(store, one)[-1] == line
        assert _approve(store, one).state is S.AWAITING_APPROVAL
        assert _approve(store, one, "bob").state is S.APPROVED
        assert _begin(store, one).state is S.DISPATCHED

    def test_what_people_merge_into_a_fleets_takes_two(self, store: Store) -> None:
        apply(store, ill(1), ill(2))
        one = _wait(store, 1, incident=IncidentId("incident-001"))
        store.triage.merge(
            TENANT,
            IncidentId("incident-002"),
            IncidentId("incident-001"),
            "user:ada",
            reason="same",
        )
        assert _now(store, one).approvals == 2

    @pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.AUTO])
    def test_nothing_begins_in_a_storm_by_fewer_than_two(self, store: Store, mode: Mode) -> None:
        apply(store, *[ill(number) for number in range(12)])
        one = _proposed(store, 1, incident=IncidentId("incident-001"), mode=mode)
        store.actions.advance(TENANT, one.id, S.APPROVED, actor="system:respond")
        store.incidents.gather(gather)
        with pytest.raises(Conflict, match="have not: its incident is part of a fleet's") as caught:
            _begin(store, one)
        assert caught.value.kind == "needs-two-people"
        assert _now(store, one).state is S.APPROVED
