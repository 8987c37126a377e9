"""Leave for a host to act by its own settings: an ordinary action, proposed, counted and begun in one transaction."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from vedette.core import (
    OWN_POLICY,
    Action,
    ActionState,
    Breaker,
    Command,
    Conflict,
    Limits,
    scopes_of,
)
from vedette.store.database import Database
from vedette.store.dispatching import begin, refuse_if_thrown
from vedette.store.proposals import Proposals
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ACTIONS, BREAKERS, COMMANDS
from vedette.store.steps import one_action, take_step
from vedette.store.trail import Trail

__all__ = ["grant"]

_COLUMNS = columns_of(ACTIONS, Action)
_COMMAND = columns_of(COMMANDS, Command)
# Of these nothing came to be, so the host may ask again; not at once, or each snapshot would leave a row.
_CAME_TO_NOTHING = frozenset({ActionState.REFUSED, ActionState.EXPIRED})
_AGAIN = timedelta(minutes=10)
S = ActionState


def grant(
    database: Database,
    now: datetime,
    action: Action,
    command: Command,
    blob: bytes,
    *,
    actor: str,
    limits: Limits,
    against: str,
) -> tuple[Command | None, str]:
    """What `Actions.grant` does."""
    with database.writing() as connection:
        before = _before(database, connection, action)
        begun = next((one for one in before if one.id == action.id), None)
        if begun is not None and begun.state is S.DISPATCHED:
            if why := against or _stopped(connection, begun):
                return None, why
            return _command(connection, command), ""
        if why := _asked_before(before, action, now):
            return None, why
        proposals = Proposals(actor, now)
        proposals.add(action)
        proposals.write(connection)
        why = (
            against
            or _open(connection, action)
            or _begun(database, connection, now, action, actor, limits)
        )
        if why:
            present = one_action(connection, action.tenant, action.id)
            take_step(connection, now, present, S.REFUSED, actor, why, None, None, {})
            return None, why
        database.insert_new(
            connection, COMMANDS, values_of(command, blob=blob, acknowledged_at=now)
        )
        Trail(connection, command.tenant, actor, now).audit(
            "command.issued",
            command.id,
            data={
                "host": command.host,
                "action": command.action,
                "kind": command.kind,
                "dry_run": command.dry_run,
            },
        )
    return command, ""


def _begun(
    database: Database,
    connection: sa.Connection,
    now: datetime,
    action: Action,
    actor: str,
    limits: Limits,
) -> str:
    """Takes it to dispatched; or why it may not begin."""
    which = (action.tenant, action.id)
    words = "the host's own settings approved it beforehand"
    take_step(connection, now, action, S.APPROVED, actor, words, None, S.PROPOSED, {})
    try:
        tripped = begin(
            database, connection, now, which, actor=actor, expected=S.APPROVED, limits=limits
        )
    except Conflict as error:
        return error.detail
    return f"the breaker tripped: {tripped.words}" if tripped else ""


def _before(database: Database, connection: sa.Connection, action: Action) -> list[Action]:
    """What this host did, or would have done, by itself in this incident, oldest first."""
    query = sa.select(*_COLUMNS).where(
        ACTIONS.c.tenant == action.tenant,
        ACTIONS.c.incident == action.incident,
        ACTIONS.c.host == action.host,
        ACTIONS.c.policy == OWN_POLICY,
    )
    query = database.locking(query.order_by(ACTIONS.c.proposed_at, ACTIONS.c.id), ACTIONS)
    return [read(Action, row) for row in connection.execute(query)]


def _asked_before(before: list[Action], action: Action, now: datetime) -> str:
    for one in before:
        if one.state not in _CAME_TO_NOTHING:
            return f"in this incident the host had leave before: action {one.id} is {one.state.replace('_', ' ')}"
    same = any(one.id == action.id for one in before)
    if same or (before and now < before[-1].updated_at + _AGAIN):
        return f"it was asked for before and came to nothing: {before[-1].detail}"
    return ""


def _stopped(connection: sa.Connection, begun: Action) -> str:
    """Why what was begun is not handed out again, beside what is against leave at all."""
    if begun.recalled_by:
        return f"{begun.recalled_by} asked for its end: {begun.recalled_why}"
    try:
        refuse_if_thrown(connection, begun.tenant)
    except Conflict as error:
        return error.detail
    return ""


def _command(connection: sa.Connection, command: Command) -> Command:
    """As it was issued for the same action before."""
    query = sa.select(*_COMMAND).where(
        COMMANDS.c.tenant == command.tenant, COMMANDS.c.id == command.id
    )
    return read(Command, connection.execute(query).one())


def _open(connection: sa.Connection, action: Action) -> str:
    """Which breaker is open in its scopes. What a person may decide on in spite of it, a host may not."""
    query = sa.select(*columns_of(BREAKERS, Breaker)).where(
        BREAKERS.c.tenant == action.tenant, BREAKERS.c.reset_at.is_(None)
    )
    counted = scopes_of(action)
    for row in connection.execute(query):
        breaker = read(Breaker, row)
        if (breaker.scope, breaker.key) in counted:
            return f"a breaker is open: {breaker.words}"
    return ""
