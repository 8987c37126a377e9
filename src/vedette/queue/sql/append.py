"""Storing messages once: accepted identities decide, whoever comes first, and what is left of those forgotten."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from vedette.core import Message, Unavailable
from vedette.queue.port import Appended
from vedette.queue.sql.database import Database
from vedette.queue.sql.forgotten import Forgotten
from vedette.queue.sql.instant import to_micros
from vedette.queue.sql.keys import Key, Lookup
from vedette.queue.sql.schema import accepted, lanes, messages

__all__ = ["Appender"]

_CHUNK: Final = 250
"""Messages in one statement; keeps the number of bound values under every SQLite's limit of 999 or more."""

_Owner = tuple[str, str]
"""A lane's tenant and host."""


class Appender:
    """Appends in one transaction. Rows are written in one order by all, so two appenders can't wait for each other."""

    def __init__(self, database: Database, forgotten: Forgotten) -> None:
        self._database = database
        self._forgotten = forgotten
        self._lanes = Lookup(
            select(lanes.c.tenant, lanes.c.host, lanes.c.id),
            (lanes.c.tenant, lanes.c.host),
            postgresql=database.is_postgresql,
        )
        key = (accepted.c.lane_id, accepted.c.epoch, accepted.c.seq)
        self._known = Lookup(
            select(*key, accepted.c.digest), key, postgresql=database.is_postgresql
        )
        self._insert_unless_there = postgresql.insert if database.is_postgresql else sqlite.insert

    def append(self, batch: Sequence[Message], at: int) -> list[Appended]:
        """As the port says; `at` is the present in microseconds."""
        answers: list[Appended] = []
        with self._database.write() as connection:
            for chunk in _chunks(batch):
                numbers = self._open_lanes(connection, chunk)
                keys = [_key(numbers, message) for message in chunk]
                answers += self._append_chunk(connection, chunk, keys, at)
        return answers

    def _open_lanes(self, connection: Connection, chunk: Sequence[Message]) -> dict[_Owner, int]:
        """Asks each time: a number remembered from before a restored backup could be another host's."""
        wanted = sorted({(m.identity.tenant, m.identity.host) for m in chunk})
        found = self._numbers(connection, wanted)
        fresh = [{"tenant": t, "host": h} for t, h in wanted if (t, h) not in found]
        if fresh:
            connection.execute(self._insert_unless_there(lanes).on_conflict_do_nothing(), fresh)
            found = self._numbers(connection, wanted)
        return found

    def _append_chunk(
        self, connection: Connection, chunk: Sequence[Message], keys: Sequence[Key], at: int
    ) -> list[Appended]:
        first: dict[Key, Message] = {}
        for key, message in zip(keys, chunk, strict=True):
            first.setdefault(key, message)
        new = self._accept(connection, first, at)
        forgotten = self._forgotten.withdrawn(connection, new)
        new -= forgotten.keys()
        digests: dict[Key, str | None] = {**forgotten, **{key: first[key].digest for key in new}}
        digests |= self._known_digests(connection, [key for key in first if key not in digests])
        answers: list[Appended] = []
        rows: list[dict[str, Any]] = []
        for key, message in zip(keys, chunk, strict=True):
            if key in new:
                new.remove(key)
                rows.append(_row(key, message))
                answers.append(Appended.NEW)
            elif digests[key] == message.digest:
                answers.append(Appended.DUPLICATE)
            else:
                answers.append(Appended.CONFLICT)
        if rows:
            connection.execute(insert(messages), rows)
        return answers

    def _accept(self, connection: Connection, first: dict[Key, Message], at: int) -> set[Key]:
        """Those that nobody accepted before. PostgreSQL waits here for a transaction that has one of them open."""
        rows = [
            {
                "lane_id": key[0],
                "epoch": key[1],
                "seq": key[2],
                "digest": first[key].digest,
                "accepted_at": at,
                "size": len(first[key].body),
            }
            for key in sorted(first)
        ]
        statement = (
            self._insert_unless_there(accepted)
            .on_conflict_do_nothing()
            .returning(accepted.c.lane_id, accepted.c.epoch, accepted.c.seq)
        )
        return {(lane, epoch, seq) for lane, epoch, seq in connection.execute(statement, rows)}

    def _numbers(self, connection: Connection, wanted: Sequence[_Owner]) -> dict[_Owner, int]:
        rows = self._lanes.rows(connection, wanted)
        return {(row.tenant, row.host): row.id for row in rows}

    def _known_digests(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, str]:
        rows = self._known.rows(connection, keys)
        known = {(row.lane_id, row.epoch, row.seq): row.digest for row in rows}
        if len(known) < len(keys):
            raise Unavailable(
                "An identity was forgotten while it was being checked; try again.", retry_after=1.0
            )
        return known


def _chunks(batch: Sequence[Message]) -> Iterator[list[Message]]:
    rest = iter(batch)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk


def _key(numbers: dict[_Owner, int], message: Message) -> Key:
    identity = message.identity
    return numbers[identity.tenant, identity.host], identity.epoch, identity.seq


def _row(key: Key, message: Message) -> dict[str, Any]:
    return {
        "lane_id": key[0],
        "epoch": key[1],
        "seq": key[2],
        "digest": message.digest,
        "received_at": to_micros(message.received_at),
        "attempts": 0,
        "behind": int(message.behind),
        "body": message.body,
    }
