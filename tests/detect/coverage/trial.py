"""Plays the entries: the hosts' quiet life once for all of them, then the changes, and what the detector says of them."""

from collections.abc import Mapping
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

from msgspec.structs import replace
from tests.detect.coverage.entries import ENTRIES
from tests.detect.coverage.entry import Asks, Entry, Found, title
from tests.detect.coverage.hosts import QUIET, quiet, snapshot
from tests.detect.coverage.stage import Change, Stage

from vedette.core import Epoch, HostId, Label, Reason, Record, Severity
from vedette.detect import Arrival, Bundle, Detector, Scored

__all__ = ["Outcome", "alarms_of_quiet_life", "outcomes"]

_EPOCH = Epoch("coverage")
_AT_ONCE = 96  # entries that are played side by side, each on a host of its own
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


@lru_cache(maxsize=1)
def outcomes() -> Mapping[str, Outcome]:
    """The detector's answers to every entry by its title, from the first snapshot that shows the change."""
    parts = [ENTRIES[at : at + _AT_ONCE] for at in range(0, len(ENTRIES), _AT_ONCE)]
    return {
        title(entry): outcome
        for some in parts
        for entry, outcome in zip(some, _play(some), strict=True)
    }


def _play(entries: tuple[Entry, ...]) -> list[Outcome]:
    arrivals, states, lengths = [], {}, []
    for entry in entries:
        _, state, _ = _quiet_life(entry.role, entry.before)
        several = _arrivals(entry)
        arrivals += several
        lengths.append(len(several))
        states[several[0].snapshot.host.id] = state
    answers = iter(_detector().step(arrivals, states))
    return [
        _outcome(entry, [next(answers) for _ in range(many)])
        for entry, many in zip(entries, lengths, strict=True)
    ]


def _arrivals(entry: Entry) -> list[Arrival]:
    many = entry.expect.within + 1 if isinstance(entry.expect, Found) else entry.expect.during
    own = HostId(str(uuid5(NAMESPACE_OID, title(entry))))
    arrivals = []
    for at in range(max(many, len(entry.steps))):
        stage = quiet(entry.role, QUIET + 1 + at)
        if entry.before is not None:
            entry.before(stage)
        _change(entry, stage, at)
        taken = snapshot(entry.role, QUIET + 1 + at, stage)
        taken = replace(taken, host=replace(taken.host, id=own))
        arrivals.append(Arrival(epoch=_EPOCH, snapshot=taken))
    return arrivals


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
