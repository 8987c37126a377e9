"""How an action moves: conditional updates along core.TRANSITIONS, each with its event and audit rows."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Conflict,
    NotFound,
    TenantId,
    may_become,
)
from vedette.store.database import Database
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ACTION_EVENTS, ACTIONS
from vedette.store.trail import Trail

__all__ = ["advance", "note", "one_action"]

_COLUMNS = columns_of(ACTIONS, Action)
# States that say what somebody made of the proposal.
_DECISIONS = {ActionState.APPROVED, ActionState.REFUSED, ActionState.CANCELLED}
Which = tuple[TenantId, ActionId]


def one_action(connection: sa.Connection, tenant: TenantId, identifier: ActionId) -> Action:
    """The action.

    Raises:
        NotFound: the tenant has none of this id.
    """
    query = sa.select(*_COLUMNS).where(ACTIONS.c.tenant == tenant, ACTIONS.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no action {identifier}")
    return read(Action, row)


def advance(
    database: Database,
    now: datetime,
    which: Which,
    to: ActionState,
    *,
    actor: str,
    detail: str,
    data: dict[str, Any] | None,
    expected: ActionState | None,
    plan: dict[str, Any] | None,
    attempts: int | None,
) -> Action:
    """What `Actions.advance` does."""
    too_late = False
    with database.writing() as connection:
        action = one_action(connection, *which)
        _check(action, to, expected)
        too_late = to is ActionState.APPROVED and now > action.expires_at
        if too_late:
            to, detail = ActionState.EXPIRED, f"{actor} approved it after its time"
        values: dict[str, Any] = {"state": to, "detail": detail, "updated_at": now}
        if plan is not None:
            values["plan"] = plan
        if attempts is not None:
            values["attempts"] = attempts
        if to in _DECISIONS:
            values["decided_by"] = actor
        _update(connection, action, values)
        _leave_marks(connection, action, to, actor, now, detail, data)
        after = one_action(connection, *which)
    if too_late:
        raise Conflict(
            f"the time to approve ended at {action.expires_at.isoformat()}; the action is expired",
            kind="approval-expired",
        )
    return after


def note(
    database: Database,
    now: datetime,
    which: Which,
    *,
    actor: str,
    detail: str,
    data: dict[str, Any] | None,
    expected: ActionState,
    expected_attempts: int,
    attempts: int,
) -> Action:
    """What `Actions.note` does."""
    with database.writing() as connection:
        action = one_action(connection, *which)
        if action.state is not expected or action.attempts != expected_attempts:
            raise Conflict(
                f"the action is {action.state} after {action.attempts} attempts,"
                f" not {expected} after {expected_attempts}",
                state=str(action.state),
            )
        _update(connection, action, {"attempts": attempts, "detail": detail, "updated_at": now})
        _write_event(connection, action, action.state, actor, now, detail, data)
        Trail(connection, action.tenant, actor, now).audit(
            "action.noted", action.id, detail, {"state": str(action.state), "attempts": attempts}
        )
        return one_action(connection, *which)


def _check(action: Action, to: ActionState, expected: ActionState | None) -> None:
    if expected is not None and action.state is not expected:
        raise Conflict(
            f"the action is {action.state}, not {expected}, so it cannot become {to}",
            state=str(action.state),
        )
    if not may_become(action.state, to):
        raise Conflict(
            f"the action is {action.state} and cannot become {to}", state=str(action.state)
        )


def _update(connection: sa.Connection, seen: Action, values: dict[str, Any]) -> None:
    changed = connection.execute(
        sa.update(ACTIONS)
        .where(
            ACTIONS.c.tenant == seen.tenant,
            ACTIONS.c.id == seen.id,
            ACTIONS.c.state == seen.state,
            ACTIONS.c.attempts == seen.attempts,
        )
        .values(values)
    ).rowcount
    if not changed:
        present = one_action(connection, seen.tenant, seen.id)
        raise Conflict(
            f"the action was {seen.state} and has become {present.state} meanwhile",
            state=str(present.state),
        )


def _write_event(
    connection: sa.Connection,
    action: Action,
    state: ActionState,
    actor: str,
    now: datetime,
    detail: str,
    data: dict[str, Any] | None,
) -> None:
    event = ActionEvent(
        action=action.id, at=now, state=state, actor=actor, detail=detail, data=data or {}
    )
    connection.execute(sa.insert(ACTION_EVENTS), [values_of(event, tenant=action.tenant)])


def _leave_marks(
    connection: sa.Connection,
    action: Action,
    to: ActionState,
    actor: str,
    now: datetime,
    detail: str,
    data: dict[str, Any] | None,
) -> None:
    _write_event(connection, action, to, actor, now, detail, data)
    told = {
        "from": str(action.state),
        "state": str(to),
        "incident": action.incident,
        "host": action.host,
        "kind": action.kind,
        "dry_run": action.dry_run,
    }
    trail = Trail(connection, action.tenant, actor, now)
    trail.audit(f"action.{to}", action.id, detail, told)
    if actor.startswith("user:"):
        trail.notify("action.decided", action.id, told)
