"""Facts that appear and go, gathered so that few statements write them in the order they happened."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import FactChange
from vedette.store.applying.present import Key
from vedette.store.database import Database
from vedette.store.schema import FACTS, Moment, from_micros, to_micros

__all__ = ["Lives"]

_KEY = ("tenant", "host", "table_name", "id")


class Lives:
    """A round touches each fact at most once, so within it the order does not matter; rounds are written in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rounds: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
        self._touched: set[tuple[Any, ...]] = set()

    def change(self, key: Key, change: FactChange, at: datetime, read_at: dict[str, int]) -> None:
        """Notes one table's change. `read_at` is when the host's tables were last read before."""
        before = read_at.get(change.table)
        seen = from_micros(min(before, to_micros(at))) if before is not None else None
        for identifier in change.gone:
            gone, _ = self._round((*key, change.table, identifier))
            gone.append(
                {
                    "b_tenant": key[0],
                    "b_host": key[1],
                    "b_table": change.table,
                    "b_id": identifier,
                    "b_at": at,
                    "b_seen": seen,
                }
            )
        for identifier, row in change.appeared.items():
            _, appeared = self._round((*key, change.table, identifier))
            appeared.append(
                {
                    "tenant": key[0],
                    "host": key[1],
                    "table_name": change.table,
                    "id": identifier,
                    "first_seen": at,
                    "row": row,
                }
            )

    def _round(self, fact: tuple[Any, ...]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        if not self._rounds or fact in self._touched:
            self._rounds.append(([], []))
            self._touched = set()
        self._touched.add(fact)
        return self._rounds[-1]

    def write(self, connection: sa.Connection) -> None:
        """Two statements a round; there is one round unless a fact changed twice in the batch."""
        for gone, appeared in self._rounds:
            if gone:
                connection.execute(_END, gone)
            if appeared:
                connection.execute(_begin(self._database), appeared)


_SEEN = sa.bindparam("b_seen", type_=Moment())
_END = (
    sa.update(FACTS)
    .where(
        FACTS.c.tenant == sa.bindparam("b_tenant"),
        FACTS.c.host == sa.bindparam("b_host"),
        FACTS.c.table_name == sa.bindparam("b_table"),
        FACTS.c.id == sa.bindparam("b_id"),
        FACTS.c.gone_at.is_(None),
    )
    .values(
        gone_at=sa.bindparam("b_at", type_=Moment()),
        last_seen=sa.case((FACTS.c.first_seen < _SEEN, _SEEN), else_=FACTS.c.first_seen),
    )
)


def _begin(database: Database) -> sa.Insert:
    # A fact that lives already goes on living. One that ended and came back within the same microsecond never ended.
    names = (*_KEY, "first_seen", "row")
    given = [sa.bindparam(name, type_=FACTS.c[name].type) for name in names]
    other = FACTS.alias("other")
    lives = sa.exists().where(
        *(other.c[name] == bind for name, bind in zip(_KEY, given, strict=False)),
        other.c.gone_at.is_(None),
    )
    insert = database.insert(FACTS).from_select(names, sa.select(*given).where(~lives))
    return insert.on_conflict_do_update(
        index_elements=[*_KEY, "first_seen"], set_={"gone_at": None, "last_seen": None}
    )
