"""What stands and explains other things, on every backend."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import (
    HOST,
    START,
    TENANT,
    action,
    apply,
    described,
    effect,
    enrol,
    incident,
    minute,
    open_for,
    opened,
)

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Answer,
    Conflict,
    Explained,
    Explaining,
    HostId,
    IncidentKind,
    Inhibition,
    Label,
    Limits,
    ManualClock,
    Mode,
    Resolution,
    Severity,
    Turn,
)
from vedette.decide import gather
from vedette.store import Store

__all__ = ["InhibitionsContract"]

SWITCH = HostId("switch")
CAUSE = "cron:/etc/cron.d/x"
ALL = Limits(tenant=1.0, cohort=1.0, model=1.0)


def _rule(**more: Any) -> Inhibition:
    given: dict[str, Any] = {
        "name": "rule",
        "explains": Explaining(actions=("reboot",)),
        "explained": Explained(silent=True),
    }
    return Inhibition(**(given | more))


def _told(number: int, host: HostId = HOST, **more: Any) -> Action:
    """A mail of the host's silence."""
    given: dict[str, Any] = {
        "host": host,
        "incident": None,
        "trigger": "silent",
        "kind": "mail",
        "mode": Mode.AUTO,
        "dry_run": False,
        "lease_seconds": 0.0,
        "proposed_at": minute(10),
        "expires_at": minute(1_000),
    }
    return action(number, **(given | more))


def _power(store: Store, clock: ManualClock, at: float = 4, **more: Any) -> Action:
    """An action that its host has taken at this minute."""
    given: dict[str, Any] = {
        "kind": "reboot",
        "dry_run": False,
        "disruptive": True,
        "lease_seconds": 0.0,
        "grace_seconds": 300.0,
    }
    power = action(50, **(given | more))
    one = incident()
    clock.step(minute(at))
    apply(
        store,
        effect(1, Label.ABNORMAL, incidents=(one,), events=(opened(one),), actions=(power,)),
    )
    _send(store, power)
    store.actions.advance(TENANT, power.id, ActionState.ACKNOWLEDGED, actor="system:respond")
    return power


def _send(store: Store, power: Action) -> None:
    """To its host."""
    store.actions.advance(TENANT, power.id, ActionState.APPROVED, actor="user:ben")
    store.actions.dispatch(
        TENANT, power.id, actor="system:respond", expected=ActionState.APPROVED, limits=ALL
    )


def _silent(store: Store, clock: ManualClock, *actions: Action, at: float = 10) -> Sequence[Action]:
    """All hosts fall silent, and these tell of it."""
    clock.step(minute(at))
    open_for(store, 86_400)

    def answer(turn: Turn) -> Answer:
        return Answer(actions=tuple(one for one in actions if one.tenant == turn.tenant))

    assert store.hosts.expire_silent(clock.now(), policies=answer)
    return [store.actions.get(TENANT, one.id) for one in actions]


class InhibitionsContract:
    """What is held by what stands, and for how long."""

    def test_the_silence_of_a_host_that_vedette_rebooted_is_held_and_says_why(
        self, store: Store, clock: ManualClock
    ) -> None:
        power = _power(store, clock)
        (told,) = _silent(store, clock, _told(2))
        held = store.silences.explained(told, [_rule()])
        assert held is not None
        assert (held.by, held.source, held.until) == ("inhibition:rule", power.id, minute(70))
        assert f"because of reboot {power.id} of policy quarantine-on-high" in held.why
        store.silences.hold(told, held)
        row = store.actions.get(TENANT, told.id)
        assert (row.held_by, row.wake_at, row.detail) == (held.by, minute(11), held.why)
        # Another responder that saw the same row.
        with pytest.raises(Conflict):
            store.silences.hold(told, held)
        store.silences.hold(row, held)
        steps = store.actions.events(TENANT, told.id)
        assert [one.detail for one in steps[1:]] == [held.why]
        assert steps[-1].data == {"held_by": held.by, "source": power.id}
        audited = [one for one in store.audit.find(TENANT).items if one.action == "action.held"]
        assert [one.reason for one in audited] == [held.why]
        clock.step(minute(70))
        assert store.silences.explained(row, [_rule()]) is None
        assert store.silences.over(row) == ""

    @pytest.mark.parametrize(
        ("more", "rule"),
        [
            ({"dry_run": True}, {}),
            ({"disruptive": False}, {}),
            ({"kind": "shutdown"}, {}),
            ({}, {"explained": Explained(severity=Severity.HIGH)}),
            ({}, {"most_seconds": 0.5}),
            ({}, {"equal": "rack"}),
        ],
    )
    def test_what_does_not_fit_explains_nothing(
        self, store: Store, clock: ManualClock, more: dict[str, Any], rule: dict[str, Any]
    ) -> None:
        _power(store, clock, **more)
        (told,) = _silent(store, clock, _told(2))
        clock.step(minute(11))
        assert store.silences.explained(told, [_rule(**rule)]) is None
        assert store.silences.explained(told, []) is None

    def test_what_came_before_it_or_what_it_did_not_do_is_told(
        self, store: Store, clock: ManualClock
    ) -> None:
        power = _power(store, clock)
        before, after = _silent(
            store, clock, _told(2, proposed_at=minute(3)), _told(3, proposed_at=minute(10))
        )
        assert store.silences.explained(before, [_rule()]) is None
        assert store.silences.explained(after, [_rule()]) is not None
        store.actions.advance(TENANT, power.id, ActionState.FAILED, actor="system:respond")
        assert store.silences.explained(after, [_rule()]) is None

    def test_what_its_host_has_not_taken_explains_nothing(
        self, store: Store, clock: ManualClock
    ) -> None:
        power = action(50, kind="reboot", dry_run=False, disruptive=True, lease_seconds=0.0)
        one = incident()
        apply(store, effect(1, Label.ABNORMAL, incidents=(one,), actions=(power,)))
        _send(store, power)
        (told,) = _silent(store, clock, _told(2))
        assert store.silences.explained(told, [_rule()]) is None

    def test_a_host_that_was_heard_after_it_fell_silent_by_something_else(
        self, store: Store, clock: ManualClock
    ) -> None:
        _power(store, clock)
        late = effect(20, expected=effect(1).result)
        apply(store, late)
        (told,) = _silent(store, clock, _told(2, proposed_at=minute(30)), at=30)
        assert store.silences.explained(told, [_rule()]) is None

    def test_a_host_that_is_heard_again_is_held_no_longer(
        self, store: Store, clock: ManualClock
    ) -> None:
        _power(store, clock)
        (told,) = _silent(store, clock, _told(2))
        assert store.silences.explained(told, [_rule()]) is not None
        clock.step(minute(12))
        apply(store, effect(12, expected=effect(1).result))
        assert store.silences.explained(told, [_rule()]) is None
        assert "heard again" in store.silences.over(told)

    def test_a_lease_explains_incidents_until_its_end(
        self, store: Store, clock: ManualClock
    ) -> None:
        cut = _power(store, clock, kind="quarantine", lease_seconds=600.0, grace_seconds=0.0)
        mail = _told(2, incident=incident().id, trigger="raised", proposed_at=minute(9))
        (told,) = _silent(store, clock, mail)
        rule = _rule(
            explains=Explaining(actions=("quarantine",)),
            explained=Explained(severity=Severity.MEDIUM, causes=("cron:*",)),
        )
        held = store.silences.explained(told, [rule])
        assert held is not None
        store.silences.hold(told, held)
        (line,) = [
            one for one in store.incidents.events(TENANT, incident().id) if one.kind == "held"
        ]
        assert line.text.startswith(f"mail held by inhibition rule because of quarantine {cut.id}")
        for state in (ActionState.APPLIED, ActionState.VERIFIED, ActionState.RELEASED):
            store.actions.advance(TENANT, cut.id, state, actor="system:respond")
        assert store.silences.explained(told, [rule]) is None

    def test_what_is_no_lease_explains_incidents_for_its_time(
        self, store: Store, clock: ManualClock
    ) -> None:
        _power(store, clock, proposed_by="user:ada", policy="")
        given: dict[str, Any] = {"incident": incident().id, "trigger": "raised"}
        soon, late = _silent(
            store,
            clock,
            _told(2, proposed_at=minute(13), **given),
            _told(3, proposed_at=minute(23), **given),
        )
        rule = _rule(explained=Explained(severity=Severity.MEDIUM), most_seconds=600.0)
        held = store.silences.explained(soon, [rule])
        assert held is not None
        assert held.why.endswith("of a person")
        assert store.silences.explained(late, [rule]) is None

    @pytest.mark.parametrize(
        ("labels", "held"),
        [({"rack": "r1"}, True), ({"rack": "r2"}, False), ({}, False), (None, False)],
    )
    def test_a_silent_switch_explains_the_silence_of_its_rack_and_not_its_own(
        self, store: Store, clock: ManualClock, labels: dict[str, str] | None, held: bool
    ) -> None:
        switch = {"rack": "r1", "role": "switch"}
        enrol(store, host=SWITCH, description=described(SWITCH, labels=switch))
        enrol(store, description=described(labels=switch if labels is None else labels))
        for host in (SWITCH, HOST):
            apply(
                store,
                effect(
                    1,
                    host=host,
                    description=described(
                        host, labels=switch if host == SWITCH or labels is None else labels
                    ),
                ),
            )
        own, other = _silent(store, clock, _told(2, SWITCH), _told(3))
        rule = _rule(explains=Explaining(silent={"role": "switch"}), equal="rack")
        assert store.silences.explained(own, [rule]) is None
        found = store.silences.explained(other, [rule])
        assert (found is not None) is held
        if found is not None:
            assert found.source == SWITCH
            assert "host name-of-switch (switch), silent since 2026-03-01 12:10 UTC" in found.why
            store.hosts.revoke(TENANT, SWITCH, actor="user:ada", reason="sold")
            assert store.silences.explained(other, [rule]) is None

    def test_a_worse_incident_explains_others_of_its_host_while_it_is_open(
        self, store: Store, clock: ManualClock
    ) -> None:
        clock.step(minute(3))
        worse = incident(2, severity=Severity.HIGH, causes=("net:eth0",), title="eth0 is gone")
        mail = _told(2, incident=incident().id, trigger="opened", proposed_at=minute(2))
        apply(store, effect(1, Label.ABNORMAL, incidents=(incident(), worse), actions=(mail,)))
        told = store.actions.get(TENANT, mail.id)
        below = Explained(severity=Severity.MEDIUM)
        rule = _rule(
            explains=Explaining(severity=Severity.HIGH, causes=("net:*",)), explained=below
        )
        held = store.silences.explained(told, [rule])
        assert held is not None
        assert held.why.endswith(f"because of incident {worse.id} (high): eth0 is gone")
        for explains in (
            Explaining(severity=Severity.CRITICAL),
            Explaining(severity=Severity.HIGH, causes=("disk:*",)),
            Explaining(severity=Severity.HIGH, kind=IncidentKind.FLEET),
        ):
            assert (
                store.silences.explained(told, [_rule(explains=explains, explained=below)]) is None
            )
        store.incidents.close(TENANT, worse.id, "user:ada", Resolution.TRUE_POSITIVE)
        assert store.silences.explained(told, [rule]) is None
        assert store.silences.over(told) == ""

    def test_a_fleets_incident_explains_on_its_hosts_and_what_is_held_is_not_gathered(
        self, store: Store, clock: ManualClock
    ) -> None:
        clock.step(START)
        apply(store, *[ill(number, severity=Severity.HIGH) for number in range(20)])
        store.incidents.gather(gather)
        (storm,) = store.incidents.find(TENANT, whole=True).items
        where, elsewhere = HostId("host-003"), HostId("host-999")
        small = incident(
            77, host=where, severity=Severity.LOW, causes=("port:1",), opened_at=minute(1)
        )
        mail = _told(
            70, where, incident=small.id, proposed_at=minute(1), trigger="opened", gather_seconds=15
        )
        lone = msgspec.structs.replace(small, id=incident(78).id, host=elsewhere)
        other = msgspec.structs.replace(
            mail, id=ActionId("other"), incident=lone.id, host=elsewhere
        )
        states = store.states.load(TENANT, [where])
        for ident, one, told in ((where, small, mail), (elsewhere, lone, other)):
            apply(
                store,
                effect(
                    2,
                    Label.ABNORMAL,
                    host=ident,
                    expected=states.get(ident),
                    incidents=(one,),
                    actions=(told,),
                ),
            )
        rule = _rule(
            explains=Explaining(severity=Severity.HIGH, kind=IncidentKind.FLEET, causes=(CAUSE,)),
            explained=Explained(severity=Severity.LOW),
        )
        held = store.silences.explained(store.actions.get(TENANT, mail.id), [rule])
        assert held is not None
        assert held.source == storm.id
        assert store.silences.explained(store.actions.get(TENANT, other.id), [rule]) is None

        seen: list[set[str]] = []

        def look(spread: Any) -> Any:
            seen.append({str(one.id) for one in spread.waiting})
            return gather(spread)

        clock.step(minute(1) + timedelta(seconds=30))
        store.incidents.gather(look, lambda _: [rule])
        assert mail.id not in seen[0]
        assert other.id in seen[0]
        store.incidents.gather(look)
        assert mail.id in seen[-1]
