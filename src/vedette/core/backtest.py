"""What policies would have done over history: three numbers for each kind of action, and what they were drawn from."""

from datetime import datetime

from vedette.core.ids import HostId, TenantId
from vedette.core.record import Record

__all__ = ["Backtest", "Course", "Tried", "Valueless", "step_of"]

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


class Valueless(Record, frozen=True, kw_only=True):
    """A policy whose condition had no value for `without` of the `asked` verdicts that it was asked of, as when a map lacks a key.

    `met` are the verdicts for which it held.
    `line` is the policy's in its text, from 1. The first was of the snapshot that `host` took `at` that moment; `reason` is the evaluator's.
    """

    policy: str
    line: int
    asked: int
    without: int
    met: int = 0
    host: HostId
    hostname: str
    at: datetime
    reason: str

    @property
    def always(self) -> bool:
        """Whether it never had one."""
        return self.without == self.asked

    @property
    def untold(self) -> bool:
        """Whether nothing is known of what it would let be done: wherever it might have held it had no value."""
        return self.met == 0

    @property
    def words(self) -> str:
        """As a sentence."""
        many = "any" if self.always else str(self.without)
        none = ", and held for none" if self.untold and not self.always else ""
        return (
            f"the condition of policy {self.policy} (line {self.line}) had no value for {many} of the {self.asked} verdicts that it was asked of{none}, "
            f"first on {self.hostname} at {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"
        )


class Backtest(Record, frozen=True, kw_only=True):
    """Of the policies of this `version`, over a tenant's verdicts on snapshots taken within `since` and before `until`.

    `lacks` says why it lets nothing act by itself; empty where it met enough history for that. `valueless` are the policies whose conditions had
    no value for some of the verdicts; of back-tests of before this was counted there are none.
    """

    tenant: TenantId
    version: str
    at: datetime
    by: str
    since: datetime
    until: datetime
    verdicts: int
    incidents: int
    kinds: tuple[Tried, ...]
    lacks: str = ""
    valueless: tuple[Valueless, ...] = ()

    @property
    def step_seconds(self) -> int:
        """How long a step of each course is."""
        return step_of(self.since, self.until)
