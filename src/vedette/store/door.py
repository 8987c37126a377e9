"""How long the machines' door has been open in all: the clock that silence is measured by."""

from datetime import timedelta

import sqlalchemy as sa

from vedette.core import Record
from vedette.store.database import Database
from vedette.store.schema import DOOR

__all__ = ["Door", "DoorMark", "open_time"]

_SECOND = 1_000_000


class DoorMark(Record, frozen=True, kw_only=True):
    """Who keeps the clock, and how often it was moved: two equal marks mean that nobody moved it in between."""

    keeper: str
    beats: int


class Door:
    """It stands still while no door is open, whatever the wall clock does, and goes on after a restart.

    One keeper at a time moves it: whoever serves the door.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open_seconds(self) -> float:
        """All the time that the door has been open."""
        with self._database.reading() as connection:
            return open_time(connection) / _SECOND

    def mark(self) -> DoorMark:
        """As it stands."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(DOOR.c.keeper, DOOR.c.beats)).one()
        return DoorMark(keeper=row.keeper, beats=row.beats)

    def beat(self, keeper: str, seconds: float) -> bool:
        """Moves it on by what its keeper saw pass since the last time; False when another keeps it."""
        with self._database.writing() as connection:
            return self._move(connection, keeper, seconds, DOOR.c.keeper == keeper)

    def take_over(self, keeper: str, seen: DoorMark, seconds: float) -> bool:
        """Becomes its keeper and moves it on, unless anybody has moved it since it was `seen`."""
        with self._database.writing() as connection:
            unmoved = sa.and_(DOOR.c.keeper == seen.keeper, DOOR.c.beats == seen.beats)
            return self._move(connection, keeper, seconds, unmoved)

    @staticmethod
    def _move(
        connection: sa.Connection, keeper: str, seconds: float, when: sa.ColumnElement[bool]
    ) -> bool:
        micros = timedelta(seconds=max(seconds, 0.0)) // timedelta(microseconds=1)
        values = {"open": DOOR.c.open + micros, "beats": DOOR.c.beats + 1, "keeper": keeper}
        return bool(connection.execute(sa.update(DOOR).where(when).values(values)).rowcount)


def open_time(connection: sa.Connection) -> int:
    """Within a transaction, the door's clock in microseconds."""
    return int(connection.execute(sa.select(DOOR.c.open).where(DOOR.c.number == 1)).scalar_one())
