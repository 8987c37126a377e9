"""One reading of a host's tables against its state: what is new, what has gone, and how much that says."""

from collections.abc import Collection, Iterable
from math import log
from typing import NamedTuple

import msgspec

from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.accounts import closed_accounts
from vedette.detect.inventory.fact import Fact
from vedette.detect.inventory.hostile import EVIDENCE, VANISHED
from vedette.detect.inventory.kinds import KINDS, Kind
from vedette.detect.inventory.part import InventoryPart
from vedette.detect.inventory.state import InventoryState, Open, Watched, print_of
from vedette.detect.odds import DAY, nats, rate
from vedette.detect.short import short
from vedette.detect.upgrade import package_manager_runs, packages_now
from vedette.detect.view import View

__all__ = ["EXPLAINED", "Look", "Reading", "look"]

_SUBJECT, _SHOWN = 300, 600  # letters that a state keeps

EXPLAINED = 5  # snapshots after a package change in which it explains what is new
_LATE = 3  # a package database may be written after the files: so many snapshots later it still explains them
_PACKAGE = 3.0  # nats: about one in twenty intrusions comes with a package change
_PROGRAM_PACKAGE = 6.0  # nats: packages are what replaces programs
_BY_PACKAGE = {
    "user.plain": _PACKAGE,
    "sudo.plain": _PACKAGE,
    "unit.made": _PACKAGE,
    "unit.timer": _PACKAGE,
    "unit.packaged": _PACKAGE + 1.0,
    "unit.changed": _PACKAGE,
    "cron.service": _PACKAGE,
    "cron.home": _PACKAGE,
    "cron.minute": _PACKAGE,
    "cron.plain": _PACKAGE,
    "module.plain": _PACKAGE,
    "suid.system": _PROGRAM_PACKAGE,
    "hash.program": _PROGRAM_PACKAGE,
    "hash.pam": _PACKAGE,
    "hash.start": _PACKAGE,
    "hash.boot": _PACKAGE,
    "hash.ssh": _PACKAGE,
    "hash.hosts": _PACKAGE,
    "hash.resolver": _PACKAGE,
    "listen.open": _PACKAGE,
    "listen.port": _PACKAGE,
    "program": _PROGRAM_PACKAGE,
    "guard-unit": 1.0,
    "port": _PACKAGE,
}


_ELSEWHERE = "unknown on this host until now, but other hosts have it"


class Reading(NamedTuple):
    """A kind that was read: its facts by the fingerprint of key and value; whether this was its first reading."""

    facts: dict[tuple[int, int], Fact]
    first: bool


class Look(NamedTuple):
    """What one view says.

    Readings by kind, cases still open and newly opened by id, vanished things with their nats, and what is known of
    packages, of the last start, and of closed accounts.
    """

    readings: dict[str, Reading]
    kept: dict[str, Open]
    opened: dict[str, Open]
    vanished: tuple[tuple[Watched, float], ...]
    packages: dict[str, int]
    since_package: int
    since_boot: int
    closed: list[str] | None


def look(view: View, state: InventoryState, part: InventoryPart) -> Look:
    """Reads what is not known to be unchanged, and compares. Changes nothing."""
    packages = packages_now(view, state.package_tables)
    moved = packages != state.package_tables and bool(state.package_tables)
    since = 0 if moved or package_manager_runs(view) else state.since_package + 1
    started = view.snapshot.host.boot_time > state.boot + 30.0
    closed = closed_accounts(view, state.closed)
    readings = {
        kind.name: _read(kind, view, state, closed or ())
        for kind in KINDS
        if kind.here(view) and not (kind.name in state.known and kind.unchanged(view))
    }
    kept, opened = _cases(view, state, part, readings, since)
    return Look(
        readings,
        kept,
        opened,
        tuple(_vanished(view, state, part, readings, since)),
        packages,
        since,
        0 if started else state.since_boot + 1,
        closed,
    )


def _read(kind: Kind, view: View, state: InventoryState, closed: Collection[str]) -> Reading:
    facts = {
        (fingerprint(fact.key), fingerprint(fact.value)): fact
        for fact in sorted(
            kind.read(view, closed), key=lambda fact: (fact.key, fact.value, fact.shown)
        )
    }
    return Reading(facts, view.count == 0 or kind.name not in state.known)


def _cases(
    view: View,
    state: InventoryState,
    part: InventoryPart,
    readings: dict[str, Reading],
    since: int,
) -> tuple[dict[str, Open], dict[str, Open]]:
    kept = {
        name: case
        for name, case in state.open.items()
        if (reading := readings.get(case.kind)) is None or (case.key, case.value) in reading.facts
    }
    if since == 0:
        kept = {name: _explained_late(case) for name, case in kept.items()}
    kept = {name: _excused(case, view) for name, case in kept.items()}
    opened = {}
    for kind, reading in readings.items():
        if reading.first:
            continue
        known = state.known[kind]
        for (key, value), fact in reading.facts.items():
            name = f"{kind}:{key:x}:{value:x}"
            if name not in kept and value not in known.get(key, ()):
                opened[name] = _open(fact, key, value, view, state, part, since)
    return kept, opened


def _explained_late(case: Open) -> Open:
    excuse = _BY_PACKAGE.get(case.mark, 0.0)
    if not excuse or case.hard or case.age >= _LATE:
        return case
    return msgspec.structs.replace(case, nats=case.nats - excuse)


def _excused(case: Open, view: View) -> Open:
    """With what others took off since; what they took off once stays off, or else a roll-out would ask when it is over."""
    excuse = 0.0 if case.hard else view.outlook.excuse(case.print)
    if excuse <= case.excused:
        return case
    return msgspec.structs.replace(
        case, nats=case.nats - (excuse - case.excused), excused=excuse, expected=_ELSEWHERE
    )


def _open(
    fact: Fact,
    key: int,
    value: int,
    view: View,
    state: InventoryState,
    part: InventoryPart,
    since: int,
) -> Open:
    marks: Iterable[str] = fact.marks
    shown = short(fact.shown, _SHOWN)
    held = key in state.known[fact.kind]
    if held and fact.changed:
        marks = (fact.changed,)
    weighed = sorted(((weigh(mark, state, part, view.count), mark) for mark in marks), reverse=True)
    score, mark = weighed[0]
    hard = EVIDENCE[mark].hard
    excused = 0.0
    # Each further mark that is telling by itself about doubles the odds.
    score += log(2.0) * sum(1 for other, _ in weighed[1:] if other > 0.0)
    if not hard:
        score -= _BY_PACKAGE.get(mark, 0.0) if since < EXPLAINED else 0.0
        excused = max(
            part.familiarity(fingerprint(fact.kind, fact.key, fact.value)),
            view.outlook.excuse(print_of(fact.kind, key, value)),
        )
        score -= excused
    if excused:
        expected = _ELSEWHERE
    elif since >= EXPLAINED:
        expected = "unknown on this host until now"
    else:
        expected = "unknown on this host until now; packages are changing"
    return Open(
        kind=fact.kind,
        key=key,
        value=value,
        mark=mark,
        subject=short(fact.subject, _SUBJECT),
        text=EVIDENCE[mark].text.format(shown=shown, deed=fact.deed),
        attack=EVIDENCE[mark].attack,
        observed=f"{'changed to' if held else 'new:'} {shown}",
        expected=expected,
        since=view.snapshot.taken_at.timestamp(),
        nats=score,
        hard=hard,
        excused=excused,
    )


def weigh(mark: str, state: InventoryState, part: InventoryPart, count: int) -> float:
    """Nats over the threshold of one mark on this host."""
    evidence = EVIDENCE.get(mark) or VANISHED[mark]
    normal = rate(
        evidence.rate,
        fleet=part.bursts.get(mark, 0),
        fleet_days=part.days,
        host=state.bursts.get(mark, 0),
        host_days=count / DAY,
    )
    return nats(evidence.seen, normal)


_RESIDENT_SNAPSHOTS = 60  # a port counts as always there after so many snapshots
_RESIDENT_SECONDS = 7_200.0  # and so much time
_AFTER_START = 10  # snapshots after a start of the machine in which services may still come up


def _vanished(
    view: View,
    state: InventoryState,
    part: InventoryPart,
    readings: dict[str, Reading],
    since: int,
) -> Iterable[tuple[Watched, float]]:
    """Watched things that are gone, with their nats; patience is two snapshots, three for what comes and goes."""
    for kind in KINDS:
        if not kind.told(view) or not state.watched.get(kind.name):
            continue
        reading = readings.get(kind.name)
        here = None if reading is None else {key for key, _ in reading.facts}
        for key, thing in state.watched[kind.name].items():
            missing = (
                thing.missing + 1 if (thing.missing if here is None else key not in here) else 0
            )
            if missing < (2 if kind.steady else 3):
                continue
            settled = (
                thing.seen >= _RESIDENT_SNAPSHOTS and thing.gone - thing.first >= _RESIDENT_SECONDS
            )
            if kind.steady or (settled and state.since_boot >= _AFTER_START):
                score = weigh(thing.evidence, state, part, view.count)
                excused = since < EXPLAINED + missing and not VANISHED[thing.evidence].hard
                score -= _BY_PACKAGE.get(thing.evidence, 0.0) if excused else 0.0
                yield thing, score
