"""Moves actions through their life: one step at a time, each on disk before the next.

Notices only wake it. What is to be done follows from the rows alone, and `tick` sweeps them too, so that a lost or
doubled notice, a restart, or a second responder changes nothing but the moment.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from vedette.core import (
    ENDED,
    IN_FORCE,
    Action,
    ActionId,
    ActionState,
    Clock,
    CommandId,
    Conflict,
    HostId,
    IncidentId,
    IncidentKind,
    Inhibition,
    InvalidInput,
    Limits,
    Mode,
    NotFound,
    TenantId,
    VedetteError,
)
from vedette.respond.attempts import Attempts
from vedette.respond.caution import Caution
from vedette.respond.desk import Desk
from vedette.respond.holding import Holding
from vedette.respond.kind import Kind, Lasting
from vedette.respond.leases import Leases
from vedette.respond.outcome import Failed
from vedette.respond.overtaken import Overtaken
from vedette.respond.ports import Notice, Ports
from vedette.respond.registry import Registry
from vedette.respond.revoked import revocation, stranded
from vedette.respond.schedule import in_grace
from vedette.respond.steps import record

__all__ = ["Responder"]

_LOG = structlog.get_logger()
_SET_BACK = timedelta(minutes=1)
_EVER = datetime.max.replace(tzinfo=UTC)
_WORK = (
    ActionState.PROPOSED,
    ActionState.APPROVED,
    ActionState.DISPATCHED,
    ActionState.ACKNOWLEDGED,
    ActionState.APPLIED,
)
_BEFORE = (ActionState.PROPOSED, ActionState.APPROVED)
# What was approved in time is still carried out if the responder comes to it a little later, not after an outage.
_APPROVED_GRACE = timedelta(minutes=15)
# The last resort that lets every action end; a kind's own limits are far shorter.
_REMOTE_LIMIT = timedelta(days=1)
# What wrong values lead to. What is wrong with the store is the process's to wait out.
_BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Responder:
    """Carries out decisions. Several may run on one store: every step is conditional on what was seen.

    `sweep_seconds`: how often rows are looked at without a notice, which with one attempt bounds how late a timer fires. `turn_seconds`:
    how long what only tells is caught up with before new notices have their turn. `limits`: how many
    hosts of a tenant may be acted on. `gather` makes one of what many hosts tell, `escalate` moves on the escalations that are
    due, `answer_own` proposes what answers an incident of the service itself; each gives how much that changed.
    `doubt` says why the model that an action answers may not act by itself; empty where it may. `inhibits` are the tenant's rules of
    what explains what.
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
        turn_seconds: float = 2.0,
        limits: Callable[[TenantId], Limits] = lambda _: Limits(),
        gather: Callable[[], int] = lambda: 0,
        escalate: Callable[[], int] = lambda: 0,
        answer_own: Callable[[TenantId, IncidentId], int] = lambda _tenant, _incident: 0,
        doubt: Callable[[Action], str] = lambda _: "",
        inhibits: Callable[[TenantId], Sequence[Inhibition]] = lambda _: (),
    ) -> None:
        self._ports = ports
        self._kinds = kinds
        self._clock = clock
        self._batch = batch
        self._sweep_limit = sweep_limit
        self._sweep_seconds = sweep_seconds
        self._turn_seconds = turn_seconds
        self._swept_at = float("-inf")
        self._behind = False
        self._leases = Leases(ports.actions, ports.guards)
        self._desk = Desk(ports, self._leases, clock)
        self._attempts = Attempts(ports.actions, self._desk, self._leases, clock, limits)
        self._holding = Holding(ports.silences, inhibits, kinds)
        self._gather = gather
        self._escalate = escalate
        self._answer_own = answer_own
        self._overtaken = Overtaken(ports, kinds, self._desk, self._holding)
        self._cautious = Caution(ports.guards, doubt, ports.actions.reach)
        self._gathered_at: datetime | None = None
        self._looked_at: datetime | None = None

    def tick(self) -> int:
        """Handles due timers and waiting notices once.

        Returns:
            How many steps were taken; 0 means that the caller may wait before the next call.
        """
        steps = self._keep_time()
        notices = self._ports.outbox.take(self._batch)
        for notice in notices:
            steps += self._handle(notice) + self._keep_time()
        return steps + self._catch_up() + len(notices)

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
            if notice.kind in {"incident.closed", "incident.acknowledged"}:
                return actions.going_on(notice.tenant, IncidentId(notice.subject))
            if notice.kind == "host.revoked":
                return actions.of_host(notice.tenant, HostId(notice.subject))
        except NotFound as error:
            _LOG.warning("respond.notice_without_row", notice=notice.id, detail=error.detail)
        return []

    def _keep_time(self) -> int:
        """All that has its moment, where the last look was long enough ago: between any two of what may take long."""
        if self._clock.monotonic() - self._swept_at < self._sweep_seconds:
            return 0
        now, actions = self._clock.now(), self._ports.actions
        steps = self._gather()
        self._gathered_at = now
        steps += self._escalate()
        for found in (
            actions.awake(self._woken_until(now), self._sweep_limit),
            actions.undecided(now, self._sweep_limit),
            actions.due(_WORK, self._sweep_limit, disruptive=True),
        ):
            steps += sum(map(self._settle_safely, found))
        self._looked_at = now
        # From its end on: it may take long itself, and what wakes it has its turn, too.
        self._swept_at = self._clock.monotonic()
        self._behind = True
        return steps

    def _woken_until(self, now: datetime) -> datetime:
        """Now; once without end at the start and after the clock was set back, which makes what is due wait by as much."""
        before = self._looked_at
        return now if before is not None and now >= before - _SET_BACK else _EVER

    def _catch_up(self) -> int:
        """What only tells, as far as it goes in one turn: each attempt may wait long for somebody's server."""
        if not self._behind:
            return 0
        began, steps = self._clock.monotonic(), 0
        for action in self._ports.actions.due(_WORK, self._sweep_limit, disruptive=False):
            steps += self._settle_safely(action) + self._keep_time()
            if self._clock.monotonic() - began >= self._turn_seconds:
                return steps
        self._behind = False
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
        if ended := self._overtaken.ends(action, self._clock.now()):
            return self._desk.advance(action, *ended)
        if action.state is ActionState.AWAITING_APPROVAL or self._waits(action):
            return None
        if action.state is ActionState.PROPOSED:
            return self._decide(action)
        kind = self._kinds.get(action.kind)
        if action.state in ENDED:
            self._look_after(action, kind)
            return None
        return self._work(action, kind)

    def _work(self, action: Action, kind: Kind | None) -> Action | None:
        if kind is None:
            detail = f"this version has no action {action.kind!r}"
            return self._desk.advance(action, ActionState.FAILED, detail)
        revoked = revocation(self._ports.hosts, action) if kind.remote else ""
        if revoked and action.state is not ActionState.VERIFIED:
            outcome = stranded(action, revoked)
            return record(self._ports.actions, action, outcome, self._clock.now())
        lasts = action.answered_for or bool(action.recalled_by)
        if isinstance(kind, Lasting) and lasts and action.state in IN_FORCE:
            return self._last(action, kind, revoked)
        if (
            isinstance(kind, Lasting)
            and not kind.ends_itself
            and in_grace(action, self._clock.now())
        ):
            why = self._leases.calls_off(self._desk.job(action), kind)
            return self._desk.advance(action, ActionState.CANCELLED, why) if why else None
        return self._carry_out(action, kind)

    def _last(self, action: Action, kind: Lasting, revoked: str) -> Action | None:
        if action.state is ActionState.VERIFIED:
            job = self._desk.job(action)
            return self._leases.keep(job, kind, revoked) if action.leased else None
        if not action.recalled_by and (why := self._leases.calls_off(self._desk.job(action), kind)):
            return self._leases.end(action, why)
        if action.recalled_by:
            after = self._leases.recall(self._desk.job(action), kind)
            if after is not None or (action.leased and not kind.ends_itself):
                return after
            if not kind.remote and action.state is ActionState.DISPATCHED:
                # It is not asked for again: whether it was is seen.
                return self._desk.write(action, kind, kind.probe(self._desk.job(action)))
        return self._carry_out(action, kind)

    def _look_after(self, action: Action, kind: Kind | None) -> None:
        """Something may be in force that its action does not know of: the host's word came after its end.

        What the responder undoes by itself has not ended before that was done.
        """
        wanted = (ActionState.EXPIRED, ActionState.FAILED, ActionState.CANCELLED)
        if not isinstance(kind, Lasting) or not kind.ends_itself:
            return
        if action.recallable and action.state in wanted:
            self._leases.undo(self._desk.job(action), kind)

    def _carry_out(self, action: Action, kind: Kind) -> Action | None:
        now = self._clock.now()
        if action.state is ActionState.VERIFIED:
            return None
        if action.state is ActionState.APPROVED:
            if now >= action.expires_at + _APPROVED_GRACE:
                return self._desk.advance(
                    action, ActionState.EXPIRED, "its time ran out before it began"
                )
            return self._attempts.begin(action, kind)
        if kind.remote and now >= action.updated_at + _REMOTE_LIMIT:
            return self._desk.write(action, kind, Failed(detail="no answer for a day"))
        if action.state is ActionState.DISPATCHED:
            return self._attempts.carry_on(action, kind)
        return self._desk.write(action, kind, kind.probe(self._desk.job(action)))

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
            return self._desk.advance(action, ActionState.REFUSED, why)
        if action.mode is Mode.OBSERVE:
            return self._desk.advance(
                action,
                ActionState.REFUSED,
                f"observe mode: would have done {action.kind}"
                + (" as a dry run" if action.dry_run else ""),
            )
        if action.mode is Mode.APPROVE:
            return self._desk.advance(action, ActionState.AWAITING_APPROVAL, "waits for a person")
        if why := self._caution(action):
            return self._desk.advance(action, ActionState.AWAITING_APPROVAL, why)
        return self._desk.advance(
            action, ActionState.APPROVED, f"policy {action.policy} is in auto mode"
        )

    def _senseless(self, action: Action) -> str:
        """Why no host could be told of it, so that people are not asked in vain; empty when one can."""
        kind = self._kinds.get(action.kind)
        if not isinstance(kind, Lasting):
            return ""
        try:
            kind.plan(self._desk.job(action))
        except InvalidInput as error:
            return error.detail
        return ""

    def _caution(self, action: Action) -> str:
        """Why a person must approve what a policy would do by itself; empty when it may."""
        why = self._cautious.against(action)
        return f"waits for a person: {why}" if why else ""
