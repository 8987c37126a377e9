"""What waits for people takes two of them from the moment that it is fleet-wide."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import PEOPLE, Action, ActionState, TenantId, reach_of
from vedette.store.database import Database
from vedette.store.reaching import DESTRUCTIVE, acted, hosts_of
from vedette.store.rows import columns_of, read
from vedette.store.schema import ACTIONS, INCIDENTS
from vedette.store.steps import write_note

__all__ = ["GUARDS", "ask_two", "widen"]

GUARDS: Final = "system:guards"


def widen(
    database: Database,
    connection: sa.Connection,
    tenant: TenantId,
    now: datetime,
) -> None:
    """Those that wait and are fleet-wide by now take two people from now on, each with a line that says why.

    One that somebody decides on in this moment is passed over: whoever decides asks again.
    """
    home = sa.and_(INCIDENTS.c.tenant == ACTIONS.c.tenant, INCIDENTS.c.id == ACTIONS.c.incident)
    query: sa.Select[Any] = (
        sa.select(*columns_of(ACTIONS, Action), INCIDENTS.c.part_of)
        .join(INCIDENTS, home, isouter=True)
        .where(
            ACTIONS.c.tenant == tenant,
            ACTIONS.c.state == ActionState.AWAITING_APPROVAL,
            ACTIONS.c.approvals < PEOPLE,
            *DESTRUCTIVE,
        )
        .order_by(ACTIONS.c.id)
    )
    rows = connection.execute(database.locking(query, ACTIONS, skip=True)).all()
    if not rows:
        return
    others, hosts = acted(connection, tenant, now), hosts_of(connection, tenant)
    for row in rows:
        action = read(Action, row)
        found = reach_of(action, storm=row.part_of is not None, acted=others, hosts=hosts)
        if found.words:
            ask_two(connection, action, now, found.words)


def ask_two(connection: sa.Connection, action: Action, now: datetime, why: str) -> None:
    """Of one, with the line that says why."""
    words = f"two people must approve it: {why}"
    connection.execute(
        sa.update(ACTIONS)
        .where(ACTIONS.c.tenant == action.tenant, ACTIONS.c.id == action.id)
        .values(approvals=PEOPLE, detail=words, updated_at=now)
    )
    write_note(connection, action, GUARDS, now, words)
