"""What the store holds of the hosts in a batch, locked until the transaction ends."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from vedette.core import Epoch, HostId, HostStatus, Incident, OperatingSystem, TenantId
from vedette.store.database import Database
from vedette.store.door import open_time
from vedette.store.effect import Effect
from vedette.store.rows import columns_of, read
from vedette.store.schema import ACTIONS, HOSTS, INCIDENTS, STATES, VERDICTS

__all__ = ["Key", "Mark", "Present", "fresh_host"]

Key = tuple[TenantId, HostId]
Mark = tuple[Epoch, int, int]
# Under the bounds of SQLite (32,766) and PostgreSQL (65,535) on parameters.
_CHUNK = 10_000


class Present:
    """The rows as they were when the transaction began to hold them.

    Each writer of verdicts, states and facts locks the host's row first, in one order, so nothing else can move here
    and no two batches can wait for each other.
    """

    def __init__(
        self, connection: sa.Connection, database: Database, effects: Sequence[Effect]
    ) -> None:
        self._connection = connection
        self._database = database
        self._last_seqs: dict[tuple[Key, Epoch], int] = {}
        self.hosts: dict[Key, dict[str, Any]] = {}
        self.added: set[Key] = set()
        self.open_time = open_time(connection)
        self._lock((effect.verdict.tenant, effect.verdict.host) for effect in effects)
        self._add_unknown(effects)
        self.marks: dict[Key, Mark] = {
            (row.tenant, row.host): (row.epoch, row.last_seq, row.version)
            for row in self._rows(_MARKS, STATES.c.tenant, STATES.c.host, self.hosts)
        }
        # The id of a snapshot's first verdict is derived from its identity, so ids are all there is to look up.
        self.verdicts = self._ids(VERDICTS, ((e.verdict.tenant, e.verdict.id) for e in effects))
        self.incidents = self._incidents(
            (e.verdict.tenant, incident.id) for e in effects for incident in e.incidents
        )
        self.actions = self._ids(
            ACTIONS, ((e.verdict.tenant, action.id) for e in effects for action in e.actions)
        )

    def _rows(
        self,
        query: sa.Select[Any],
        tenant: sa.Column[Any],
        identifier: sa.Column[Any],
        wanted: Iterable[tuple[TenantId, str]],
    ) -> Iterator[sa.Row[Any]]:
        # A list of ids per tenant: SQLite would not use an index for a list of pairs.
        by_tenant: dict[TenantId, set[str]] = {}
        for owner, one in wanted:
            by_tenant.setdefault(owner, set()).add(one)
        for owner in sorted(by_tenant):
            ids = sorted(by_tenant[owner])
            for start in range(0, len(ids), _CHUNK):
                part = query.where(tenant == owner, identifier.in_(ids[start : start + _CHUNK]))
                yield from self._connection.execute(part)

    def _lock(self, keys: Iterable[Key]) -> None:
        query = self._database.locking(sa.select(HOSTS).order_by(HOSTS.c.id), HOSTS)
        for row in self._rows(query, HOSTS.c.tenant, HOSTS.c.id, keys):
            self.hosts[row.tenant, row.id] = dict(row._mapping)

    def _add_unknown(self, effects: Sequence[Effect]) -> None:
        # A host without a row has no state either, so a first effect that expects one is lost, and with it the rest.
        first: dict[Key, Effect] = {}
        for effect in effects:
            first.setdefault((effect.verdict.tenant, effect.verdict.host), effect)
        missing = [
            key for key in sorted(first) if key not in self.hosts and not first[key].expected
        ]
        for key in missing:
            row = fresh_host(first[key], self.open_time)
            if self._database.insert_new(self._connection, HOSTS, row):
                self.added.add(key)
        self._lock(missing)

    def _ids(self, table: sa.Table, wanted: Iterable[tuple[Any, Any]]) -> set[tuple[Any, ...]]:
        columns = (table.c.tenant, table.c.id)
        return {tuple(row) for row in self._rows(sa.select(*columns), *columns, wanted)}

    def _incidents(self, wanted: Iterable[tuple[Any, Any]]) -> dict[tuple[Any, Any], Incident]:
        query = sa.select(*columns_of(INCIDENTS, Incident)).order_by(INCIDENTS.c.id)
        rows = self._rows(
            self._database.locking(query, INCIDENTS), INCIDENTS.c.tenant, INCIDENTS.c.id, wanted
        )
        return {(row.tenant, row.id): read(Incident, row) for row in rows}

    def last_seq(self, key: Key, epoch: Epoch) -> int:
        """The highest seq of the host's epoch that has a first verdict; -1 when none has."""
        if (key, epoch) not in self._last_seqs:
            query = (
                sa.select(VERDICTS.c.seq)
                .where(
                    VERDICTS.c.tenant == key[0],
                    VERDICTS.c.host == key[1],
                    VERDICTS.c.epoch == epoch,
                    VERDICTS.c.of.is_(None),
                )
                .order_by(VERDICTS.c.seq.desc())
                .limit(1)
            )
            found = self._connection.execute(query).scalar_one_or_none()
            self._last_seqs[key, epoch] = -1 if found is None else found
        return self._last_seqs[key, epoch]


_MARKS = sa.select(
    STATES.c.tenant, STATES.c.host, STATES.c.epoch, STATES.c.last_seq, STATES.c.version
)


def fresh_host(effect: Effect, heard: int) -> dict[str, Any]:
    """The row of a host that was never enrolled (a replay's, a test's): known by what its snapshot says of it."""
    verdict, description = effect.verdict, effect.description
    return {
        "tenant": verdict.tenant,
        "id": verdict.host,
        "hostname": description.hostname if description else verdict.host,
        "labels": description.labels if description else {},
        "pinned_labels": {},
        "os": description.os if description else OperatingSystem(),
        "status": HostStatus.UNKNOWN,
        "status_since": verdict.taken_at,
        "status_reason": "",
        "label": None,
        "interval": 60.0,
        "enrolled_at": verdict.decided_at,
        "revoked_at": None,
        "last_seen_at": None,
        "last_taken_at": None,
        "last_seq": 0,
        "can_act": (),
        "read_at": {},
        "needed": (),
        "heard": heard,
        "silent_since": None,
        "back_at": None,
    }
