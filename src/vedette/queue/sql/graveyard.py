"""Dead letters in SQL: buried, looked at, put back, deleted. Bodies are moved by the database and never read here."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    literal,
    select,
)

from vedette.core import Epoch, HostId, Identity, TenantId, Unavailable
from vedette.queue.port import (
    HEAD_BYTES,
    MOST_AT_ONCE,
    DeadLetter,
    Delivery,
    Selection,
    dead_letter_number,
)
from vedette.queue.sql.database import Database
from vedette.queue.sql.instant import from_micros, to_micros
from vedette.queue.sql.lease import lane_of, remove
from vedette.queue.sql.schema import dead_letters, lanes, messages

__all__ = ["Graveyard"]

_STEP_BYTES: Final = 4 * 1024 * 1024
"""Bodies that one transaction deletes, or one body: it must find room in the log of a disk that is nearly full."""
_MOST_STEPS: Final = 16

_KEPT: Final = ("lane_id", "epoch", "seq", "digest", "received_at", "body")


class Graveyard:
    """The table of dead letters of one database."""

    def __init__(self, database: Database, most_bytes: int) -> None:
        """`most_bytes` is the bound of `trim`."""
        self._database = database
        self._most_bytes = most_bytes
        self._counted: tuple[int, int] | None = None

    def bury(self, connection: Connection, delivery: Delivery, reason: str, at: int) -> None:
        """Moves a message of a locked lane here; a replayed one comes back under its old id.

        Should that be another's by now, as a backup put back may make it, it gets a new one.
        """
        columns = [messages.c[name] for name in _KEPT]
        values = {
            "attempts": messages.c.tried + messages.c.attempts,
            "replays": messages.c.replays,
            "reason": literal(reason, dead_letters.c.reason.type),
            "rejected_at": literal(at, dead_letters.c.rejected_at.type),
        }
        if delivery.replays and not _is_taken(connection, delivery):
            values["id"] = messages.c.dead_letter
        chosen = select(*columns, *values.values()).where(
            messages.c.position == delivery.position, messages.c.lane_id == lane_of(delivery)
        )
        connection.execute(insert(dead_letters).from_select([*_KEPT, *values], chosen))
        remove(connection, [delivery])

    def find(
        self, selection: Selection, *, limit: int, after: str | None = None
    ) -> list[DeadLetter]:
        """In the order of their first rejection."""
        query = _shown(selection)
        if after is not None:
            query = query.where(dead_letters.c.id > dead_letter_number(after))
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query.limit(limit))]

    def replay(self, selection: Selection, *, limit: int) -> list[DeadLetter]:
        """Back to the rear of their lanes, marked."""
        with self._database.write() as connection:
            letters = self._taken(connection, selection, limit)
            for letter in letters:
                # One by one, so that positions rise in the order in which they were rejected.
                connection.execute(_put_back(int(letter.id)))
            _delete(connection, [int(letter.id) for letter in letters])
        return letters

    def purge(self, selection: Selection, *, limit: int) -> list[DeadLetter]:
        """For good, in steps; what was deleted before a step that failed is told instead of the failure."""
        gone: list[DeadLetter] = []
        while len(gone) < limit:
            try:
                with self._database.write() as connection:
                    found = self._taken(connection, selection, limit - len(gone))
                    step = found[: _within(_STEP_BYTES, (letter.size for letter in found))]
                    _delete(connection, [int(letter.id) for letter in step])
            except Unavailable:
                if not gone:
                    raise
                break
            gone += step
            if not step:
                break
        return gone

    def prune(self, horizon: int, most: int) -> int:
        """Deletes up to `most` that were rejected before `horizon`, the oldest first."""
        old = _oldest().where(dead_letters.c.rejected_at < horizon)
        with self._database.read() as connection:
            if connection.execute(old.limit(1)).first() is None:
                return 0
        return sum(count for count, _ in self._steps(old, most))

    def trim(self) -> int:
        """Deletes the oldest while there are more bytes than the bound."""
        size = self._size()
        if size <= self._most_bytes:
            return 0
        gone = 0
        over = size - (self._most_bytes - self._most_bytes // 10)
        for count, freed in self._steps(_oldest(), None, over):
            gone += count
            over -= freed
        self._counted = None
        return gone

    def _steps(
        self, old: Select[Any], most: int | None, most_bytes: int | None = None
    ) -> Iterator[tuple[int, int]]:
        """Deletes in a few transactions; how many in each, and their bytes. Ends at a failure that is not the first."""
        count = size = 0
        for _ in range(_MOST_STEPS):
            limit = MOST_AT_ONCE if most is None else min(MOST_AT_ONCE, most - count)
            room = _STEP_BYTES if most_bytes is None else min(_STEP_BYTES, most_bytes - size)
            if limit <= 0 or room <= 0:
                return
            try:
                step = self._delete_oldest(old.limit(limit), room)
            except Unavailable:
                if not count:
                    raise
                return
            if not step:
                return
            yield len(step), sum(step)
            count, size = count + len(step), size + sum(step)

    def _delete_oldest(self, old: Select[Any], room: int) -> list[int]:
        """As many of the first as the room holds, or one; gives their sizes."""
        if self._database.is_postgresql:
            old = old.with_for_update(skip_locked=True)
        with self._database.write() as connection:
            rows = connection.execute(old).all()
            step = rows[: _within(room, (row[1] for row in rows))]
            _delete(connection, [number for number, _ in step])
        return [size for _, size in step]

    def _size(self) -> int:
        """Of all bodies. What others deleted is not seen before the bound seems crossed: then all are counted anew."""
        with self._database.read() as connection:
            if self._counted is not None:
                self._counted = _count_on(connection, *self._counted)
            if self._counted is None or self._counted[1] > self._most_bytes:
                self._counted = _count_on(connection, 0, 0)
        return self._counted[1]

    def _taken(self, connection: Connection, selection: Selection, limit: int) -> list[DeadLetter]:
        query = _shown(selection).limit(min(limit, MOST_AT_ONCE))
        if self._database.is_postgresql:
            # Another who moves the same ones is not waited for: what it has taken is gone.
            query = query.with_for_update(of=dead_letters, skip_locked=True)
        return [_read(row) for row in connection.execute(query)]


def _is_taken(connection: Connection, delivery: Delivery) -> bool:
    """Whether there is a letter under the id that this one had."""
    former = select(messages.c.dead_letter).where(messages.c.position == delivery.position)
    found = select(dead_letters.c.id).where(dead_letters.c.id == former.scalar_subquery())
    return connection.execute(found).first() is not None


def _shown(selection: Selection) -> Select[Any]:
    return (
        select(
            *(column for column in dead_letters.c if column.name != "body"),
            func.substr(dead_letters.c.body, 1, HEAD_BYTES).label("head"),
            func.length(dead_letters.c.body).label("size"),
            lanes.c.tenant,
            lanes.c.host,
        )
        .join_from(dead_letters, lanes, lanes.c.id == dead_letters.c.lane_id)
        .where(*_conditions(selection))
        .order_by(dead_letters.c.id)
    )


def _conditions(selection: Selection) -> list[ColumnElement[bool]]:
    given: list[ColumnElement[bool]] = []
    if selection.tenant is not None:
        given.append(lanes.c.tenant == selection.tenant)
    if selection.ids is not None:
        given.append(dead_letters.c.id.in_([dead_letter_number(one) for one in selection.ids]))
    if selection.host is not None:
        given.append(lanes.c.host == selection.host)
    if selection.since is not None:
        given.append(dead_letters.c.rejected_at >= to_micros(selection.since))
    if selection.until is not None:
        given.append(dead_letters.c.rejected_at < to_micros(selection.until))
    if selection.text is not None:
        reason = func.lower(dead_letters.c.reason)
        given.append(reason.contains(selection.text.lower(), autoescape=True))
    return given


def _put_back(number: int) -> Any:
    carried = {
        "attempts": literal(0, messages.c.attempts.type),
        # What people replay is old: live snapshots go before it.
        "behind": literal(1, messages.c.behind.type),
        "dead_letter": dead_letters.c.id,
        "replays": dead_letters.c.replays + 1,
        "tried": dead_letters.c.attempts,
    }
    kept = [dead_letters.c[name] for name in _KEPT]
    chosen = select(*kept, *carried.values()).where(dead_letters.c.id == number)
    return insert(messages).from_select([*_KEPT, *carried], chosen)


def _delete(connection: Connection, numbers: Sequence[int]) -> None:
    connection.execute(delete(dead_letters).where(dead_letters.c.id.in_(numbers)))


def _count_on(connection: Connection, seen: int, size: int) -> tuple[int, int]:
    """The last id, and the size with what was added behind the one seen."""
    last, added = connection.execute(
        select(
            func.coalesce(func.max(dead_letters.c.id), seen),
            func.coalesce(func.sum(func.length(dead_letters.c.body)), 0),
        ).where(dead_letters.c.id > seen)
    ).one()
    return last, size + int(added)


def _oldest() -> Select[Any]:
    return select(dead_letters.c.id, func.length(dead_letters.c.body)).order_by(
        dead_letters.c.rejected_at, dead_letters.c.id
    )


def _within(room: int, sizes: Iterable[int]) -> int:
    """How many of the first go together: as many as the room holds, and one in any case."""
    count = taken = 0
    for size in sizes:
        taken += size
        if count and taken > room:
            break
        count += 1
    return count


def _read(row: Row[Any]) -> DeadLetter:
    identity = Identity(
        tenant=TenantId(row.tenant), host=HostId(row.host), epoch=Epoch(row.epoch), seq=row.seq
    )
    return DeadLetter(
        id=str(row.id),
        identity=identity,
        digest=row.digest,
        size=row.size,
        head=bytes(row.head),
        received_at=from_micros(row.received_at),
        reason=row.reason,
        at=from_micros(row.rejected_at),
        attempts=row.attempts,
        replays=row.replays,
    )
