"""Silences and maintenance windows, on every backend."""

from datetime import timedelta
from typing import Any

import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import (
    HOST,
    OTHER,
    START,
    TENANT,
    action,
    apply,
    described,
    effect,
    enrol,
    incident,
    minute,
    opened,
)

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Conflict,
    HostId,
    IncidentId,
    IncidentState,
    InvalidInput,
    Label,
    ManualClock,
    Mode,
    NotFound,
    Resolution,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
)
from vedette.decide import gather
from vedette.store import Store

__all__ = ["SilencesContract"]

CAUSE = "cron:/etc/cron.d/x"
ON_HOST = SilenceScope(host=HOST)


def _mailed(store: Store, clock: ManualClock) -> Action:
    """A mail that tells of the host's incident, which was opened at minute one."""
    clock.step(minute(2))
    one = incident()
    mail = action(kind="mail", mode=Mode.AUTO, dry_run=False, lease_seconds=0.0)
    apply(
        store,
        effect(
            1,
            Label.ABNORMAL,
            description=described(labels={"role": "web"}),
            incidents=(one,),
            events=(opened(one),),
            actions=(mail,),
        ),
    )
    return store.actions.get(TENANT, mail.id)


def _silence(store: Store, scope: SilenceScope = ON_HOST, **more: Any) -> Silence:
    given: dict[str, Any] = {"ends_at": minute(30), "owner": "user:ada", "reason": "known"}
    return store.silences.create(TENANT, scope, **(given | more))


class SilencesContract:
    """What is held, for how long, and who is told."""

    @pytest.fixture
    def told(self, store: Store, clock: ManualClock) -> Action:
        return _mailed(store, clock)

    @pytest.mark.parametrize(
        ("scope", "held"),
        [
            (SilenceScope(host=HOST), True),
            (SilenceScope(host=HostId("another")), False),
            (SilenceScope(labels={"role": "web"}), True),
            (SilenceScope(labels={"role": "db"}), False),
            (SilenceScope(causes=(CAUSE, "port:1")), True),
            (SilenceScope(causes=("port:1",)), False),
            (SilenceScope(host=HOST, severity=Severity.MEDIUM), True),
            (SilenceScope(host=HOST, severity=Severity.LOW), False),
            (SilenceScope(host=HOST, labels={"role": "db"}), False),
        ],
    )
    def test_all_that_is_named_must_fit(
        self, store: Store, told: Action, scope: SilenceScope, held: bool
    ) -> None:
        made = _silence(store, scope)
        assert store.silences.get(TENANT, made.id) == made
        assert store.silences.covering(told) == (made if held else None)

    def test_it_holds_from_its_start_to_its_end(
        self, store: Store, told: Action, clock: ManualClock
    ) -> None:
        _silence(store, starts_at=minute(10))
        assert store.silences.covering(told) is None
        clock.step(minute(10))
        assert store.silences.covering(told) is not None
        clock.step(minute(30))
        assert store.silences.covering(told) is None
        assert store.silences.find(TENANT, in_force_only=True).items == ()
        assert len(store.silences.find(TENANT).items) == 1

    def test_of_several_the_one_that_ends_last_holds(self, store: Store, told: Action) -> None:
        _silence(store)
        longer = _silence(store, ends_at=minute(60))
        assert store.silences.covering(told) == longer

    def test_only_maintenance_holds_what_is_disruptive(self, store: Store, told: Action) -> None:
        cut = action(2, disruptive=True, dry_run=False)
        _silence(store)
        assert store.silences.covering(cut) is None
        window = _silence(store, kind=SilenceKind.MAINTENANCE, ends_at=minute(20))
        assert store.silences.covering(cut) == window
        assert store.silences.covering(told) is not None

    def test_what_is_held_says_why_once_and_is_looked_at_again(
        self, store: Store, told: Action, clock: ManualClock
    ) -> None:
        made = _silence(store)
        store.silences.hold(told, made.holds)
        held = store.actions.get(TENANT, told.id)
        assert (held.held_by, held.wake_at) == (made.id, minute(3))
        assert made.id in held.detail
        assert store.actions.due([ActionState.PROPOSED], disruptive=False) == []
        clock.step(minute(3))
        store.silences.hold(held, made.holds)
        steps = store.actions.events(TENANT, told.id)
        assert [step.detail for step in steps[1:]] == [held.detail]
        lines = [one for one in store.incidents.events(TENANT, incident().id) if one.kind == "held"]
        assert len(lines) == 1
        assert "user:ada: known" in lines[0].text
        audited = [entry.action for entry in store.audit.find(TENANT).items]
        assert audited.count("action.held") == 1
        store.actions.advance(TENANT, told.id, ActionState.CANCELLED, actor="user:ada")
        with pytest.raises(Conflict):
            store.silences.hold(held, made.holds)

    def test_ending_it_wakes_what_it_held(
        self, store: Store, told: Action, clock: ManualClock
    ) -> None:
        made = _silence(store)
        clock.step(minute(4))
        store.silences.hold(told, made.holds)
        clock.step(minute(4.5))
        ended = store.silences.end(TENANT, made.id, actor="user:ben", reason="mended")
        assert (ended.ended_at, ended.ended_by, ended.ended_why) == (
            minute(4.5),
            "user:ben",
            "mended",
        )
        due = store.actions.due([ActionState.PROPOSED], disruptive=False)
        assert [one.id for one in due] == [told.id]
        assert store.silences.over(told) == ""
        with pytest.raises(Conflict, match="over already"):
            store.silences.end(TENANT, made.id, actor="user:ben")
        for tenant, ident in ((OTHER, made.id), (TENANT, "none")):
            with pytest.raises(NotFound):
                store.silences.end(tenant, ident, actor="user:ben")

    def test_what_was_settled_meanwhile_need_not_be_told(self, store: Store, told: Action) -> None:
        store.incidents.close(TENANT, incident().id, "user:ada", Resolution.BENIGN_CHANGE)
        assert "closed" in store.silences.over(told)
        silent = action(2, incident=None, trigger="silent")
        assert "heard again" in store.silences.over(silent)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"scope": SilenceScope()},
            {"ends_at": minute(1)},
            {"ends_at": START + timedelta(days=92)},
            {"starts_at": minute(31)},
            {"reason": " "},
            {"scope": SilenceScope(causes=tuple(map(str, range(65))))},
        ],
    )
    def test_what_may_not_be_silenced_is_not(
        self, store: Store, clock: ManualClock, wrong: dict[str, Any]
    ) -> None:
        clock.step(minute(2))
        with pytest.raises(InvalidInput):
            _silence(store, **wrong)
        assert store.silences.find(TENANT).items == ()

    def test_a_false_positive_is_closed_and_silenced_or_neither(
        self, store: Store, told: Action
    ) -> None:
        scope = SilenceScope(host=HOST, causes=(CAUSE,))
        which = (TENANT, incident().id, "user:ada", "our own job")
        with pytest.raises(InvalidInput):
            store.incidents.false_positive(*which, scope=SilenceScope(), ends_at=minute(99))
        assert store.incidents.get(TENANT, incident().id).state is IncidentState.OPEN
        closed, made = store.incidents.false_positive(*which, scope=scope, ends_at=minute(99))
        assert closed.resolution is Resolution.FALSE_POSITIVE
        assert (made.incident, made.scope) == (closed.id, scope)
        assert store.silences.covering(told) == made
        (said,) = store.sayings.find(TENANT).items
        assert said.normal
        with pytest.raises(Conflict):
            store.incidents.false_positive(*which, scope=scope, ends_at=minute(99))
        assert len(store.silences.find(TENANT).items) == 1

    def test_a_back_test_counts_what_would_have_been_held(self, store: Store, told: Action) -> None:
        other = incident(2, causes=("port:1",), verdicts=5)
        more = incident(3, verdicts=3)
        apply(
            store,
            effect(
                2,
                Label.ABNORMAL,
                description=described(labels={"role": "web"}),
                incidents=(other, more),
                expected=effect(1).result,
            ),
        )
        for state in (ActionState.APPROVED, ActionState.DISPATCHED, ActionState.ACKNOWLEDGED):
            store.actions.advance(TENANT, told.id, state, actor="system:x")
        for state in (ActionState.APPLIED, ActionState.VERIFIED):
            store.actions.advance(TENANT, told.id, state, actor="system:x")
        found = store.silences.back_test(TENANT, SilenceScope(host=HOST, causes=(CAUSE,)), START)
        assert (found.incidents, found.verdicts, found.notifications) == (2, 4, 1)
        labelled = SilenceScope(labels={"role": "web"})
        enrol(store, OTHER)
        assert store.silences.back_test(OTHER, labelled, START).incidents == 0
        assert store.silences.back_test(TENANT, labelled, minute(2)).verdicts == 8

    def test_what_is_silenced_is_not_told_by_way_of_its_fleet(
        self, store: Store, clock: ManualClock
    ) -> None:
        clock.step(START)
        apply(store, *[ill(number) for number in range(20)])
        made = _silence(store, SilenceScope(causes=(CAUSE,)))
        store.incidents.gather(gather)
        (storm,) = store.incidents.find(TENANT, whole=True).items
        assert store.actions.find(TENANT, incident=storm.id).items == ()
        mail = store.actions.get(TENANT, ActionId("mail-001"))
        assert mail.state is ActionState.PROPOSED
        assert store.silences.covering(mail) == made
        store.silences.end(TENANT, made.id, actor="user:ada")
        store.incidents.gather(gather)
        (page,) = store.actions.find(TENANT, incident=storm.id).items
        assert page.host is None
        assert store.actions.get(TENANT, mail.id).state is ActionState.REFUSED
        assert store.incidents.get(TENANT, IncidentId("incident-001")).part_of == storm.id
