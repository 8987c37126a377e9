"""What became of trying an action or of looking at it: one record for each thing that can be said."""

from typing import Any

from vedette.core import Record

__all__ = [
    "Acknowledged",
    "Expired",
    "Failed",
    "Outcome",
    "Refused",
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


class Simulated(Record, frozen=True, kw_only=True):
    """A dry run ended: `plan` is exactly what would have been done, and what the checks found."""

    plan: dict[str, Any]
    detail: str = ""


class Verified(Record, frozen=True, kw_only=True):
    """Its effect was seen; `evidence` says what was seen."""

    detail: str
    evidence: dict[str, Any]


class Retry(Record, frozen=True, kw_only=True):
    """It did not work this time, and may later."""

    detail: str
    data: dict[str, Any] = {}


class Failed(Record, frozen=True, kw_only=True):
    """It did not work and will not."""

    detail: str
    data: dict[str, Any] = {}


class Refused(Record, frozen=True, kw_only=True):
    """Whoever should carry it out says no."""

    detail: str
    data: dict[str, Any] = {}


class Expired(Record, frozen=True, kw_only=True):
    """Its time ran out before anything was done."""

    detail: str


Outcome = Waiting | Acknowledged | Simulated | Verified | Retry | Failed | Refused | Expired
