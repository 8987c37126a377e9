"""What a check found."""

from enum import StrEnum

from vedette.core import Record

__all__ = ["Diagnosis", "Finding", "Outcome", "fine", "problem", "unknown", "warning"]


class Outcome(StrEnum):
    """As it should be; works, but look at it; does not work; can't be told from here."""

    FINE = "fine"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


class Finding(Record, frozen=True, kw_only=True):
    """`text` says what is, `advice` what to do; it is empty where there is nothing to do."""

    check: str = ""
    outcome: Outcome
    text: str
    advice: str = ""


class Diagnosis(Record, frozen=True, kw_only=True):
    """All findings, in the order in which one thing rests on the other."""

    healthy: bool
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 something does not work, 2 something could not be told."""
        outcomes = {one.outcome for one in self.findings}
        if Outcome.PROBLEM in outcomes:
            return 1
        return 2 if Outcome.UNKNOWN in outcomes else 0


def fine(text: str) -> Finding:
    """As it should be."""
    return Finding(outcome=Outcome.FINE, text=text)


def warning(text: str, advice: str) -> Finding:
    """Works, but look at it."""
    return Finding(outcome=Outcome.WARNING, text=text, advice=advice)


def problem(text: str, advice: str) -> Finding:
    """Does not work."""
    return Finding(outcome=Outcome.PROBLEM, text=text, advice=advice)


def unknown(text: str, advice: str = "") -> Finding:
    """Can't be told."""
    return Finding(outcome=Outcome.UNKNOWN, text=text, advice=advice)
