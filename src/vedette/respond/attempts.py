"""Begins what was approved, and tries again what did not work: each attempt is on disk before it is made."""

from collections.abc import Callable

import structlog

from vedette.core import (
    ENDED,
    Action,
    ActionState,
    Clock,
    Conflict,
    InvalidInput,
    Limits,
    TenantId,
)
from vedette.respond.desk import Desk
from vedette.respond.kind import Kind, Lasting
from vedette.respond.leases import Leases
from vedette.respond.outcome import Acknowledged, Failed, Outcome, Prepared, Retry, Waiting
from vedette.respond.ports import Actions
from vedette.respond.schedule import MAX_ATTEMPTS, next_attempt
from vedette.respond.steps import ACTOR, BEGUN

__all__ = ["Attempts"]

_LOG = structlog.get_logger()
# Why an approved action may not begin; it does not begin later either, since by then it answers the past.
_HELD = frozenset(
    {"lease-in-force", "switched-off", "breaker-tripped", "needs-two-people", "approval-void"}
)


class Attempts:
    """`limits`: how many hosts of a tenant may be acted on."""

    def __init__(
        self,
        actions: Actions,
        desk: Desk,
        leases: Leases,
        clock: Clock,
        limits: Callable[[TenantId], Limits],
    ) -> None:
        self._actions = actions
        self._desk = desk
        self._leases = leases
        self._clock = clock
        self._limits = limits

    def begin(self, action: Action, kind: Kind) -> Action:
        """The first, within the limits. Raises Conflict."""
        try:
            kind.plan(self._desk.job(action))
        except InvalidInput as error:
            return self._desk.advance(action, ActionState.FAILED, error.detail)
        try:
            begun = self._actions.dispatch(
                action.tenant,
                action.id,
                actor=ACTOR,
                expected=action.state,
                limits=self._limits(action.tenant),
            )
        except Conflict as error:
            if error.kind not in _HELD:
                raise
            return self._desk.advance(action, ActionState.REFUSED, error.detail)
        return self._attempt(begun, kind)

    def carry_on(self, action: Action, kind: Kind) -> Action | None:
        """What was dispatched: asked for, or tried again if it is time. Raises Conflict."""
        if kind.remote:
            # A crash may have fallen between the attempt's row and the call; applying again is the same call.
            outcome = self._try(action, kind)
            if isinstance(outcome, Waiting):
                outcome = kind.probe(self._desk.job(action))
            if isinstance(outcome, Waiting):
                self._leases.tell_held_back(self._desk.job(action))
            # What breaks here breaks at every sweep until the limit ends it; a row for each would only fill the store.
            if isinstance(outcome, Retry):
                return None
            return self._desk.write(action, kind, outcome)
        if self._clock.now() < next_attempt(action):
            return None
        if action.attempts >= MAX_ATTEMPTS:
            gave_up = Failed(detail=f"gave up after {action.attempts} attempts")
            return self._desk.write(action, kind, gave_up)
        number = action.attempts + 1
        begun = self._actions.note(
            action.tenant,
            action.id,
            actor=ACTOR,
            detail=f"attempt {number}",
            data={BEGUN: number} if action.disruptive else None,
            expected=action.state,
            expected_attempts=action.attempts,
            attempts=number,
        )
        return self._attempt(begun, kind)

    def _attempt(self, action: Action, kind: Kind) -> Action:
        """One attempt; what must be on disk before it has an effect is put there in between."""
        outcome = self._try(action, kind)
        if isinstance(outcome, Prepared):
            action = self._desk.write(action, kind, outcome) or action
            outcome = self._try(action, kind)
        try:
            return self._desk.write(action, kind, outcome) or action
        except Conflict:
            # Another responder may have undone and ended it while this one was still at it.
            after = self._actions.get(action.tenant, action.id)
            if after.state in ENDED and isinstance(kind, Lasting) and not kind.ends_itself:
                self._overtaken(after, kind, outcome)
            raise

    def _overtaken(self, action: Action, kind: Lasting, outcome: Outcome) -> None:
        """What this attempt did after its action had ended: undone where it can be, else told."""
        if action.leased:
            self._leases.undo(self._desk.job(action), kind)
        elif isinstance(outcome, Acknowledged):
            self._leases.tell_late(action, outcome.detail)

    def _try(self, action: Action, kind: Kind) -> Outcome:
        try:
            outcome = kind.apply(self._desk.job(action))
        except Exception as error:  # noqa: BLE001 - one broken action must not stop the others; it is logged and retried
            _LOG.exception("respond.attempt_broke", action=action.id, kind=action.kind)
            outcome = Retry(detail=f"the attempt broke with {type(error).__name__}; see the log")
        self._desk.attempt_is_over(action)
        return outcome
