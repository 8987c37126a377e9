"""Models that judged here: since when, and of how many hosts they now think ill."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from vedette.core import IncidentKind, IncidentState, TenantId, Verdict
from vedette.store.database import Database
from vedette.store.schema import HOSTS, INCIDENTS, MODELS

__all__ = ["Models"]


class Models:
    """Those of which a verdict was stored."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: set[tuple[TenantId, str]] = set()

    def meet(self, connection: sa.Connection, verdicts: Iterable[Verdict]) -> None:
        """Within the transaction that stores these verdicts: notes the models that judged here for the first time."""
        for verdict in verdicts:
            key = (verdict.tenant, verdict.model)
            if not verdict.model or key in self._known:
                continue
            row = {
                "tenant": verdict.tenant,
                "digest": verdict.model,
                "first_seen_at": verdict.decided_at,
            }
            if not self._database.insert_new(connection, MODELS, row):
                # Only what another transaction has kept is sure to stay.
                self._known.add(key)

    def first_seen(self, tenant: TenantId, digest: str) -> datetime | None:
        """When the first of its verdicts here was made; None before there is one."""
        query = sa.select(MODELS.c.first_seen_at).where(
            MODELS.c.tenant == tenant, MODELS.c.digest == digest
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def ill(self, tenant: TenantId, digest: str) -> tuple[int, int]:
        """On how many hosts it opened an incident that is open still, and how many hosts there are."""
        open_hosts = sa.select(sa.func.count(INCIDENTS.c.host.distinct())).where(
            INCIDENTS.c.tenant == tenant,
            INCIDENTS.c.state == IncidentState.OPEN,
            INCIDENTS.c.kind == IncidentKind.HOST,
            INCIDENTS.c.model == digest,
        )
        hosts = (
            sa.select(sa.func.count())
            .select_from(HOSTS)
            .where(HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
        )
        with self._database.reading() as connection:
            return (
                int(connection.execute(open_hosts).scalar_one()),
                int(connection.execute(hosts).scalar_one()),
            )
