"""What policies would have done over history: three numbers for each kind of action, and what they were drawn from."""

from datetime import datetime

from vedette.core.ids import TenantId
from vedette.core.record import Record

__all__ = ["Backtest", "Course", "Tried", "step_of"]

_STEPS = (300, 900, 1_800, 3_600, 4 * 3_600, 86_400, 7 * 86_400)
_MOST_STEPS = 60


def step_of(since: datetime, until: datetime) -> int:
    """The seconds of a step that divides a span in 60 at most, if a week is long enough for that."""
    span = (until - since).total_seconds()
    return next((step for step in _STEPS if span <= step * _MOST_STEPS), _STEPS[-1])


class Course(Record, frozen=True, kw_only=True):
    """What one policy would have done within one step of time that begins `at`, counted as in Tried."""

    policy: str
    at: datetime
    begun: int = 0
    asked: int = 0
    held: int = 0


class Tried(Record, frozen=True, kw_only=True):
    """One kind of action over history.

    `hosts` on which it would have begun, `begun` times; `false_positives` of these hosts were later called a false alarm or
    a benign change; `at_once` is how many would have been in force at most. `asked` is how often a person would have been asked, `held` how often limits or a lease in force would have held it back;
    `dry_runs` are counted in none of the others. `course` is the same over time and by policy, without steps in which nothing was.
    """

    kind: str
    disruptive: bool
    begun: int = 0
    hosts: int = 0
    false_positives: int = 0
    at_once: int = 0
    asked: int = 0
    held: int = 0
    dry_runs: int = 0
    course: tuple[Course, ...] = ()

    @property
    def words(self) -> str:
        """As a sentence."""
        return (
            f"{self.kind} would have begun on {self.hosts} hosts, {self.false_positives} of them later labelled a false alarm, "
            f"on at most {self.at_once} at once"
        )


class Backtest(Record, frozen=True, kw_only=True):
    """Of the policies of this `version`, over a tenant's verdicts on snapshots taken within `since` and before `until`."""

    tenant: TenantId
    version: str
    at: datetime
    by: str
    since: datetime
    until: datetime
    verdicts: int
    incidents: int
    kinds: tuple[Tried, ...]

    @property
    def step_seconds(self) -> int:
        """How long a step of each course is."""
        return step_of(self.since, self.until)
