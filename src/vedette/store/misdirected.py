"""What hosts refuse that was never theirs: kept in the audit, where people see that somebody hands commands around."""

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import CommandResult, HostId, TenantId
from vedette.store.database import Database
from vedette.store.schema import AUDIT, HOSTS
from vedette.store.trail import Trail

__all__ = ["keep_refusal"]

_MOST_LETTERS: Final = 300
_MOST_OF_AN_ID: Final = 64
# The host's own word makes these rows, so it must not fill the audit by that: so many within an hour.
_MOST: Final = 20
_WITHIN: Final = timedelta(hours=1)


def keep_refusal(
    database: Database,
    connection: sa.Connection,
    result: CommandResult,
    *,
    by: HostId,
    tenant: TenantId,
    now: datetime,
    known: sa.Row[Any] | None,
) -> None:
    """An audit entry that host `by` was handed what is not its own, once for each command.

    `known` is the command's row where the tenant has it, which then is another host's.
    """
    # Two answers at once must not both find that nothing is there.
    of_host = sa.select(HOSTS.c.id).where(HOSTS.c.tenant == tenant, HOSTS.c.id == by)
    connection.execute(database.locking(of_host, HOSTS)).first()
    subject, actor = _shown(result.command, _MOST_OF_AN_ID), f"host:{by}"
    mine = (
        AUDIT.c.tenant == tenant,
        AUDIT.c.actor == actor,
        AUDIT.c.action == "command.misdirected",
    )
    told = sa.select(AUDIT.c.number).where(*mine, AUDIT.c.subject == subject).limit(1)
    lately = sa.select(AUDIT.c.number).where(*mine, AUDIT.c.at > now - _WITHIN).limit(_MOST)
    if connection.execute(told).first() or len(connection.execute(lately).all()) == _MOST:
        return
    data: dict[str, Any] = {"host": by}
    what = "a signed command that is not known here"
    if known is not None:
        data |= {"of": known.host, "action": known.action, "kind": known.kind}
        what = f"the command of host {known.host}"
    said = _shown(result.detail, _MOST_LETTERS)
    words = f"host {by} was handed {what}, and refused it: {said or 'it gave no reason'}"
    Trail(connection, tenant, actor, now).audit("command.misdirected", subject, words, data)


def _shown(text: str, most: int) -> str:
    """A host chose the text: in one line, without what steers a terminal, and no longer than that."""
    return "".join(one if one.isprintable() else " " for one in text[:most]).strip()
