"""Notices that wait for the responder: written with the change they tell of, deleted once handled."""

from collections.abc import Iterable
from datetime import timedelta

import sqlalchemy as sa

from vedette.core import Clock, InvalidInput
from vedette.store.database import Database
from vedette.store.notice import Notice
from vedette.store.paging import MAX_LIMIT
from vedette.store.schema import OUTBOX

__all__ = ["Outbox", "post"]


def post(connection: sa.Connection, notices: Iterable[Notice]) -> None:
    """Adds the notices to the transaction that makes the changes they tell of."""
    rows = [
        {
            "tenant": notice.tenant,
            "kind": notice.kind,
            "subject": notice.subject,
            "data": notice.data,
            "at": notice.at,
        }
        for notice in notices
    ]
    if rows:
        connection.execute(sa.insert(OUTBOX), rows)


class Outbox:
    """A claim runs out by itself, so a notice outlives whoever took it; it may then be handled twice, never not at all."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def take(self, limit: int = 100, *, lease_seconds: float = 30.0) -> list[Notice]:
        """Claims the oldest notices that nobody holds. Until the lease ends nobody else is given them.

        Raises:
            InvalidInput: the limit is not 1..500.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit must be from 1 to {MAX_LIMIT}, not {limit}")
        now = self._clock.now()
        free = sa.or_(OUTBOX.c.leased_until.is_(None), OUTBOX.c.leased_until <= now)
        query = sa.select(OUTBOX).where(free).order_by(OUTBOX.c.number).limit(limit)
        # Asking is frequent and mostly in vain: a read must not queue for the write lock.
        with self._database.reading() as connection:
            if connection.execute(sa.select(OUTBOX.c.number).where(free).limit(1)).first() is None:
                return []
        with self._database.writing() as connection:
            rows = connection.execute(self._database.locking(query, OUTBOX, skip=True)).all()
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.number.in_([row.number for row in rows]))
                .values(leased_until=now + timedelta(seconds=lease_seconds))
            )
        return [_notice(row) for row in rows]

    def done(self, ids: Iterable[str]) -> None:
        """The notices are handled. Ids that are gone already are passed over."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(OUTBOX).where(OUTBOX.c.number.in_(_numbers(ids))))

    def release(self, ids: Iterable[str]) -> None:
        """Gives claims back at once, for a responder that stops before it handled them."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(OUTBOX)
                .where(OUTBOX.c.number.in_(_numbers(ids)))
                .values(leased_until=None)
            )

    def waiting(self) -> int:
        """How many notices are not yet handled."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(OUTBOX)).scalar_one()


def _notice(row: sa.Row[tuple[object, ...]]) -> Notice:
    return Notice(
        id=str(row.number),
        kind=row.kind,
        tenant=row.tenant,
        subject=row.subject,
        data=row.data,
        at=row.at,
    )


def _numbers(ids: Iterable[str]) -> list[int]:
    numbers = []
    for text in ids:
        if not (text.isascii() and text.isdigit()):
            raise InvalidInput(f"{text!r} is no notice's id")
        numbers.append(int(text))
    return numbers
