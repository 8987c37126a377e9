"""Verdicts that hosts wait for: who waits, and what was signed for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from vedette.core import Clock, Identity, TenantId, Verdict, Waiter, verdict_id
from vedette.store.database import Database
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import VERDICTS, WAITS

__all__ = ["Waits"]

_COLUMNS = columns_of(WAITS, Waiter)
_VERDICT = columns_of(VERDICTS, Verdict)
# Under SQLite's bound of variables in one statement, with four to a key.
_CHUNK = 500
_KEPT = timedelta(minutes=1)


class Waits:
    """Rows that nobody misses: one that is lost costs its host an answer in time, and nothing else."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def ask(self, waiters: Sequence[Waiter]) -> None:
        """These wait from now on. One that waited before waits anew, for what is signed from now on."""
        rows = {one.identity: values_of(one, ruling=None) for one in waiters}
        if not rows:
            return
        keys = [column.name for column in WAITS.primary_key.columns]
        with self._database.writing() as connection:
            values = list(rows.values())
            for start in range(0, len(values), _CHUNK):
                insert = self._database.insert(WAITS).values(values[start : start + _CHUNK])
                changed = {
                    name: insert.excluded[name] for name in ("digest", "until", "wish", "ruling")
                }
                connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=changed))

    def waiting(self, limit: int = _CHUNK) -> list[tuple[Waiter, Verdict]]:
        """Those whose verdict is there and nothing is signed yet, with it; who has the least time first."""
        now = self._clock.now()
        query = sa.select(*_COLUMNS).where(WAITS.c.ruling.is_(None), WAITS.c.until > now)
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(WAITS.c.until).limit(min(limit, _CHUNK)))
            waiters = [read(Waiter, row) for row in rows]
            found = _verdicts(connection, waiters)
        return [
            (one, found[one.identity])
            for one in waiters
            if one.identity in found and found[one.identity].input_digest == one.digest
        ]

    def answer(self, rulings: Mapping[Identity, bytes]) -> None:
        """What is signed for these."""
        if not rulings:
            return
        with self._database.writing() as connection:
            for identity, blob in rulings.items():
                connection.execute(sa.update(WAITS).where(*_is(identity)).values(ruling=blob))

    def answered(self, identities: Collection[Identity]) -> dict[Identity, bytes]:
        """What is signed by now, for those of them for which something is."""
        asked = list(identities)
        found: dict[Identity, bytes] = {}
        with self._database.reading() as connection:
            for start in range(0, len(asked), _CHUNK):
                query: sa.Select[Any] = sa.select(*_COLUMNS, WAITS.c.ruling).where(
                    WAITS.c.ruling.is_not(None),
                    sa.tuple_(*WAITS.primary_key.columns).in_(
                        [
                            (one.tenant, one.host, one.epoch, one.seq)
                            for one in asked[start : start + _CHUNK]
                        ]
                    ),
                )
                for row in connection.execute(query):
                    found[read(Waiter, row).identity] = row.ruling
        return found

    def forget(self) -> int:
        """Takes away what nobody waits for any more; how many rows."""
        before = self._clock.now() - _KEPT
        with self._database.writing() as connection:
            return connection.execute(sa.delete(WAITS).where(WAITS.c.until < before)).rowcount


def _is(identity: Identity) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        WAITS.c.tenant == identity.tenant,
        WAITS.c.host == identity.host,
        WAITS.c.epoch == identity.epoch,
        WAITS.c.seq == identity.seq,
    )


def _verdicts(connection: sa.Connection, waiters: Iterable[Waiter]) -> dict[Identity, Verdict]:
    by_tenant: dict[TenantId, list[str]] = {}
    for one in waiters:
        by_tenant.setdefault(one.tenant, []).append(verdict_id(one.identity))
    found: dict[Identity, Verdict] = {}
    for tenant, ids in by_tenant.items():
        query = sa.select(*_VERDICT).where(VERDICTS.c.tenant == tenant, VERDICTS.c.id.in_(ids))
        for row in connection.execute(query):
            verdict = read(Verdict, row)
            found[verdict.identity] = verdict
    return found
