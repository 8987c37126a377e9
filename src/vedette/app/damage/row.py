"""Whether a row that could be read says what it once said, as far as the row itself can tell."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.core import digest

__all__ = ["is_sound"]

_TYPES: Final[tuple[tuple[str, type | tuple[type, ...]], ...]] = (
    ("INT", int),
    ("CHAR", str),
    ("TEXT", str),
    ("BLOB", bytes),
    ("FLOA", (int, float)),
    ("REAL", (int, float)),
)
_LAST_MICROSECOND: Final = 253_402_300_799_999_999
"""Of the year 9999."""


def is_sound(row: Mapping[str, Any], declared: Mapping[str, str]) -> bool:
    """Its cells are of their columns' types, the queue's times are times, and a body is the one of its digest."""
    if not all(_fits(declared[name], value) for name, value in row.items() if value is not None):
        return False
    if "body" not in row:
        return True
    times = (value for name, value in row.items() if name.endswith("_at"))
    if not all(0 <= value <= _LAST_MICROSECOND for value in times):
        return False
    return bool(digest(row["body"]) == row["digest"])


def _fits(declared: str, value: Any) -> bool:
    """By SQLite's rules of type affinity; SQLite itself keeps anything anywhere."""
    return next(
        (isinstance(value, kind) for word, kind in _TYPES if word in declared.upper()), True
    )
