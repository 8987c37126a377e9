"""People's approvals: each person once, and the action goes on when there are enough."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import PEOPLE, Action, ActionId, ActionState, Conflict, TenantId
from vedette.store.database import Database
from vedette.store.reaching import reach
from vedette.store.schema import APPROVALS
from vedette.store.steps import one_action, take_step, write_note
from vedette.store.weighing import drop_void, weigh
from vedette.store.widening import GUARDS, ask_two, widen

__all__ = ["approve"]


def approve(
    database: Database,
    now: datetime,
    which: tuple[TenantId, ActionId],
    *,
    actor: str,
    reason: str,
) -> Action:
    """What `Actions.approve` does."""
    late = None
    with database.writing() as connection:
        # Locked before it is looked at: what is decided meanwhile by another must be seen, and two approvals each other.
        action = one_action(connection, *which, lock=database)
        if action.state is not ActionState.AWAITING_APPROVAL:
            raise Conflict(
                f"the action is {action.state} and does not await approval",
                kind="not-awaiting-approval",
                state=str(action.state),
            )
        if action.proposed_by == actor:
            raise Conflict(
                f"{actor} proposed it, so somebody else must approve it", kind="own-proposal"
            )
        if now > action.expires_at:
            late = action.expires_at
            words = f"{actor} approved it after its time"
            _step(connection, now, action, ActionState.EXPIRED, actor, words)
        else:
            if why := reach(connection, action, now).words if action.approvals < PEOPLE else "":
                ask_two(connection, action, now, why)
                action = one_action(connection, *which)
            for words in drop_void(connection, action, now):
                write_note(connection, action, GUARDS, now, words)
            _count(database, connection, now, action, actor, reason)
            widen(database, connection, action.tenant, now)
        after = one_action(connection, *which)
    if late is not None:
        raise Conflict(
            f"the time to approve ended at {late.isoformat()}; the action is expired",
            kind="approval-expired",
        )
    return after


def _count(
    database: Database,
    connection: sa.Connection,
    now: datetime,
    action: Action,
    actor: str,
    reason: str,
) -> None:
    row: dict[str, Any] = {
        "tenant": action.tenant,
        "action": action.id,
        "actor": actor,
        "at": now,
        "reason": reason,
    }
    if not database.insert_new(connection, APPROVALS, row):
        raise Conflict(
            f"{actor} has approved it before; it takes {action.approvals} people",
            kind="approved-before",
        )
    weighed = weigh(connection, (action.tenant, action.id), now)
    if actor in weighed.void:
        raise Conflict(weighed.void[actor], kind="approval-void")
    given = len(weighed.given)
    if given >= action.approvals:
        _step(connection, now, action, ActionState.APPROVED, actor, reason)
        return
    words = f"approval {given} of {action.approvals}" + (f": {reason}" if reason else "")
    write_note(connection, action, actor, now, words)


def _step(
    connection: sa.Connection,
    now: datetime,
    action: Action,
    to: ActionState,
    actor: str,
    words: str,
) -> None:
    take_step(connection, now, action, to, actor, words, None, action.state, {"wake_at": None})
