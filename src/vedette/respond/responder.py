"""Moves actions through their life: one step at a time, each on disk before the next.

Notices only wake it. What is to be done follows from the rows alone, and `tick` sweeps them too, so that a lost or
doubled notice, a restart, or a second responder changes nothing but the moment.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from vedette.core import (
    DIGEST,
    ENDED,
    IN_FORCE,
    Action,
    ActionId,
    ActionState,
    Clock,
    CommandId,
    Conflict,
    IncidentId,
    IncidentKind,
    InvalidInput,
    Limits,
    Mode,
    NotFound,
    TenantId,
    VedetteError,
)
from vedette.respond.caution import Caution
from vedette.respond.holding import Holding
from vedette.respond.kind import Job, Kind, Lasting
from vedette.respond.leases import Leases, unwanted
from vedette.respond.outcome import Expired, Failed, Outcome, Prepared, Retry, Waiting
from vedette.respond.ports import Notice, Ports
from vedette.respond.registry import Registry
from vedette.respond.schedule import MAX_ATTEMPTS, in_grace, late, next_attempt
from vedette.respond.steps import ACTOR, record

__all__ = ["Responder"]

_LOG = structlog.get_logger()
_WORK = (
    ActionState.PROPOSED,
    ActionState.APPROVED,
    ActionState.DISPATCHED,
    ActionState.ACKNOWLEDGED,
    ActionState.APPLIED,
)
# Why an approved action may not begin; it does not begin later either, since by then it answers the past.
_HELD = frozenset({"lease-in-force", "switched-off", "breaker-tripped"})
_BEFORE = (ActionState.PROPOSED, ActionState.APPROVED)
_UNDECIDED = (ActionState.PROPOSED, ActionState.AWAITING_APPROVAL)
# What was approved in time is still carried out if the responder comes to it a little later, not after an outage.
_APPROVED_GRACE = timedelta(minutes=15)
# The last resort that lets every action end; a kind's own limits are far shorter.
_REMOTE_LIMIT = timedelta(days=1)
# What wrong values lead to. What is wrong with the store is the process's to wait out.
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Responder:
    """Carries out decisions. Several may run on one store: every step is conditional on what was seen.

    `sweep_seconds`: how often rows are looked at without a notice, which bounds how late a timer fires. `limits`: how many
    hosts of a tenant may be acted on. `gather` makes one of what many hosts tell, `escalate` moves on the escalations that are
    due, `answer_own` proposes what answers an incident of the service itself; each gives how much that changed.
    `doubt` says why the model that an action answers may not act by itself; empty where it may.
    """

    def __init__(
        self,
        ports: Ports,
        kinds: Registry,
        clock: Clock,
        *,
        batch: int = 100,
        sweep_limit: int = 500,
        sweep_seconds: float = 2.0,
        limits: Callable[[TenantId], Limits] = lambda _: Limits(),
        gather: Callable[[], int] = lambda: 0,
        escalate: Callable[[], int] = lambda: 0,
        answer_own: Callable[[TenantId, IncidentId], int] = lambda _tenant, _incident: 0,
        doubt: Callable[[Action], str] = lambda _: "",
    ) -> None:
        self._ports = ports
        self._kinds = kinds
        self._clock = clock
        self._batch = batch
        self._sweep_limit = sweep_limit
        self._sweep_seconds = sweep_seconds
        self._swept_at = float("-inf")
        self._limits = limits
        self._leases = Leases(ports.actions, ports.guards)
        self._holding = Holding(ports.silences)
        self._gather = gather
        self._escalate = escalate
        self._answer_own = answer_own
        self._cautious = Caution(ports.guards, doubt)
        self._gathered_at: datetime | None = None

    def tick(self) -> int:
        """Handles waiting notices and due timers once.

        Returns:
            How many steps were taken; 0 means that the caller may wait before the next call.
        """
        notices = self._ports.outbox.take(self._batch)
        steps = sum(self._handle(notice) for notice in notices)
        if self._clock.monotonic() - self._swept_at >= self._sweep_seconds:
            self._swept_at = self._clock.monotonic()
            steps += self._sweep()
        return steps + len(notices)

    def _handle(self, notice: Notice) -> int:
        steps = sum(self._settle_safely(action) for action in self._woken(notice))
        if notice.kind == "incident.opened" and notice.data.get("kind") == IncidentKind.BREAKER:
            steps += self._answer_own(notice.tenant, IncidentId(notice.subject))
        self._ports.outbox.done([notice.id])
        return steps

    def _woken(self, notice: Notice) -> Sequence[Action]:
        actions = self._ports.actions
        try:
            if notice.kind.startswith("action."):
                return [actions.get(notice.tenant, ActionId(notice.subject))]
            if notice.kind == "command.result":
                command = self._ports.commands.get(notice.tenant, CommandId(notice.subject))
                return [actions.get(notice.tenant, command.action)]
            if notice.kind == "incident.closed":
                return actions.going_on(notice.tenant, IncidentId(notice.subject))
        except NotFound as error:
            _LOG.warning("respond.notice_without_row", notice=notice.id, detail=error.detail)
        return []

    def _sweep(self) -> int:
        now = self._clock.now()
        steps = self._gather()
        self._gathered_at = now
        steps += self._escalate()
        for action in self._ports.actions.expired(now):
            if action.state in _UNDECIDED:
                steps += self._settle_safely(action)
        for action in self._ports.actions.due(_WORK, self._sweep_limit):
            steps += self._settle_safely(action)
        for action in self._ports.actions.awake(now, self._sweep_limit):
            steps += self._settle_safely(action)
        return steps

    def _settle_safely(self, action: Action) -> int:
        """Steps taken. What another one moved meanwhile is left to the next look."""
        try:
            return self._settle(action)
        except Conflict as error:
            _LOG.info("respond.moved_by_another", action=action.id, detail=error.detail)
        except VedetteError as error:
            _LOG.error(
                "respond.action_stuck", action=action.id, kind=error.kind, detail=error.detail
            )
        except _BROKEN:
            # What one host or row says must not stop the answers to all others.
            _LOG.exception("respond.action_broke", action=action.id)
        return 0

    def _settle(self, action: Action) -> int:
        steps = 0
        while (after := self._step(action)) is not None:
            steps += 1
            action = after
        return steps

    def _step(self, action: Action) -> Action | None:
        """The action one step further, or None when it must wait or has ended."""
        if action.state in _UNDECIDED and self._clock.now() >= action.expires_at:
            return self._advance(action, ActionState.EXPIRED, late(action))
        if why := self._overtaken(action):
            return self._advance(action, ActionState.REFUSED, why)
        if action.state is ActionState.AWAITING_APPROVAL or self._waits(action):
            return None
        if action.state is ActionState.PROPOSED:
            return self._decide(action)
        kind = self._kinds.get(action.kind)
        if action.state in ENDED:
            self._look_after(action, kind)
            return None
        return self._work(action, kind)

    def _overtaken(self, action: Action) -> str:
        """Why it is not to begin any more; empty while it may."""
        if action.state in _BEFORE and (why := self._holding.refuses(action)):
            return why
        if action.state in {*_BEFORE, *_UNDECIDED} and action.disruptive:
            return unwanted(self._job(action))
        return ""

    def _work(self, action: Action, kind: Kind | None) -> Action | None:
        if kind is None:
            detail = f"this version has no action {action.kind!r}"
            return self._advance(action, ActionState.FAILED, detail)
        if isinstance(kind, Lasting) and action.recallable and action.state in IN_FORCE:
            return self._last(action, kind)
        if (
            isinstance(kind, Lasting)
            and not kind.ends_itself
            and in_grace(action, self._clock.now())
        ):
            return None
        return self._carry_out(action, kind)

    def _last(self, action: Action, kind: Lasting) -> Action | None:
        if action.state is ActionState.VERIFIED:
            return self._leases.keep(self._job(action), kind) if action.leased else None
        if not action.recalled_by and (why := self._leases.calls_off(self._job(action))):
            return self._leases.end(action, why)
        if action.recalled_by:
            after = self._leases.recall(self._job(action), kind)
            if after is not None or (action.leased and not kind.ends_itself):
                return after
        return self._carry_out(action, kind)

    def _look_after(self, action: Action, kind: Kind | None) -> None:
        """Something may be in force that its action does not know of: the host's word came after its end.

        What the responder undoes by itself has not ended before that was done.
        """
        wanted = (ActionState.EXPIRED, ActionState.FAILED, ActionState.CANCELLED)
        if not isinstance(kind, Lasting) or not kind.ends_itself:
            return
        if action.recallable and action.state in wanted:
            self._leases.undo(self._job(action), kind)

    def _carry_out(self, action: Action, kind: Kind) -> Action | None:
        now = self._clock.now()
        if action.state is ActionState.VERIFIED:
            return None
        if action.state is ActionState.APPROVED:
            if now >= action.expires_at + _APPROVED_GRACE:
                return self._advance(
                    action, ActionState.EXPIRED, "its time ran out before it began"
                )
            return self._begin(action, kind)
        if kind.remote and now >= action.updated_at + _REMOTE_LIMIT:
            return self._write(action, kind, Failed(detail="no answer for a day"))
        if action.state is ActionState.DISPATCHED:
            return self._carry_on(action, kind)
        return self._write(action, kind, kind.probe(self._job(action)))

    def _write(self, action: Action, kind: Kind, outcome: Outcome) -> Action | None:
        """One step. What ends without a word from its host is undone first: it may be in force all the same."""
        if (
            isinstance(outcome, Failed | Expired)
            and isinstance(kind, Lasting)
            and action.recallable
        ):
            if kind.ends_itself:
                self._leases.undo(self._job(action), kind)
            elif action.leased:
                return self._leases.end(action, outcome.detail)
        return record(self._ports.actions, action, outcome, self._clock.now())

    def _waits(self, action: Action) -> bool:
        """For a silence to end; or to be gathered, until it was with nothing by all that is known since its time came."""
        if action.state not in _BEFORE:
            return False
        if self._holding.keeps(action):
            return True
        if action.wake_at is None:
            return False
        return self._gathered_at is None or self._gathered_at < action.wake_at

    def _decide(self, action: Action) -> Action:
        if why := self._senseless(action):
            return self._advance(action, ActionState.REFUSED, why)
        if action.mode is Mode.OBSERVE:
            return self._advance(
                action,
                ActionState.REFUSED,
                f"observe mode: would have done {action.kind}"
                + (" as a dry run" if action.dry_run else ""),
            )
        if action.mode is Mode.APPROVE:
            return self._advance(action, ActionState.AWAITING_APPROVAL, "waits for a person")
        if why := self._caution(action):
            return self._advance(action, ActionState.AWAITING_APPROVAL, why)
        return self._advance(
            action, ActionState.APPROVED, f"policy {action.policy} is in auto mode"
        )

    def _senseless(self, action: Action) -> str:
        """Why no host could be told of it, so that people are not asked in vain; empty when one can."""
        kind = self._kinds.get(action.kind)
        if not isinstance(kind, Lasting):
            return ""
        try:
            kind.plan(self._job(action))
        except InvalidInput as error:
            return error.detail
        return ""

    def _caution(self, action: Action) -> str:
        """Why a person must approve what a policy would do by itself; empty when it may."""
        why = self._cautious.against(action)
        return f"waits for a person: {why}" if why else ""

    def _begin(self, action: Action, kind: Kind) -> Action:
        try:
            kind.plan(self._job(action))
        except InvalidInput as error:
            return self._advance(action, ActionState.FAILED, error.detail)
        try:
            begun = self._ports.actions.dispatch(
                action.tenant,
                action.id,
                actor=ACTOR,
                expected=action.state,
                limits=self._limits(action.tenant),
            )
        except Conflict as error:
            if error.kind not in _HELD:
                raise
            return self._advance(action, ActionState.REFUSED, error.detail)
        return self._attempt(begun, kind)

    def _carry_on(self, action: Action, kind: Kind) -> Action | None:
        if kind.remote:
            # A crash may have fallen between the attempt's row and the call; applying again is the same call.
            outcome = self._try(action, kind)
            if isinstance(outcome, Waiting):
                outcome = kind.probe(self._job(action))
            # What breaks here breaks at every sweep until the limit ends it; a row for each would only fill the store.
            if isinstance(outcome, Retry):
                return None
            return self._write(action, kind, outcome)
        if self._clock.now() < next_attempt(action):
            return None
        if action.attempts >= MAX_ATTEMPTS:
            gave_up = Failed(detail=f"gave up after {action.attempts} attempts")
            return self._write(action, kind, gave_up)
        number = action.attempts + 1
        begun = self._ports.actions.note(
            action.tenant,
            action.id,
            actor=ACTOR,
            detail=f"attempt {number}",
            expected=action.state,
            expected_attempts=action.attempts,
            attempts=number,
        )
        return self._attempt(begun, kind)

    def _attempt(self, action: Action, kind: Kind) -> Action:
        """One attempt; what must be on disk before it has an effect is put there in between."""
        outcome = self._try(action, kind)
        if isinstance(outcome, Prepared):
            action = self._write(action, kind, outcome) or action
            outcome = self._try(action, kind)
        try:
            return self._write(action, kind, outcome) or action
        except Conflict:
            # Another responder may have undone and ended it while this one was still at it.
            after = self._ports.actions.get(action.tenant, action.id)
            over = action.leased and after.state in ENDED
            if over and isinstance(kind, Lasting) and not kind.ends_itself:
                self._leases.undo(self._job(after), kind)
            raise

    def _try(self, action: Action, kind: Kind) -> Outcome:
        try:
            return kind.apply(self._job(action))
        except Exception as error:  # noqa: BLE001 - one broken action must not stop the others; it is logged and retried
            _LOG.exception("respond.attempt_broke", action=action.id, kind=action.kind)
            return Retry(detail=f"the attempt broke with {type(error).__name__}; see the log")

    def _job(self, action: Action) -> Job:
        return Job(
            action=action,
            incident=(
                None
                if action.incident is None
                else self._ports.incidents.get(action.tenant, action.incident)
            ),
            events=tuple(self._ports.actions.events(action.tenant, action.id)),
            now=self._clock.now(),
            gathered=tuple(
                self._ports.incidents.get(action.tenant, IncidentId(one))
                for one in (action.parameters["incidents"] if action.trigger == DIGEST else ())
            ),
        )

    def _advance(self, action: Action, to: ActionState, detail: str) -> Action:
        return self._ports.actions.advance(
            action.tenant, action.id, to, actor=ACTOR, detail=detail, expected=action.state
        )
