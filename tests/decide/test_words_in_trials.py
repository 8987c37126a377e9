"""What people said of incidents counts in a back-test when they said it."""

from datetime import timedelta

from tests.decide.make import HOST, host, policies, verdict
from tests.decide.test_limits import text

from vedette.core import Resolution, Severity, Tried
from vedette.decide import Fleet, Trial, Word

MINUTES = (0, 6, 7)


def tried(*words: tuple[float, Resolution | None]) -> tuple[Tried, int]:
    """Abnormal at each of MINUTES under a lease of ten; what was begun, and how many incidents there were."""
    began = verdict(0).taken_at
    first = Trial(policies(text()), Fleet(hosts={HOST: host()}, said={}))
    first.take(verdict(0, severity=Severity.MEDIUM))
    (incident,) = first.incidents
    said = tuple(
        Word(at=began + timedelta(minutes=minute), by="user:ann", resolution=resolution)
        for minute, resolution in words
    )
    trial = Trial(policies(text()), Fleet(hosts={HOST: host()}, said={incident: said}))
    for minute in MINUTES:
        trial.take(verdict(minute, severity=Severity.HIGH if minute else Severity.MEDIUM))
    (found,) = trial.tried()
    return found, len(trial.incidents)


def test_nobody_said_anything() -> None:
    found, _ = tried()
    assert (found.begun, found.held) == (1, 1)


def test_who_calls_it_harmless_ends_the_lease_and_what_comes_then_begins_anew() -> None:
    found, _ = tried((5, Resolution.FALSE_POSITIVE))
    assert (found.begun, found.held) == (2, 0)
    assert found.at_once == 1


def test_who_only_closes_it_ends_no_lease() -> None:
    found, _ = tried((5, Resolution.TRUE_POSITIVE))
    assert (found.begun, found.held) == (1, 1)


def test_who_opens_it_again_before_the_next_look_has_changed_nothing() -> None:
    assert tried((4, Resolution.TRUE_POSITIVE), (5, None)) == tried()
