"""Incidents, actions, commands and the outbox as people and the responder use them, on every backend."""

from functools import partial
from typing import Any

import pytest
from tests.store.make import (
    ACTOR,
    HOST,
    TENANT,
    action,
    apply,
    command,
    effect,
    enrol,
    incident,
    minute,
    opened,
    with_action,
)

from vedette.core import (
    TRANSITIONS,
    ActionId,
    ActionState,
    CommandId,
    CommandResult,
    Conflict,
    HostId,
    IncidentId,
    IncidentState,
    InvalidInput,
    Label,
    ManualClock,
    NotFound,
    Resolution,
    Severity,
    may_become,
)
from vedette.store import Store

__all__ = ["ActionsContract", "CommandsContract", "IncidentsContract"]

S = ActionState
ADA = "user:ada"


def _audited(store: Store, subject: str) -> list[str]:
    return [entry.action for entry in reversed(store.audit.find(TENANT, subject=subject).items)]


def _drain(store: Store) -> list[tuple[str, str]]:
    notices = store.outbox.take(500)
    store.outbox.done([notice.id for notice in notices])
    return [(notice.kind, notice.subject) for notice in notices]


class IncidentsContract:
    """What people do with incidents."""

    @pytest.fixture
    def one(self, store: Store) -> IncidentId:
        enrol(store)
        alarm = effect(1, Label.ABNORMAL, incidents=(incident(),), events=(opened(incident()),))
        apply(store, alarm)
        _drain(store)
        return incident().id

    def test_it_is_taken_on_once(self, store: Store, clock: ManualClock, one: IncidentId) -> None:
        found = store.incidents.acknowledge(TENANT, one, ADA)
        assert (found.acknowledged_by, found.acknowledged_at) == (ADA, clock.now())
        assert found == store.incidents.get(TENANT, one)
        with pytest.raises(Conflict, match="user:ada"):
            store.incidents.acknowledge(TENANT, one, "user:bob")
        assert [e.kind for e in store.incidents.events(TENANT, one)] == ["opened", "acknowledged"]
        assert _drain(store) == [("incident.acknowledged", one)]

    def test_it_is_closed_once_and_says_what_it_was(
        self, store: Store, clock: ManualClock, one: IncidentId
    ) -> None:
        found = store.incidents.close(TENANT, one, ADA, Resolution.BENIGN_CHANGE, "a roll-out")
        assert found.state is IncidentState.CLOSED
        assert (found.closed_by, found.closed_at) == (ADA, clock.now())
        assert found.resolution is Resolution.BENIGN_CHANGE
        with pytest.raises(Conflict, match="closed by user:ada as benign_change"):
            store.incidents.close(TENANT, one, "user:bob", Resolution.TRUE_POSITIVE)
        with pytest.raises(Conflict, match="closed"):
            store.incidents.acknowledge(TENANT, one, "user:bob")
        assert store.incidents.events(TENANT, one)[-1].text == "a roll-out"
        (entry,) = store.audit.find(TENANT, action="incident.closed").items
        assert (entry.actor, entry.subject, entry.reason) == (ADA, one, "a roll-out")
        assert _drain(store) == [("incident.closed", one)]

    def test_comments_are_lines_of_the_timeline(self, store: Store, one: IncidentId) -> None:
        store.incidents.comment(TENANT, one, ADA, "looking into it")
        store.incidents.close(TENANT, one, ADA, Resolution.TRUE_POSITIVE)
        store.incidents.comment(TENANT, one, "user:bob", "and after")
        events = store.incidents.events(TENANT, one)
        assert [(e.kind, e.text) for e in events[1:]] == [
            ("comment", "looking into it"),
            ("closed", ""),
            ("comment", "and after"),
        ]
        assert _audited(store, one).count("incident.commented") == 2

    @pytest.mark.parametrize("text", ["", " \n", "x" * 10_001])
    def test_a_comment_without_words_or_end_is_refused(
        self, store: Store, one: IncidentId, text: str
    ) -> None:
        with pytest.raises(InvalidInput):
            store.incidents.comment(TENANT, one, ADA, text)

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        nothing = IncidentId("nothing")
        for call in (
            lambda: store.incidents.get(TENANT, nothing),
            lambda: store.incidents.acknowledge(TENANT, nothing, ADA),
            lambda: store.incidents.close(TENANT, nothing, ADA, Resolution.TRUE_POSITIVE),
            lambda: store.incidents.comment(TENANT, nothing, ADA, "x"),
        ):
            with pytest.raises(NotFound):
                call()
        assert store.incidents.events(TENANT, nothing) == []

    def test_live_ones_are_open_or_quiet_and_sorted_by_host(self, store: Store) -> None:
        other = HostId("host-2")
        enrol(store)
        enrol(store, host=other)
        quiet = incident(2, state=IncidentState.QUIET)
        closed = incident(3, state=IncidentState.CLOSED)
        theirs = incident(4, host=other)
        apply(
            store,
            effect(1, Label.ABNORMAL, incidents=(quiet, incident(), closed)),
            effect(1, Label.ABNORMAL, host=other, incidents=(theirs,)),
        )
        live = store.incidents.live(TENANT, [HOST, other, HostId("host-3")])
        assert live == {HOST: (incident(), quiet), other: (theirs,)}
        assert store.incidents.counts_by_state(TENANT) == {
            IncidentState.OPEN: 2,
            IncidentState.QUIET: 1,
            IncidentState.CLOSED: 1,
        }

    def test_they_are_found_newest_first_by_what_is_asked(self, store: Store) -> None:
        enrol(store)
        made = [
            incident(number, severity=severity)
            for number, severity in enumerate([Severity.LOW, Severity.HIGH, Severity.LOW], 1)
        ]
        apply(store, effect(1, Label.ABNORMAL, incidents=tuple(made)))
        find = store.incidents.find
        assert find(TENANT).items == tuple(reversed(made))
        assert find(TENANT, severity=Severity.LOW).items == (made[2], made[0])
        assert find(TENANT, state=IncidentState.QUIET).items == ()
        assert find(TENANT, host=HostId("else")).items == ()
        assert find(TENANT, since=minute(2), until=minute(3)).items == (made[1],)


class ActionsContract:
    """The life of an action moves only along core.TRANSITIONS."""

    @pytest.fixture
    def one(self, store: Store) -> ActionId:
        enrol(store)
        proposed = with_action(store)
        _drain(store)
        return proposed.id

    def test_each_step_leaves_an_event_and_an_audit_row(
        self, store: Store, clock: ManualClock, one: ActionId
    ) -> None:
        store.actions.advance(TENANT, one, S.AWAITING_APPROVAL, actor="system:responder")
        clock.advance(5)
        found = store.actions.advance(
            TENANT, one, S.APPROVED, actor=ADA, detail="looks right", data={"from": "page"}
        )
        assert (found.state, found.decided_by) == (S.APPROVED, ADA)
        assert (found.detail, found.updated_at) == ("looks right", clock.now())
        found = store.actions.advance(
            TENANT, one, S.DISPATCHED, actor="system:responder", attempts=1, plan={"rules": 2}
        )
        assert (found.attempts, found.plan, found.decided_by) == (1, {"rules": 2}, ADA)
        events = store.actions.events(TENANT, one)
        assert [(e.state, e.actor) for e in events] == [
            (S.PROPOSED, ACTOR),
            (S.AWAITING_APPROVAL, "system:responder"),
            (S.APPROVED, ADA),
            (S.DISPATCHED, "system:responder"),
        ]
        assert events[2].data == {"from": "page"}
        assert _audited(store, one) == [
            "action.proposed",
            "action.awaiting_approval",
            "action.approved",
            "action.dispatched",
        ]
        assert _drain(store) == [("action.decided", one)]

    @pytest.mark.parametrize("to", list(ActionState))
    @pytest.mark.parametrize("present", [S.PROPOSED, S.APPROVED, S.VERIFIED, S.REFUSED])
    def test_only_steps_of_the_table_are_taken(
        self, store: Store, present: ActionState, to: ActionState
    ) -> None:
        enrol(store)
        one = with_action(store, state=present).id
        if may_become(present, to):
            assert store.actions.advance(TENANT, one, to, actor=ADA).state is to
            return
        with pytest.raises(Conflict, match=f"is {present.value} and cannot become {to.value}"):
            store.actions.advance(TENANT, one, to, actor=ADA)
        assert store.actions.get(TENANT, one).state is present
        assert len(store.actions.events(TENANT, one)) == 1

    def test_a_step_from_another_state_than_was_seen_is_refused(
        self, store: Store, one: ActionId
    ) -> None:
        with pytest.raises(Conflict, match="is proposed, not awaiting_approval") as caught:
            store.actions.advance(TENANT, one, S.APPROVED, actor=ADA, expected=S.AWAITING_APPROVAL)
        assert caught.value.extensions == {"state": "proposed"}

    def test_approval_after_its_time_expires_the_action(
        self, store: Store, clock: ManualClock, one: ActionId
    ) -> None:
        clock.step(minute(61.01))
        with pytest.raises(Conflict, match="expired"):
            store.actions.advance(TENANT, one, S.APPROVED, actor=ADA)
        found = store.actions.get(TENANT, one)
        assert (found.state, found.decided_by) == (S.EXPIRED, "")
        assert store.actions.events(TENANT, one)[-1].state is S.EXPIRED
        assert _drain(store) == [("action.decided", one)]

    def test_refusing_after_its_time_is_still_a_refusal(
        self, store: Store, clock: ManualClock, one: ActionId
    ) -> None:
        clock.step(minute(61.01))
        assert store.actions.advance(TENANT, one, S.REFUSED, actor=ADA).decided_by == ADA

    def test_attempts_are_written_down_without_a_step(self, store: Store, one: ActionId) -> None:
        known: dict[str, Any] = {"actor": "system:responder", "expected": S.PROPOSED}
        noted = store.actions.note(
            TENANT, one, **known, expected_attempts=0, attempts=1, detail="attempt 1"
        )
        assert (noted.state, noted.attempts, noted.detail) == (S.PROPOSED, 1, "attempt 1")
        with pytest.raises(Conflict, match="after 1 attempts"):
            store.actions.note(TENANT, one, **known, expected_attempts=0, attempts=1)
        events = store.actions.events(TENANT, one)
        assert [(e.state, e.detail) for e in events] == [
            (S.PROPOSED, ""),
            (S.PROPOSED, "attempt 1"),
        ]
        assert _audited(store, one)[-1] == "action.noted"

    def test_a_number_too_big_to_store_is_refused(self, store: Store, one: ActionId) -> None:
        with pytest.raises(InvalidInput):
            store.actions.advance(TENANT, one, S.APPROVED, actor=ADA, attempts=2**70)
        assert store.actions.get(TENANT, one).state is S.PROPOSED

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        nothing = ActionId("nothing")
        with pytest.raises(NotFound):
            store.actions.get(TENANT, nothing)
        with pytest.raises(NotFound):
            store.actions.advance(TENANT, nothing, S.APPROVED, actor=ADA)
        with pytest.raises(NotFound):
            store.actions.note(
                TENANT, nothing, actor=ADA, expected=S.PROPOSED, expected_attempts=0, attempts=1
            )

    def test_they_are_found_by_what_is_asked(self, store: Store) -> None:
        enrol(store)
        made = [action(1), action(2, kind="mail"), action(3, state=S.REFUSED)]
        alarm = effect(1, Label.ABNORMAL, incidents=(incident(),), actions=tuple(made))
        apply(store, alarm)
        find = store.actions.find
        assert find(TENANT).items == tuple(reversed(made))
        assert find(TENANT, kind="mail").items == (made[1],)
        assert find(TENANT, state=S.REFUSED).items == (made[2],)
        assert find(TENANT, incident=incident().id, host=HOST, limit=1).items == (made[2],)
        assert find(TENANT, incident=incident(2).id).items == ()
        assert find(TENANT, since=minute(2), until=minute(3)).items == (made[1],)
        assert store.actions.recent(TENANT, [HOST, HostId("x")], minute(2)) == {
            HOST: tuple(made[1:])
        }
        assert store.actions.counts_by_state(TENANT)[S.PROPOSED] == 2

    def test_due_and_expired_ones_of_all_tenants_come_longest_waiting_first(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        made = [action(1), action(2), action(3, state=S.SIMULATED), action(4, state=S.APPROVED)]
        apply(store, effect(1, Label.ABNORMAL, incidents=(incident(),), actions=tuple(made)))
        clock.step(minute(10))
        store.actions.advance(TENANT, made[0].id, S.AWAITING_APPROVAL, actor="system:responder")
        due = partial(store.actions.due, disruptive=False)
        found = due([S.PROPOSED, S.AWAITING_APPROVAL], 10)
        assert [one.id for one in found] == [made[1].id, made[0].id]
        assert [one.id for one in due([S.PROPOSED, S.APPROVED], 1)] == [made[1].id]
        assert due([], 1) == []
        assert store.actions.due(list(S), 10, disruptive=True) == []
        over = store.actions.undecided(minute(64))
        assert [one.id for one in over] == [made[0].id, made[1].id]
        assert store.actions.undecided(minute(60.9)) == []
        with pytest.raises(InvalidInput):
            due([S.PROPOSED], 0)

    def test_every_state_is_in_the_table(self) -> None:
        assert set(TRANSITIONS) == set(ActionState)


class CommandsContract:
    """Commands wait for their host, and results come once."""

    @pytest.fixture(autouse=True)
    def _known(self, store: Store) -> None:
        enrol(store)
        with_action(store)
        _drain(store)

    def test_they_are_given_out_until_the_host_answers_or_their_time_ends(
        self, store: Store
    ) -> None:
        first, second = command(1), command(2)
        store.commands.put(second, b"signed 2")
        store.commands.put(first, b"signed 1")
        pending = store.commands.pending
        assert pending(TENANT, HOST, minute(3)) == [
            (first.id, b"signed 1"),
            (second.id, b"signed 2"),
        ]
        assert pending(TENANT, HOST, minute(3)) == pending(TENANT, HOST, minute(3))
        assert pending(TENANT, HOST, minute(11)) == [(second.id, b"signed 2")]
        assert pending(TENANT, HOST, minute(12)) == []
        assert pending(TENANT, HostId("else"), minute(3)) == []
        self._tell(store, first.id, S.ACKNOWLEDGED)
        assert pending(TENANT, HOST, minute(3)) == [(second.id, b"signed 2")]

    def test_the_same_command_again_is_no_second(self, store: Store) -> None:
        store.commands.put(command(), b"signed")
        store.commands.put(command(), b"signed anew")
        assert store.commands.pending(TENANT, HOST, minute(3)) == [(command().id, b"signed")]
        assert store.commands.get(TENANT, command().id) == command()
        assert _audited(store, command().id) == ["command.issued"]

    def test_a_command_without_its_action_is_refused(self, store: Store) -> None:
        with pytest.raises(Conflict):
            store.commands.put(command(action=ActionId("nothing")), b"signed")

    def test_a_result_counts_once(self, store: Store, clock: ManualClock) -> None:
        store.commands.put(command(), b"signed")
        assert self._tell(store, command().id, S.ACKNOWLEDGED)
        clock.advance(1)
        assert self._tell(store, command().id, S.SIMULATED, data={"plan": ["drop"]})
        assert not self._tell(store, command().id, S.SIMULATED, data={"plan": ["other"]})
        results = store.commands.results(TENANT, command().id)
        assert [(r.state, r.data) for r in results] == [
            (S.ACKNOWLEDGED, {}),
            (S.SIMULATED, {"plan": ["drop"]}),
        ]
        assert _drain(store) == [("command.result", command().id)] * 2
        entries = store.audit.find(TENANT, action="command.result").items
        assert {entry.actor for entry in entries} == {f"host:{HOST}"}

    def test_a_result_of_another_hosts_command_is_not_found(self, store: Store) -> None:
        store.commands.put(command(), b"signed")
        with pytest.raises(NotFound):
            self._tell(store, command().id, S.APPLIED, host=HostId("else"))
        with pytest.raises(NotFound):
            self._tell(store, CommandId("nothing"), S.APPLIED)
        with pytest.raises(NotFound):
            store.commands.get(TENANT, CommandId("nothing"))
        assert store.commands.results(TENANT, command().id) == []

    @pytest.mark.parametrize("state", [S.PROPOSED, S.APPROVED, S.DISPATCHED])
    def test_a_host_cannot_tell_what_only_people_decide(
        self, store: Store, state: ActionState
    ) -> None:
        store.commands.put(command(), b"signed")
        with pytest.raises(InvalidInput):
            self._tell(store, command().id, state)

    @staticmethod
    def _tell(
        store: Store, one: CommandId, state: ActionState, *, host: HostId = HOST, **more: Any
    ) -> bool:
        result = CommandResult(command=one, state=state, at=minute(3), **more)
        return store.commands.record_result(result, host)
