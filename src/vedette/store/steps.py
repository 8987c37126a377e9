"""How an action moves: conditional updates along core.TRANSITIONS, each with its event and audit rows."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    ENDED,
    IN_FORCE,
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Conflict,
    Incident,
    NotFound,
    TenantId,
    may_become,
)
from vedette.store.database import Database
from vedette.store.reaching import asked
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ACTION_EVENTS, ACTIONS, LEASE_IN_FORCE
from vedette.store.trail import Trail

__all__ = [
    "advance",
    "note",
    "one_action",
    "recall",
    "recall_harmless",
    "take_step",
    "wake",
    "write_note",
]

_COLUMNS = columns_of(ACTIONS, Action)
# States that say what somebody made of the proposal.
_DECISIONS = {ActionState.APPROVED, ActionState.REFUSED, ActionState.CANCELLED}
Which = tuple[TenantId, ActionId]


def one_action(
    connection: sa.Connection,
    tenant: TenantId,
    identifier: ActionId,
    *,
    lock: Database | None = None,
) -> Action:
    """The action; with `lock` nobody else changes it until the transaction ends.

    Raises:
        NotFound: the tenant has none of this id.
    """
    query = sa.select(*_COLUMNS).where(ACTIONS.c.tenant == tenant, ACTIONS.c.id == identifier)
    if lock is not None:
        query = lock.locking(query, ACTIONS)
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
    changes: dict[str, Any],
) -> Action:
    """What `Actions.advance` does; `changes` are other columns."""
    too_late = False
    with database.writing() as connection:
        action = one_action(connection, *which)
        too_late = to is ActionState.APPROVED and now > action.expires_at
        if too_late:
            to, detail = ActionState.EXPIRED, f"{actor} approved it after its time"
        elif to is ActionState.AWAITING_APPROVAL:
            approvals, why = asked(connection, action, now)
            changes = changes | {"approvals": approvals}
            detail = "; ".join(filter(None, (detail, why)))
        take_step(connection, now, action, to, actor, detail, data, expected, changes)
        after = one_action(connection, *which)
    if too_late:
        raise Conflict(
            f"the time to approve ended at {action.expires_at.isoformat()}; the action is expired",
            kind="approval-expired",
        )
    return after


def take_step(
    connection: sa.Connection,
    now: datetime,
    action: Action,
    to: ActionState,
    actor: str,
    detail: str,
    data: dict[str, Any] | None,
    expected: ActionState | None,
    changes: dict[str, Any],
) -> None:
    """One step within a transaction.

    Raises:
        Conflict: it is in another state than `expected`, or that step is not allowed from where it is.
    """
    _check(action, to, expected)
    if to is ActionState.DISPATCHED and action.leased:
        _refuse_second(connection, action)
    values: dict[str, Any] = {"state": to, "detail": detail, "updated_at": now, **changes}
    if to in _DECISIONS:
        values["decided_by"] = actor
    _update(connection, action, values)
    _leave_marks(connection, action, to, actor, now, detail, data)


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
    changes: dict[str, Any],
) -> Action:
    """What `Actions.note` does; `changes` are other columns."""
    with database.writing() as connection:
        action = one_action(connection, *which)
        if action.state is not expected or action.attempts != expected_attempts:
            raise Conflict(
                f"the action is {action.state} after {action.attempts} attempts,"
                f" not {expected} after {expected_attempts}",
                state=str(action.state),
            )
        _update(connection, action, {"detail": detail, "updated_at": now, **changes})
        _write_event(connection, action, action.state, actor, now, detail, data)
        after = one_action(connection, *which)
        Trail(connection, action.tenant, actor, now).audit(
            "action.noted",
            action.id,
            detail,
            {"state": str(action.state), "attempts": after.attempts},
        )
        return after


def write_note(
    connection: sa.Connection, action: Action, actor: str, now: datetime, words: str
) -> None:
    """A line of its history and of the audit, without a step, within a transaction."""
    _write_event(connection, action, action.state, actor, now, words, None)
    Trail(connection, action.tenant, actor, now).audit(
        "action.noted", action.id, words, {"state": str(action.state)}
    )


def recall(database: Database, now: datetime, which: Which, *, actor: str, why: str) -> Action:
    """What `Actions.recall` does."""
    with database.writing() as connection:
        action = one_action(connection, *which)
        if action.state not in IN_FORCE:
            raise Conflict(
                f"nothing of this action is in force: it is {action.state.replace('_', ' ')}",
                kind="not-in-force",
                state=str(action.state),
            )
        if action.recalled_by:
            raise Conflict(
                f"{action.recalled_by} has asked for its end before", kind="recalled-before"
            )
        _ask_for_end(connection, action, actor, now, why)
        return one_action(connection, *which)


def recall_harmless(
    database: Database, connection: sa.Connection, incident: Incident, now: datetime
) -> None:
    """Asks for the end of what is done, or to be done, to the host of an incident that people have just called harmless.

    That stays with the actions: the incident may be open again before the responder looks.
    """
    query = sa.select(*_COLUMNS).where(
        ACTIONS.c.tenant == incident.tenant,
        ACTIONS.c.incident == incident.id,
        ACTIONS.c.recalled_by == "",
        ACTIONS.c.state.not_in(sorted(ENDED)),
    )
    rows = connection.execute(database.locking(query.order_by(ACTIONS.c.id), ACTIONS)).all()
    for action in (read(Action, row) for row in rows):
        if action.ends_as_harmless:
            _ask_for_end(connection, action, incident.closed_by, now, incident.harmless)


def _ask_for_end(
    connection: sa.Connection, action: Action, actor: str, now: datetime, why: str
) -> None:
    values: dict[str, Any] = {"recalled_by": actor, "recalled_why": why}
    if action.state in IN_FORCE:
        values["wake_at"] = now
    _update(connection, action, values)
    words = "asked for its end" + (f": {why}" if why else "")
    _write_event(connection, action, action.state, actor, now, words, None)
    trail = Trail(connection, action.tenant, actor, now)
    told = {"host": action.host, "kind": action.kind, "state": str(action.state)}
    trail.audit("action.recalled", action.id, why, told)
    trail.notify("action.recalled", action.id, told)


def wake(database: Database, which: Which, *, expected: ActionState, at: datetime | None) -> None:
    """What `Actions.wake` does."""
    with database.writing() as connection:
        connection.execute(
            sa.update(ACTIONS)
            .where(
                ACTIONS.c.tenant == which[0],
                ACTIONS.c.id == which[1],
                ACTIONS.c.state == expected,
            )
            .values(wake_at=at)
        )


def _refuse_second(connection: sa.Connection, action: Action) -> None:
    """The index would refuse it too, but could not say why."""
    query = sa.select(ACTIONS.c.id).where(
        ACTIONS.c.tenant == action.tenant,
        ACTIONS.c.host == action.host,
        ACTIONS.c.kind == action.kind,
        sa.text(LEASE_IN_FORCE),
    )
    other = connection.execute(query).scalar()
    if other is not None:
        raise Conflict(
            f"the host is under {action.kind} by action {other} already",
            kind="lease-in-force",
            action=other,
        )


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
