"""Lists in pages: each page ends with a cursor that names its last row, so rows may come and go in between."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa

from vedette.core import InvalidInput, Record
from vedette.store.schema import Moment, from_micros, to_micros

__all__ = ["MAX_LIMIT", "Listing", "Page"]

MAX_LIMIT = 500
_MAX_CURSOR = 2_000
T = TypeVar("T")


class Page(Record, Generic[T], frozen=True, kw_only=True):
    """`next` is given to the same question as `after` for the page that follows; None when there is none."""

    items: tuple[T, ...]
    next: str | None


class Listing:
    """One order of rows. `by` ends with columns that tell any two rows apart; all of them run the same way."""

    def __init__(self, name: str, *by: sa.Column[Any], newest_first: bool = True) -> None:
        self._name = name
        self._by = by
        self._descending = newest_first

    def page(
        self,
        connection: sa.Connection,
        query: sa.Select[Any] | Sequence[sa.Select[Any]],
        read: Callable[[sa.Row[Any]], T],
        *,
        limit: int,
        after: str | None,
    ) -> Page[T]:
        """The rows after the cursor, `limit` at most. The query selects the columns of the order.

        Of several queries, which find different rows, the rows come in one order.

        Raises:
            InvalidInput: the limit is not 1..500, or the cursor is not one of this list.
        """
        if not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit must be from 1 to {MAX_LIMIT}, not {limit}")
        queries = [query] if isinstance(query, sa.Select) else list(query)
        beyond = [] if after is None else [self._beyond(self._decode(after))]
        order = [column.desc() if self._descending else column.asc() for column in self._by]
        rows = [
            row
            for one in queries
            for row in connection.execute(one.where(*beyond).order_by(*order).limit(limit + 1))
        ]
        if len(queries) > 1:
            rows.sort(key=self._key, reverse=self._descending)
        more = len(rows) > limit
        return Page(
            items=tuple(read(row) for row in rows[:limit]),
            next=self._encode(rows[limit - 1]) if more else None,
        )

    def _beyond(self, values: Sequence[Any]) -> sa.ColumnElement[bool]:
        last = sa.tuple_(
            *(
                sa.literal(value, column.type)
                for value, column in zip(values, self._by, strict=True)
            )
        )
        here = sa.tuple_(*self._by)
        return here < last if self._descending else here > last

    def _key(self, row: sa.Row[Any]) -> tuple[Any, ...]:
        return tuple(row._mapping[column] for column in self._by)

    def _encode(self, row: sa.Row[Any]) -> str:
        plain = [to_micros(one) if isinstance(one, datetime) else one for one in self._key(row)]
        return (
            base64.urlsafe_b64encode(msgspec.msgpack.encode([self._name, *plain]))
            .rstrip(b"=")
            .decode()
        )

    def _decode(self, cursor: str) -> list[Any]:
        wrong = InvalidInput(
            "the cursor is not one that this list gave; start again without it",
            kind="invalid-cursor",
        )
        if len(cursor) > _MAX_CURSOR:
            raise wrong
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            name, *plain = msgspec.msgpack.decode(raw, type=list[str | int])
            values = [_typed(value, column) for value, column in zip(plain, self._by, strict=True)]
        except (InvalidInput, binascii.Error, msgspec.MsgspecError, ValueError) as error:
            raise wrong from error
        if name != self._name:
            raise wrong
        return values


def _typed(value: str | int, column: sa.Column[Any]) -> Any:
    if isinstance(column.type, Moment | sa.Integer):
        if not isinstance(value, int) or not -(2**63) <= value < 2**63:
            raise InvalidInput("no number")
        return from_micros(value) if isinstance(column.type, Moment) else value
    if not isinstance(value, str):
        raise InvalidInput("no text")
    return value
