"""One reading of a host's tables against its state: what is new, what has gone, and how much that says."""

from collections.abc import Collection, Iterable
from math import log
from typing import NamedTuple

import msgspec

from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.accounts import closed_accounts
from vedette.detect.inventory.causes import acts_now, at_work, brought, causes_now, lists_now
from vedette.detect.inventory.excuses import EXPLAINED, LATE, excuse
from vedette.detect.inventory.fact import Fact
from vedette.detect.inventory.hostile import EVIDENCE, FOOTHOLDS, VANISHED
from vedette.detect.inventory.kinds import KINDS, WIDENING, Kind, Memory, kinds_of
from vedette.detect.inventory.part import InventoryPart
from vedette.detect.inventory.reading import Reading
from vedette.detect.inventory.state import InventoryState, Open, Watched, print_of
from vedette.detect.inventory.versions import Versions, followed, versions_now
from vedette.detect.lasting import AFTER_START, is_lasting
from vedette.detect.odds import DAY, QUESTION, nats, rate
from vedette.detect.short import short
from vedette.detect.upgrade import package_manager_runs, packages_now
from vedette.detect.view import View

__all__ = ["Look", "look"]

_SUBJECT, _SHOWN = 300, 300  # letters that a state keeps


_ELSEWHERE = "not on this host until now, but on others of the fleet"
_THINGS = {
    "users": "accounts",
    "authorized_keys": "SSH keys",
    "sudoers": "sudo rules",
    "logged_in_users": "logins",
    "crontab": "scheduled jobs",
    "systemd_units": "units",
    "kernel_modules": "kernel modules",
    "mounts": "mounts",
    "suid_bin": "programs that run with their owner's rights",
    "hash": "watched files",
    "listening_ports": "ports",
    "deb_packages": "packages",
    "rpm_packages": "packages",
}
_TABLE_OF = {kind.name: kind.table for kind in KINDS}


class Look(NamedTuple):
    """What one view says.

    Readings by kind, cases still open and newly opened by id, the kinds that it tells of, vanished things with their nats, and what is known of
    packages, of the last start, of closed accounts, and of what may explain facts (as in the state).
    """

    readings: dict[str, Reading]
    kept: dict[str, Open]
    opened: dict[str, Open]
    told: tuple[Kind, ...]
    vanished: tuple[tuple[Watched, float], ...]
    packages: dict[str, int]
    since_package: int
    since_boot: int
    closed: list[str] | None
    versions: Versions
    lists: dict[str, int]
    causes: dict[str, int]
    config: str


class _Why(NamedTuple):
    """What happened of late, by the snapshots since, and the followed packages of this host."""

    causes: dict[str, int]
    listed: Collection[str]

    def excuse(self, mark: str, subject: str, window: int = EXPLAINED) -> tuple[float, float]:
        return excuse(mark, subject, self.causes, window=window, listed=self.listed)

    def accounts_for(self, explained: float) -> bool:
        """Whether it is seen who did it: by a cause that explains so much of it, or a managing tool that may bring anything."""
        return explained > 0.0 or self.causes.get("managed", EXPLAINED) < EXPLAINED


def look(view: View, state: InventoryState, part: InventoryPart) -> Look:
    """Reads what is not known to be unchanged, and compares. Changes nothing."""
    packages = packages_now(view, state.package_tables)
    moved = packages != state.package_tables and bool(state.package_tables)
    manager = package_manager_runs(view)
    since = 0 if moved or manager else state.since_package + 1
    started = view.snapshot.host.boot_time > state.boot + 30.0
    since_boot = 0 if started else state.since_boot + 1
    closed = closed_accounts(view, state.closed)
    versions = versions_now(view, state.versions, state.known)
    memory = Memory(closed or (), versions, state.versions)
    config = _config(view, state)
    same_listeners = bool(state.listeners) and state.listeners == view.listeners
    kinds = kinds_of(view.seen, view.unchanged, same_listeners=same_listeners)
    whole = tuple(kind for kind in kinds.told if kind.whole(view.doubted))
    known = state.known.names()
    readings = {
        name: _read(kind, view, state, memory, config)
        for name, kind in (kinds.moved if kinds.here.keys() <= known else kinds.here).items()
        if name in kinds.moved or name not in known
    }
    lists = lists_now(readings, state)
    now = at_work(view, state, readings, memory) + (brought(view) if moved else [])
    causes = causes_now(state, lists, versions) | dict.fromkeys(now, 0)
    why = _Why(
        causes
        | {"package": since, "start": since_boot if view.count else EXPLAINED}
        | ({"manager": 0} if manager else {})
        | acts_now(view, state, readings, memory),
        followed(versions) | followed(state.versions),
    )
    kept, opened = _cases(view, state, part, readings, why)
    return Look(
        readings,
        kept,
        opened,
        whole,
        tuple(_vanished(view, state, part, (whole, readings), why)),
        packages,
        since,
        since_boot,
        closed,
        versions,
        lists,
        causes,
        config,
    )


def _config(view: View, state: InventoryState) -> str:
    """What the agent looks at, in a word; as before where it does not say so."""
    for row in view.snapshot.tables.get("osquery_info", ()):
        return short(f"{row.get('version')} {row.get('config_hash')}", _SUBJECT)
    return state.config


def _read(kind: Kind, view: View, state: InventoryState, memory: Memory, config: str) -> Reading:
    facts = {
        (fingerprint(fact.key), fingerprint(fact.value)): fact
        for fact in sorted(
            kind.read(view, memory), key=lambda fact: (fact.key, fact.value, fact.shown)
        )
    }
    wider = kind.name in WIDENING and state.read_under.get(kind.name, "") != config
    first = view.count == 0 or kind.name not in state.known
    return Reading(facts, first, wider, kind.whole(view.doubted))


def _cases(
    view: View,
    state: InventoryState,
    part: InventoryPart,
    readings: dict[str, Reading],
    why: _Why,
) -> tuple[dict[str, Open], dict[str, Open]]:
    kept = {
        name: case
        for name, case in state.open.items()
        if (reading := readings.get(case.kind)) is None
        or not reading.whole
        or (case.key, case.value) in reading.facts
    }
    kept = {name: _excused(_explained_late(case, why), view) for name, case in kept.items()}
    opened = {}
    for kind, reading in readings.items():
        if reading.first:
            continue
        known = state.known[kind]
        for (key, value), fact in reading.facts.items():
            name = f"{kind}:{key:x}:{value:x}"
            newly_looked_at = reading.wider and key not in known
            if name not in kept and value not in known.get(key, ()) and not newly_looked_at:
                opened[name] = _open(fact, key, value, view, state, part, why)
    return kept, opened


def _explained_late(case: Open, why: _Why) -> Open:
    """The case, if its cause came after it, or if the cause that it was given credit for did not come."""
    if case.hard or case.age > LATE or (case.explained and not case.owed):
        return case
    nats, credit = why.excuse(case.mark, case.subject, window=1)
    if nats and not credit:
        return msgspec.structs.replace(
            case, nats=case.nats + case.owed - nats, explained=True, owed=0.0, accounted=True
        )
    if case.owed and case.age == LATE:
        return msgspec.structs.replace(case, nats=case.nats + case.owed, explained=False, owed=0.0)
    return case


def _excused(case: Open, view: View) -> Open:
    """With what others took off since; what they took off once stays off, or else a roll-out would ask when it is over."""
    foothold = case.mark in FOOTHOLDS
    excuse = 0.0 if case.hard else view.outlook.excuse(case.print, foothold=foothold)
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
    why: _Why,
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
    explained, credit = (0.0, 0.0) if hard else why.excuse(mark, fact.subject)
    if not hard:
        excused = max(
            part.familiarity(fingerprint(fact.kind, fact.key, fact.value)),
            view.outlook.excuse(print_of(fact.kind, key, value), foothold=mark in FOOTHOLDS),
        )
        score -= explained + excused
    expected = _ELSEWHERE if excused else _usual(fact.kind, state, held=held)
    if not excused and why.causes["package"] < EXPLAINED:
        expected += "; packages are changing"
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
        explained=explained > 0.0,
        owed=credit,
        accounted=why.accounts_for(explained - credit),
    )


def _usual(kind: str, state: InventoryState, *, held: bool) -> str:
    if held:
        return "as it was in every snapshot before"
    known, things = len(state.known[kind]), _THINGS[_TABLE_OF[kind]]
    return f"one of the {known} {things} that were here so far" if known > 1 else f"no new {things}"


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
    score = nats(evidence.seen, normal)
    return min(score, QUESTION) if evidence.asks else score


def _vanished(
    view: View,
    state: InventoryState,
    part: InventoryPart,
    seen: tuple[tuple[Kind, ...], dict[str, Reading]],
    why: _Why,
) -> Iterable[tuple[Watched, float]]:
    """Watched things that are gone, with their nats; patience is two snapshots, three for what comes and goes."""
    told, readings = seen
    for kind in told:
        reading, idle = readings.get(kind.name), state.idle.get(kind.name)
        if (reading is None and idle is not None) or kind.name not in state.watched:
            continue
        here = None if reading is None else {key for key, _ in reading.facts}
        for key, thing in state.watched[kind.name].items():
            missing = (
                thing.missing + 1 if (thing.missing if here is None else key not in here) else 0
            )
            if missing < (2 if kind.steady else 3):
                continue
            settled = is_lasting(thing.seen + (idle or 0), thing.gone - thing.first)
            steady = kind.steady and not thing.evidence.startswith("mount")
            if steady or (settled and state.since_boot >= AFTER_START):
                score = weigh(thing.evidence, state, part, view.count)
                if not VANISHED[thing.evidence].hard:
                    score -= why.excuse(thing.evidence, thing.subject, EXPLAINED + missing)[0]
                yield thing, score
