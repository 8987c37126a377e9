"""What became of trying an action or of looking at it: one record for each thing that can be said."""

from datetime import datetime
from typing import Any

from vedette.core import Record

__all__ = [
    "Acknowledged",
    "Applied",
    "Cancelled",
    "Expired",
    "Failed",
    "Outcome",
    "Prepared",
    "Refused",
    "Released",
    "Retry",
    "Simulated",
    "Verified",
    "Waiting",
]


class Waiting(Record, frozen=True, kw_only=True):
    """Nothing new: whoever carries it out has not answered yet."""


class Acknowledged(Record, frozen=True, kw_only=True):
    """Whoever carries it out has it."""

    detail: str
    data: dict[str, Any] = {}


class Prepared(Record, frozen=True, kw_only=True):
    """Nothing was done yet. `data` must be on disk before anything is: what was there before, so that it can be put back."""

    detail: str
    data: dict[str, Any]


class Applied(Record, frozen=True, kw_only=True):
    """It was done, and nobody has looked yet whether it took effect."""

    detail: str
    data: dict[str, Any] = {}


class Simulated(Record, frozen=True, kw_only=True):
    """A dry run ended: `plan` is exactly what would have been done, and what the checks found."""

    plan: dict[str, Any]
    detail: str = ""


class Verified(Record, frozen=True, kw_only=True):
    """Its effect was seen; `evidence` says what was seen, and is never empty. `until`: the end of its lease, if it is one."""

    detail: str
    evidence: dict[str, Any]
    until: datetime | None = None


class Released(Record, frozen=True, kw_only=True):
    """Its effect is over; `evidence` says what was seen of that."""

    detail: str
    evidence: dict[str, Any] = {}


class Cancelled(Record, frozen=True, kw_only=True):
    """It was called off before it had any effect."""

    detail: str
    data: dict[str, Any] = {}


class Retry(Record, frozen=True, kw_only=True):
    """It did not work this time, and may later; `wait_seconds`: whoever was asked wants so long to pass first."""

    detail: str
    data: dict[str, Any] = {}
    wait_seconds: float = 0.0


class Failed(Record, frozen=True, kw_only=True):
    """It did not work and will not. `until`: of a renewal, the end of what is in force all the same, where that was said."""

    detail: str
    data: dict[str, Any] = {}
    until: datetime | None = None


class Refused(Record, frozen=True, kw_only=True):
    """Whoever should carry it out says no."""

    detail: str
    data: dict[str, Any] = {}


class Expired(Record, frozen=True, kw_only=True):
    """Its time ran out before anything was done."""

    detail: str


Outcome = (
    Waiting
    | Acknowledged
    | Prepared
    | Applied
    | Simulated
    | Verified
    | Released
    | Cancelled
    | Retry
    | Failed
    | Refused
    | Expired
)
