"""Forgetting accepted identities without accepting them again: of each epoch stays how far it was forgotten."""

from collections.abc import Collection
from itertools import groupby
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from vedette.queue.sql.database import Database
from vedette.queue.sql.keys import Key, Lookup
from vedette.queue.sql.schema import accepted, forgotten

__all__ = ["Forgotten"]

_KEY: Final = (accepted.c.lane_id, accepted.c.epoch, accepted.c.seq)
_DELETE: Final = delete(accepted).where(
    *(column == bindparam(f"its_{column.name}") for column in _KEY)
)


class Forgotten:
    """The table of marks of one database. Only `prune` writes it, and a mark never goes down."""

    def __init__(self, database: Database) -> None:
        self._database = database
        key = (forgotten.c.lane_id, forgotten.c.epoch)
        self._marks = Lookup(select(forgotten), key, postgresql=database.is_postgresql)
        self._insert = postgresql.insert if database.is_postgresql else sqlite.insert

    def withdrawn(self, connection: Connection, keys: Collection[Key]) -> dict[Key, str | None]:
        """Takes out again, of identities just accepted, those at or below their epoch's mark, and gives them.

        With the digest, where one is the mark itself and that is known. To be asked when they are accepted and not before:
        another transaction could be forgetting them.
        """
        epochs = sorted({(lane, epoch) for lane, epoch, _ in keys})
        rows = self._marks.rows(connection, epochs)
        marks = {(row.lane_id, row.epoch): (row.seq, row.digest) for row in rows}
        found: dict[Key, str | None] = {}
        for key in keys:
            seq, digest = marks.get(key[:2], (-1, None))
            if key[2] <= seq:
                found[key] = digest if key[2] == seq else None
        _delete(connection, found)
        return found

    def prune(self, horizon: int, most: int) -> int:
        """Deletes up to `most` identities accepted before `horizon`, the oldest first, and marks their epochs."""
        old = (
            select(*_KEY, accepted.c.digest)
            .where(accepted.c.accepted_at < horizon)
            .order_by(accepted.c.accepted_at)
            .limit(most)
        )
        with self._database.read() as connection:
            if connection.execute(old.limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            if self._database.is_postgresql:
                # What another process is forgetting now is left to it.
                old = old.with_for_update(skip_locked=True)
            found = connection.execute(old)
            rows = sorted((lane, epoch, seq, digest) for lane, epoch, seq, digest in found)
            _delete(connection, [row[:3] for row in rows])
            self._mark(connection, rows)
        return len(rows)

    def _mark(self, connection: Connection, rows: list[tuple[int, str, int, str]]) -> None:
        highest = [list(group)[-1] for _, group in groupby(rows, key=lambda row: row[:2])]
        if not highest:
            return
        names = ("lane_id", "epoch", "seq", "digest")
        statement = self._insert(forgotten)
        statement = statement.on_conflict_do_update(
            index_elements=["lane_id", "epoch"],
            set_={"seq": statement.excluded.seq, "digest": statement.excluded.digest},
            where=statement.excluded.seq > forgotten.c.seq,
        )
        connection.execute(statement, [dict(zip(names, row, strict=True)) for row in highest])


def _delete(connection: Connection, keys: Collection[Key]) -> None:
    """One by one: SQLite would look through all of a lane's for a list of them."""
    if keys:
        names = ("its_lane_id", "its_epoch", "its_seq")
        connection.execute(_DELETE, [dict(zip(names, key, strict=True)) for key in keys])
