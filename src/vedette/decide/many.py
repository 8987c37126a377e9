"""When something is of the fleet and not of its hosts."""

__all__ = ["WINDOW", "is_many"]

from datetime import timedelta

_MANY = 10
_SHARE, _LARGE = 0.1, 30
WINDOW = timedelta(minutes=10)


def is_many(count: int, fleet: int) -> bool:
    """Whether so many of the fleet's hosts at once can't be a matter of each: more than ten, and a tenth or thirty."""
    return count > _MANY and count >= min(_SHARE * fleet, _LARGE)
