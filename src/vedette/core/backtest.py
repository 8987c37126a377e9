"""What policies would have done over history: three numbers for each kind of action, and what they were drawn from."""

from datetime import datetime

from vedette.core.ids import TenantId
from vedette.core.record import Record

__all__ = ["Backtest", "Tried"]


class Tried(Record, frozen=True, kw_only=True):
    """One kind of action over history.

    `hosts` on which it would have begun, `begun` times; `false_positives` of these hosts were later called a false alarm or
    a benign change; `at_once` is how many would have been in force at most. `asked` is how often a person would have been asked, `held` how often limits or a lease in force would have held it back;
    `dry_runs` are counted in none of the others.
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
