"""Dead letters in SQL: buried, looked at, put back, deleted. Bodies are moved by the database and never read here."""

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

from vedette.core import Epoch, HostId, Identity, TenantId
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

_KEPT: Final = ("lane_id", "epoch", "seq", "digest", "received_at", "body")


class Graveyard:
    """The table of dead letters of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def bury(self, connection: Connection, delivery: Delivery, reason: str, at: int) -> None:
        """Moves a message of a locked lane here; a replayed one comes back under its old id."""
        columns = [messages.c[name] for name in _KEPT]
        values = {
            "attempts": messages.c.tried + messages.c.attempts,
            "replays": messages.c.replays,
            "reason": literal(reason, dead_letters.c.reason.type),
            "rejected_at": literal(at, dead_letters.c.rejected_at.type),
        }
        if delivery.replays:
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
            _delete(connection, letters)
        return letters

    def purge(self, selection: Selection, *, limit: int) -> list[DeadLetter]:
        """For good."""
        with self._database.write() as connection:
            letters = self._taken(connection, selection, limit)
            _delete(connection, letters)
        return letters

    def prune(self, horizon: int, most: int) -> int:
        """Deletes up to `most` that were rejected before `horizon`, the oldest first."""
        old = (
            select(dead_letters.c.id)
            .where(dead_letters.c.rejected_at < horizon)
            .order_by(dead_letters.c.rejected_at)
            .limit(most)
        )
        with self._database.read() as connection:
            if connection.execute(old.limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            return connection.execute(
                delete(dead_letters).where(dead_letters.c.id.in_(old))
            ).rowcount

    def _taken(self, connection: Connection, selection: Selection, limit: int) -> list[DeadLetter]:
        query = _shown(selection).limit(min(limit, MOST_AT_ONCE))
        if self._database.is_postgresql:
            # Another who moves the same ones is not waited for: what it has taken is gone.
            query = query.with_for_update(of=dead_letters, skip_locked=True)
        return [_read(row) for row in connection.execute(query)]


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


def _delete(connection: Connection, letters: list[DeadLetter]) -> None:
    numbers = [int(letter.id) for letter in letters]
    connection.execute(delete(dead_letters).where(dead_letters.c.id.in_(numbers)))


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
