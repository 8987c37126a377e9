"""Who is told when nobody has taken an incident on, in which order, and who is on duty when."""

from datetime import datetime

from vedette.core.record import Record
from vedette.core.verdict import Severity

__all__ = ["Chain", "Duty", "Opening", "Tier", "Within"]


class Within(Record, frozen=True, kw_only=True):
    """The named hours in which people are told. `unless` is the severity from which that is done at any time; None: never."""

    hours: str
    unless: Severity | None = None


class Tier(Record, frozen=True, kw_only=True):
    """`tell` names people and schedules, `by` the actions that reach them.

    They are told `times` in all, each time `wait_seconds` apart; as long after the last time the next tier's turn comes.
    """

    tell: tuple[str, ...]
    by: tuple[str, ...]
    wait_seconds: float
    times: int = 1
    within: Within | None = None


class Chain(Record, frozen=True, kw_only=True):
    """Tiers in their order; `then` names the chain that goes on after the last, empty where it ends there."""

    name: str
    tiers: tuple[Tier, ...]
    within: Within | None = None
    then: str = ""


class Duty(Record, frozen=True, kw_only=True):
    """Whose turn it is in a schedule at a moment: `person`, empty where it is nobody's.

    `until` is when that changes, and `next` to whom; None and empty where nothing changes within two months. `zone` is the
    schedule's own. `overridden`: somebody stands in.
    """

    schedule: str
    zone: str
    person: str
    overridden: bool = False
    until: datetime | None = None
    next: str = ""


class Opening(Record, frozen=True, kw_only=True):
    """Whether named hours are open at a moment, and if not, when they will be (`next_open`).

    `holiday` is the name of the day that is one in the hours' `zone`, or its date; empty where it is none.
    """

    hours: str
    zone: str
    open: bool
    holiday: str = ""
    next_open: datetime | None = None
