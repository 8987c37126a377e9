"""Times as the tables hold them: integers, microseconds since 1970 in UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["from_micros", "in_micros", "to_micros"]

_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICRO: Final = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Exact, unlike a float's timestamp."""
    return (at - _START) // _MICRO


def from_micros(micros: int) -> datetime:
    """The aware datetime in UTC."""
    return _START + micros * _MICRO


def in_micros(seconds: float) -> int:
    """A duration, rounded to the microsecond."""
    return timedelta(seconds=seconds) // _MICRO
