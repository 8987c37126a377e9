"""The intervals of `taken_at` by which cohort knowledge is published, and the names of cohorts."""

from datetime import UTC, datetime
from math import floor

__all__ = [
    "FLEET",
    "GRACE_SECONDS",
    "INTERVAL_SECONDS",
    "WINDOW",
    "bears_on",
    "begins_day",
    "closes_at",
    "cohort_name",
    "day_of",
    "interval_of",
    "visible_at",
]

INTERVAL_SECONDS = 300
GRACE_SECONDS = 60
"""What a snapshot may take on its way without its telling being late."""

WINDOW = 24
"""Intervals for which an appearance counts as lately: two hours, the length of a roll-out in waves."""

FLEET = "fleet"
_NAMED, _UNNAMED = "role:", "unlabelled"
_LETTERS = 128
_DAY_SECONDS = 86_400


def interval_of(taken_at: datetime) -> int:
    """The number of the interval, counted from 1970 in UTC."""
    return floor(taken_at.timestamp() / INTERVAL_SECONDS)


def visible_at(taken_at: datetime) -> int:
    """The last interval that is closed for a snapshot taken then."""
    return floor((taken_at.timestamp() - GRACE_SECONDS) / INTERVAL_SECONDS) - 1


def closes_at(interval: int) -> datetime:
    """When an interval closes: what was taken from then on may see it."""
    return datetime.fromtimestamp((interval + 1) * INTERVAL_SECONDS + GRACE_SECONDS, UTC)


def day_of(interval: int) -> int:
    """The number of the day that an interval belongs to, counted from 1970 in UTC."""
    return interval * INTERVAL_SECONDS // _DAY_SECONDS


def begins_day(interval: int) -> int:
    """The first interval of its day."""
    return day_of(interval) * _DAY_SECONDS // INTERVAL_SECONDS


def bears_on(interval: int) -> int:
    """The first interval whose tellings may matter in a version: what is older has fallen out."""
    return begins_day(interval) - 2 * _DAY_SECONDS // INTERVAL_SECONDS


def cohort_name(role: str) -> str:
    """The cohort of a `role` label; hosts without one are one cohort. Never `FLEET`."""
    return f"{_NAMED}{role[:_LETTERS]}" if role else _UNNAMED
