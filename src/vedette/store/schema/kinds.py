"""How values lie in columns: alike on every backend, so that both sort and compare the same way."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from vedette.core import InvalidInput

__all__ = ["COUNTER", "METADATA", "Choice", "Json", "Moment", "Words", "from_micros", "to_micros"]

METADATA = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A key that the database counts itself."""

_START = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Byte order: what a locale thinks of hyphens must not decide where a page ends.
_BYTEWISE = sa.Text(collation="C")
E = TypeVar("E", bound=StrEnum)


def to_micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC.

    Raises:
        InvalidInput: the time bears no zone.
    """
    if moment.tzinfo is None:
        raise InvalidInput(f"the time {moment.isoformat()} must bear a time zone")
    return (moment - _START) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The moment, aware, in UTC.

    Raises:
        InvalidInput: beyond the years that a datetime can name.
    """
    try:
        return _START + timedelta(microseconds=micros)
    except OverflowError as error:
        raise InvalidInput(f"{micros} is no moment between the years 1 and 9999") from error


class Moment(sa.types.TypeDecorator[datetime]):
    """A time as whole microseconds since 1970 in UTC."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds."""
        del dialect
        return None if value is None else to_micros(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """From microseconds."""
        del dialect
        return None if value is None else from_micros(value)


class Words(sa.types.TypeDecorator[str]):
    """Text in byte order. PostgreSQL keeps no NUL in text, so a NUL becomes the replacement character everywhere.

    `most` bounds it in bytes of UTF-8: where an index holds what hosts say of themselves, since a row of PostgreSQL's
    B-trees has at most 2704 bytes.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(self, most: int | None = None) -> None:
        super().__init__()
        self.most = most

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Byte order where the backend would follow a locale."""
        return _BYTEWISE if dialect.name == "postgresql" else sa.Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Without NUL.

        Raises:
            InvalidInput: it is longer than the column's bound.
        """
        del dialect
        if value and self.most is not None and len(value.encode()) > self.most:
            raise InvalidInput(f"a text of {len(value)} characters is too long to be stored here")
        return value.replace("\0", "\ufffd") if value and "\0" in value else value


class Choice(sa.types.TypeDecorator[E], Generic[E]):
    """A member of a StrEnum, readable in plain SQL."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, members: type[E]) -> None:
        super().__init__()
        self.members = members

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Byte order where the backend would follow a locale."""
        return _BYTEWISE if dialect.name == "postgresql" else sa.Text()

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        """Its text."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> E | None:
        """The member."""
        del dialect
        return None if value is None else self.members(value)


class Json(sa.types.TypeDecorator[Any]):
    """A nested value that no index is about, as JSON text; `of` is the type it is read back as."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, of: Any) -> None:
        super().__init__()
        self.of = of
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(of)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """As JSON; None stays NULL."""
        del dialect
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Decoded and checked."""
        del dialect
        return None if value is None else self._decoder.decode(cast("str", value))
