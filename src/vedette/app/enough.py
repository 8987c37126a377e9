"""How much history a back-test must have met to let its text act by itself."""

from datetime import datetime, timedelta

from vedette.app.telling_settings import RespondSettings
from vedette.core import Record

__all__ = ["Enough"]

# What was tried must reach up to the present, and its first day may be one on which no host was judged.
_DAY = timedelta(days=1)


class Enough(Record, frozen=True, kw_only=True):
    """So many `days`, or all that there is where that spans less; and so many `verdicts`, the last of them within a day."""

    days: float
    verdicts: int

    @classmethod
    def by(cls, settings: RespondSettings) -> "Enough":
        """As the operator set it."""
        return cls(days=settings.backtest_days, verdicts=settings.backtest_verdicts)

    def lacks(
        self,
        *,
        since: datetime,
        until: datetime,
        at: datetime,
        met: tuple[datetime, datetime] | None,
        begins: datetime | None,
        verdicts: int,
    ) -> str:
        """Why a back-test run `at` that moment lets nothing act by itself; empty where it does.

        `met` are the first and the last moment of the `verdicts` that it met within `since` and before `until`, and all history
        `begins` then.
        """
        if met is None:
            return "it met no verdict; choose a longer time, or try it again when hosts were judged"
        if until < at - _DAY:
            return "it ends more than a day before it was run; try it up to the present"
        first, last = met
        if last < at - _DAY:
            return f"no host was judged since {last:%Y-%m-%d %H:%M} UTC; try it again when some are"
        spans = until - (since if first <= since + _DAY else first)
        told = f"it met {spans / _DAY:.1f} days of history with {verdicts} verdicts"
        if begins is not None and begins < since and spans < timedelta(days=self.days):
            return f"{told}, and {self.days:g} days are needed; choose a longer time"
        if verdicts >= self.verdicts:
            return ""
        return (
            f"{told}, and {self.verdicts} verdicts are needed; "
            "let people approve until then, and try it again when hosts have sent more"
        )
