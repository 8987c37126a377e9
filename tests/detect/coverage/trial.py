"""Plays an entry: the host's quiet life once for all entries, then the change, and what the detector says of it."""

from functools import lru_cache

from tests.detect.coverage.entry import Asks, Entry, Found
from tests.detect.coverage.hosts import QUIET, quiet, snapshot
from tests.detect.coverage.stage import Change, Stage

from vedette.core import Epoch, HostId, Label, Reason, Record, Severity
from vedette.detect import Arrival, Bundle, Detector, Scored

__all__ = ["Outcome", "alarms_of_quiet_life", "play"]

_EPOCH = Epoch("coverage")
_NAMED = 3  # reasons among which the cause must be


class Outcome(Record, frozen=True, kw_only=True):
    """What was said.

    `alarms` are the snapshots (from 0, the first that shows the change) with an alarm, `severity` the worst of them;
    `delay` is the first at which the cause was named, None when it never was.
    """

    alarms: tuple[int, ...]
    severity: Severity
    reasons: tuple[tuple[Reason, ...], ...]
    delay: int | None = None
    cause: Reason | None = None


@lru_cache(maxsize=1)
def _detector() -> Detector:
    return Detector(Bundle.shipped())


@lru_cache(maxsize=32)
def _quiet_life(role: str, before: Change | None) -> tuple[HostId, bytes, tuple[int, ...]]:
    """The host, its state after the quiet life, and the snapshots of it that were called abnormal."""
    arrivals = []
    for seq in range(1, QUIET + 1):
        stage = quiet(role, seq)
        if before is not None:
            before(stage)
        arrivals.append(Arrival(epoch=_EPOCH, snapshot=snapshot(role, seq, stage)))
    host = arrivals[0].snapshot.host.id
    answers = _detector().step(arrivals, {})
    state = answers[-1].state
    assert state is not None
    alarms = tuple(at for at, said in enumerate(answers, 1) if said.label is Label.ABNORMAL)
    return host, state, alarms


def alarms_of_quiet_life(role: str) -> tuple[int, ...]:
    """The snapshots of the quiet life that were called abnormal; there should be none."""
    return _quiet_life(role, None)[2]


def play(entry: Entry) -> Outcome:
    """The detector's answers from the first snapshot that shows the change."""
    host, state, _ = _quiet_life(entry.role, entry.before)
    many = entry.expect.within + 1 if isinstance(entry.expect, Found) else entry.expect.during
    arrivals = []
    for at in range(max(many, len(entry.steps))):
        stage = quiet(entry.role, QUIET + 1 + at)
        if entry.before is not None:
            entry.before(stage)
        _change(entry, stage, at)
        arrivals.append(Arrival(epoch=_EPOCH, snapshot=snapshot(entry.role, QUIET + 1 + at, stage)))
    return _outcome(entry, _detector().step(arrivals, {host: state}))


def _change(entry: Entry, stage: Stage, at: int) -> None:
    for step in entry.steps[0 if entry.lasting else at : at + 1]:
        step(stage)


def _outcome(entry: Entry, answers: list[Scored]) -> Outcome:
    alarms = tuple(at for at, said in enumerate(answers) if said.label is Label.ABNORMAL)
    worst = max(
        (answers[at].severity for at in alarms), key=lambda s: s.rank, default=Severity.NONE
    )
    delay, cause = None, None
    if isinstance(entry.expect, Found | Asks):
        expert = entry.expect.expert if isinstance(entry.expect, Found) else ""
        for at in alarms:
            cause = _named(answers[at], expert, entry.expect.subject)
            if cause is not None:
                delay = at
                break
    return Outcome(
        alarms=alarms,
        severity=worst,
        reasons=tuple(said.reasons for said in answers),
        delay=delay,
        cause=cause,
    )


def _named(said: Scored, expert: str, subject: str) -> Reason | None:
    for reason in said.reasons[:_NAMED]:
        if reason.subject == subject and expert in {"", reason.expert}:
            return reason
    return None
