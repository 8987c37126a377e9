"""Plays the entries: the hosts' quiet life once for all of them, then the changes, and what the detector says of them."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from uuid import NAMESPACE_OID, uuid5

from msgspec.structs import replace
from tests.detect.coverage.entries import ENTRIES
from tests.detect.coverage.entry import Asks, Entry, Found, title
from tests.detect.coverage.hosts import QUIET, ROLES, quiet, snapshot
from tests.detect.coverage.stage import Change, Stage

from vedette.core import Epoch, HostId, Label, Reason, Record, Severity, Snapshot
from vedette.detect import Arrival, Bundle, Detector, Scored

__all__ = ["Outcome", "alarms_of_quiet_life", "outcomes"]

_EPOCH = Epoch("coverage")
_LIVES = 12  # quiet lives that are played side by side
_AT_ONCE = 96  # entries that are played side by side, each on a host of its own
_NAMED = 3  # reasons among which the cause must be


_Life = tuple[str, Change | None]


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


@lru_cache(maxsize=1)
def _quiet_lives() -> Mapping[_Life, tuple[bytes, tuple[int, ...]]]:
    """Each host's state after its quiet life, and the snapshots of it that were called abnormal."""
    asked = [(role, None) for role in ROLES] + [(entry.role, entry.before) for entry in ENTRIES]
    lives = tuple(dict.fromkeys(asked))
    parts = [lives[at : at + _LIVES] for at in range(0, len(lives), _LIVES)]
    return {life: told for some in parts for life, told in zip(some, _lived(some), strict=True)}


def _lived(lives: Sequence[_Life]) -> list[tuple[bytes, tuple[int, ...]]]:
    arrivals = []
    for seq in range(1, QUIET + 1):
        for number, (role, before) in enumerate(lives):
            stage = quiet(role, seq)
            if before is not None:
                before(stage)
            taken = _as_host(f"life {number}", snapshot(role, seq, stage))
            arrivals.append(Arrival(epoch=_EPOCH, snapshot=taken))
    answers = _detector().step(arrivals, {})
    found = []
    for number in range(len(lives)):
        own = answers[number :: len(lives)]
        state = own[-1].state
        assert state is not None
        alarms = tuple(at for at, said in enumerate(own, 1) if said.label is Label.ABNORMAL)
        found.append((state, alarms))
    return found


def _as_host(name: str, taken: Snapshot) -> Snapshot:
    own = HostId(str(uuid5(NAMESPACE_OID, name)))
    return replace(taken, host=replace(taken.host, id=own))


def alarms_of_quiet_life(role: str) -> tuple[int, ...]:
    """The snapshots of the quiet life that were called abnormal; there should be none."""
    return _quiet_lives()[role, None][1]


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
        state, _ = _quiet_lives()[entry.role, entry.before]
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
    arrivals = []
    for at in range(max(many, len(entry.steps))):
        stage = quiet(entry.role, QUIET + 1 + at)
        if entry.before is not None:
            entry.before(stage)
        _change(entry, stage, at)
        taken = _as_host(title(entry), snapshot(entry.role, QUIET + 1 + at, stage))
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
        for at in alarms:
            cause = _named(answers[at], entry, entry.expect)
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


def _named(said: Scored, entry: Entry, expect: Found | Asks) -> Reason | None:
    for reason in said.reasons[:_NAMED]:
        if reason.subject != expect.subject:
            continue
        if isinstance(expect, Asks) or (
            expect.expert == reason.expert and _is_told_as(entry, reason.attack)
        ):
            return reason
    return None


def _is_told_as(entry: Entry, attack: str | None) -> bool:
    """Whether it is told as the entry's technique, the whole or any part of it, or as what the entry says in its stead."""
    if entry.told_as:
        return (attack or "none") == entry.told_as
    return not entry.id.startswith("T") or _whole(attack or "") == _whole(entry.id)


def _whole(technique: str) -> str:
    return technique.split(".", 1)[0]
