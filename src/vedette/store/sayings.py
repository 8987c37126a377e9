"""What people said of incidents, for the detector to hear."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from vedette.core import HostId, Incident, Resolution, Saying, TenantId
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read
from vedette.store.schema import HOSTS, SAYINGS
from vedette.store.trail import Trail

__all__ = ["Sayings", "say"]

_MOST = 500  # that a batch hears
_HEARD_WITHIN = timedelta(days=7)
_INSTANT = timedelta(microseconds=1)
_MOST_SUBJECTS = 64
_COLUMNS = columns_of(SAYINGS, Saying)
_NEWEST = Listing("sayings", SAYINGS.c.number)


class Sayings:
    """Written when a person closes an incident; never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(
        self, tenant: TenantId, hosts: Iterable[HostId], *, since: datetime
    ) -> tuple[Saying, ...]:
        """What these hosts may still hear at a moment, in the order it was said."""
        about = SAYINGS.c.host.in_(sorted(set(hosts)))
        query = (
            sa.select(*_COLUMNS)
            .where(SAYINGS.c.tenant == tenant, SAYINGS.c.until >= since, about)
            .order_by(SAYINGS.c.number.desc())
            .limit(_MOST)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(read(Saying, row) for row in reversed(rows))

    def find(
        self,
        tenant: TenantId,
        *,
        host: HostId | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Saying]:
        """Newest first, whether or not they are still heard."""
        query = sa.select(*_COLUMNS).where(SAYINGS.c.tenant == tenant)
        if host is not None:
            query = query.where(SAYINGS.c.host == host)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Saying, row), limit=limit, after=after
            )


def say(
    connection: sa.Connection,
    trail: Trail,
    incident: Incident,
    *,
    author: str,
    now: datetime,
    reason: str,
    cohort: bool,
) -> None:
    """Within the transaction that closes an incident: what its resolution says to the detector, and the audit of that.

    Of an incident without a host there is nothing to say. It is said at a moment after the host's last snapshot by the host's own clock, so that it is heard by the next.
    """
    if incident.host is None:
        return
    normal = incident.resolution in {Resolution.BENIGN_CHANGE, Resolution.FALSE_POSITIVE}
    named = {reason.subject for reason in incident.reasons if reason.expert != "judge"}
    subjects = tuple(sorted({*incident.causes, *named}))[:_MOST_SUBJECTS]
    row = connection.execute(
        sa.select(HOSTS.c.last_taken_at).where(
            HOSTS.c.tenant == incident.tenant, HOSTS.c.id == incident.host
        )
    ).one()
    at = max(now, row.last_taken_at + _INSTANT) if row.last_taken_at else now
    until = at + _HEARD_WITHIN
    values = {
        "tenant": incident.tenant,
        "host": incident.host,
        "cohort": cohort,
        "incident": incident.id,
        "normal": normal,
        "subjects": subjects,
        "at": at,
        "until": until,
        "author": author,
        "reason": reason,
    }
    connection.execute(sa.insert(SAYINGS), [values])
    told = {"host": incident.host, "cohort": cohort, "subjects": list(subjects)}
    said = "incident.said_normal" if normal else "incident.said_abnormal"
    trail.audit(said, incident.id, reason, told | {"until": until.isoformat()})
