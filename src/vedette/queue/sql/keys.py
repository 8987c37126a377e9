"""Rows by a list of keys, each found through the index: SQLite reads a whole table for `(a, b) IN (VALUES ...)`."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    func,
)
from sqlalchemy import column as named

__all__ = ["Key", "Lookup"]

Key = tuple[int, str, int]
"""Lane, epoch and seq: an identity within the queue."""


class Lookup:
    """A query of the rows whose columns, texts and whole numbers, together are one of some keys."""

    def __init__(
        self, query: Select[Any], columns: Sequence[Column[Any]], *, postgresql: bool
    ) -> None:
        self._postgresql = postgresql
        listed = _arrays(columns) if postgresql else _json(len(columns))
        pairs = zip(columns, listed, strict=True)
        self._query = query.where(*(column == value for column, value in pairs))

    def rows(self, connection: Connection, keys: Collection[tuple[Any, ...]]) -> Sequence[Row[Any]]:
        """In no order. The keys are distinct."""
        if not keys:
            return []
        bound: dict[str, Any] = {"keys": msgspec.json.encode(list(keys)).decode()}
        if self._postgresql:
            bound = {f"keys_{n}": list(part) for n, part in enumerate(zip(*keys, strict=True))}
        return connection.execute(self._query, bound).all()


def _json(count: int) -> list[ColumnElement[Any]]:
    each = func.json_each(bindparam("keys", type_=Text)).table_valued("value", name="listed")
    return [func.json_extract(each.c.value, f"$[{n}]") for n in range(count)]


def _arrays(columns: Sequence[Column[Any]]) -> list[ColumnElement[Any]]:
    kinds = [Text if isinstance(column.type, Text) else BigInteger for column in columns]
    arrays = [bindparam(f"keys_{n}", type_=ARRAY(kind)) for n, kind in enumerate(kinds)]
    names = [named(column.name, column.type) for column in columns]
    listed = func.unnest(*arrays).table_valued(*names, name="listed").render_derived()
    return list(listed.c)
