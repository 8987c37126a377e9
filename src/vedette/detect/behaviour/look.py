"""One reading of a host's processes and sockets against its state."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import log
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.age import Family
from vedette.detect.behaviour.bearers import Bearers
from vedette.detect.behaviour.faults import Asked, Faults, faults
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.hostile import MARKS, tally
from vedette.detect.behaviour.locked import locked_accounts
from vedette.detect.behaviour.marks import Setting, flags_of, marks_of
from vedette.detect.behaviour.part import BehaviourPart
from vedette.detect.behaviour.scope import Forms, Scope, scope
from vedette.detect.behaviour.services import EXPLAINED, Services, frozen, here, missing
from vedette.detect.behaviour.shape import (
    Contact,
    Process,
    contact_of,
    context,
    doors_of,
    processes,
    program_of,
    shape_of,
)
from vedette.detect.behaviour.sockets import Peer, Wires, contact, door, wires
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.behaviour.succession import Successors
from vedette.detect.behaviour.traffic import Surge, surge
from vedette.detect.fingerprint import known_print
from vedette.detect.knowledge import Outlook
from vedette.detect.odds import DAY, nats, rate
from vedette.detect.ports import EPHEMERAL
from vedette.detect.upgrade import package_manager_runs, packages_now
from vedette.detect.view import View

__all__ = [
    "Crowd",
    "Look",
    "Novel",
    "Read",
    "look",
    "program_print",
    "soft_of",
    "weigh",
]

_PACKAGE = 3.0  # nats: about one in twenty intrusions comes with a package change
# Marks that speak of the parent already: it must not tip the scale a second time.
_OF_PARENT = ("service.", "database.", "jumped", "loose")
_LETTERS = 256  # of a name that a state keeps
_CROWD = 40  # copies of a program that are many on any host
_CROWD_TIMES = 6  # and that many times more than ever


class Novel(NamedTuple):
    """A process whose shape this host never learned. `also` are its other telling marks."""

    shape: int
    process: Process
    mark: str
    nats: float
    peers: tuple[Peer, ...]
    since: float
    leans: dict[str, str]
    behind: str
    excused: float
    also: tuple[str, ...] = ()


class Crowd(NamedTuple):
    """Copies of one program: how many now, how many at most before."""

    name: str
    now: int
    before: int
    nats: float


class Read(NamedTuple):
    """One process that was read.

    Its contacts, ports and doors as fingerprints; `plain` says that none of them belongs to the shape.
    """

    process: Process
    shape: int
    novel: Novel | None
    contacts: frozenset[int]
    plain: bool


class Look(NamedTuple):
    """What one view says.

    `scope` says what was read of it, and `read` what came of that: `usual` are the shapes read that are known, `used`
    contacts and doors known and in use; `fresh` those not yet known, by the shape that shows them; `programs` those that
    settled processes run.
    """

    scope: Scope
    read: list[Read]
    net: Wires
    usual: set[int]
    novel: dict[int, Novel]
    used: set[int]
    fresh: dict[int, set[int]]
    programs: set[int]
    crowds: tuple[Crowd, ...]
    counted: Counter[str]
    services: Services
    faults: Faults
    locked: list[int]
    packages: dict[str, int]
    since_package: int
    since_boot: int


class _Scene(NamedTuple):
    """What is asked again and again while one view is read."""

    rows: Mapping[str, Row]
    forms: Mapping[str, Form]
    bearers: Bearers
    net: Wires
    state: BehaviourState
    part: BehaviourPart
    locked: frozenset[int]
    explained: bool
    learned: int
    now: float
    outlook: Outlook
    surge: Surge


def look(
    views: Sequence[View], states: Sequence[BehaviourState], part: BehaviourPart
) -> list[Look]:
    """Compares each host with what is usual there. Changes nothing."""
    begun = [_begin(view, state) for view, state in zip(views, states, strict=True)]
    found = faults([Asked(one.view, one.state, one.worth, one.within) for one in begun])
    return [_look(one, wrong, part) for one, wrong in zip(begun, found, strict=True)]


class _Begun(NamedTuple):
    """What is to be read of one view, and of that the processes worth judging."""

    view: View
    state: BehaviourState
    locked: list[int]
    within: Scope
    forms: Forms
    worth: list[Process]


def _begin(view: View, state: BehaviourState) -> _Begun:
    locked = locked_accounts(view, state)
    within = scope(view, state, locked)
    forms = Forms(view.by_pid)
    worth = processes(view.by_pid, forms, within.read)
    return _Begun(view, state, locked, within, forms, worth)


def _look(begun: _Begun, wrong: Faults, part: BehaviourPart) -> Look:
    view, state, locked, within, forms, worth = begun
    packages = packages_now(view, state.package_tables)
    moved = packages != state.package_tables and bool(state.package_tables)
    since = 0 if moved or package_manager_runs(view) else state.since_package + 1
    started = view.snapshot.host.boot_time > state.boot + 30.0
    rows = view.by_pid
    above = {str(rows[pid].get("parent")) for pid in within.read}
    scene = _Scene(
        rows,
        forms,
        Bearers(rows),
        wires(view, above.union(within.read), state.ports),
        state,
        part,
        frozenset(locked),
        since < EXPLAINED,
        view.count,
        view.snapshot.taken_at.timestamp(),
        view.outlook,
        surge(view, state.sent),
    )
    used: set[int] = set()
    fresh: dict[int, set[int]] = {}
    read = [_one(one, scene, used, fresh) for one in worth]
    counted = _counted(view)
    since_boot = 0 if started else state.since_boot + 1
    return Look(
        within,
        read,
        scene.net,
        {one.shape for one in read if one.novel is None},
        _novels(read),
        used,
        fresh,
        {program_print(one.process) for one in read if one.process.form.role != "shell"},
        _crowds(counted, scene) if state.crowds else (),
        counted,
        _services(read, view, within, scene, (since, since_boot), Successors(view, forms)),
        wrong,
        locked,
        packages,
        since,
        since_boot,
    )


def _novels(read: Sequence[Read]) -> dict[int, Novel]:
    """The strongest of each new shape."""
    novel: dict[int, Novel] = {}
    for one in read:
        new, held = one.novel, novel.get(one.shape)
        if new is not None and (
            held is None or (new.nats, new.process.pid) > (held.nats, held.process.pid)
        ):
            novel[one.shape] = new
    return novel


def _counted(view: View) -> Counter[str]:
    counted: Counter[str] = Counter()
    for name, many in view.names.items():
        counted[str(name)[:_LETTERS]] += many
    return counted


def program_print(process: Process) -> int:
    """The fingerprint of its program."""
    return known_print(program_of(process))


def _services(
    read: list[Read],
    view: View,
    within: Scope,
    scene: _Scene,
    since: tuple[int, int],
    followed: Successors,
) -> Services:
    idle = frozen(scene.rows)
    keys = {within.ids.get(pid) for pid in idle}
    kept = {kind.service for key, kind in within.kept if key not in keys}
    at_work = (one.process for one in read if one.process.pid not in idle)
    found, leads = here(at_work, kept, scene.state)
    if "processes" in view.doubted:
        return Services(found, (), leads)
    gone = missing(
        found,
        scene.state,
        scene.part,
        count=scene.learned,
        now=scene.now,
        since_boot=since[1],
        since_package=since[0],
        followed=followed,
    )
    return Services(found, gone, leads)


def _one(process: Process, scene: _Scene, used: set[int], fresh: dict[int, set[int]]) -> Read:
    talk = contact_of(process, scene.net, scene.state)
    doors = doors_of(process, scene.net, scene.state)
    flags = flags_of(process, scene.net, scene.locked)
    shape = shape_of(process, talk, doors, flags)
    contacts = contacts_of(process, scene.net)
    if contacts:
        known = {one for one in contacts if one in scene.state.contacts}
        used |= known
        if len(known) < len(contacts):
            fresh.setdefault(shape, set()).update(contacts - known)
    novel = None
    if shape not in scene.state.shapes:
        novel = _novel(process, shape, talk, doors, flags, scene)
    plain = not talk.fresh and not doors
    return Read(process, shape, novel, contacts, plain)


def _novel(
    process: Process,
    shape: int,
    talk: Contact,
    doors: tuple[int, ...],
    flags: tuple[str, ...],
    scene: _Scene,
) -> Novel:
    held = scene.state.unlearned.get(shape)
    behind = context(process, scene.rows, scene.forms)
    leans = soft_of(
        process,
        talk.kind,
        "new" if doors else "known" if scene.net.doors.get(process.pid) else "no",
    )
    family = Family(scene.state, scene.now, scene.rows, scene.forms, scene.explained, scene.bearers)
    marks = marks_of(process, behind, talk, flags, Setting(family, scene.net, scene.surge))
    mark, score = _weigh(process, behind, marks or ("plain",), leans, scene)
    excused = 0.0 if MARKS[mark].hard else _excuse(shape, scene)
    if held is not None:
        # What others took off once stays off, or else a roll-out would ask when it is over.
        excused = max(excused, held.excused)
        score = held.nats + held.excused
    return Novel(
        shape,
        process,
        mark,
        score - excused,
        talk.fresh,
        held.since if held is not None else scene.now,
        leans,
        behind,
        excused,
        tuple(sorted(one for one in marks if one != mark and MARKS[one].hard)),
    )


def _weigh(
    process: Process,
    behind: str,
    marks: tuple[str, ...],
    leans: dict[str, str],
    scene: _Scene,
) -> tuple[str, float]:
    """The strongest mark and the nats over the threshold, before what other hosts take off."""
    weighed = sorted(
        ((weigh(mark, behind, scene.state, scene.part, scene.learned), mark) for mark in marks),
        reverse=True,
    )
    score, mark = weighed[0]
    own = process.form.deed
    if any(other > 0.0 and name == own for other, name in weighed):
        # What a command does says more than who runs it; the score stays the strongest mark's.
        mark = own
    # Each further mark that is telling by itself about doubles the odds.
    score += log(2.0) * sum(1 for other, _ in weighed[1:] if other > -1.0)
    score += sum(
        min(max(scene.part.lean(attribute, process.account, value), -1.0), 2.0)
        for attribute, value in leans.items()
        if attribute != "parent" or not mark.startswith(_OF_PARENT)
    )
    if not MARKS[mark].hard:
        score -= _PACKAGE if scene.explained else 0.0
    return mark, score


def _excuse(shape: int, scene: _Scene) -> float:
    return max(scene.part.familiarity(shape), scene.outlook.excuse(shape))


def soft_of(process: Process, kind: str, listens: str) -> dict[str, str]:
    """The attributes that tip the scale."""
    parent = (
        process.parent.role
        if process.parent is not None
        else ("init" if process.above in {"0", "1"} else "none")
    )
    return {"parent": parent, "net": kind, "listens": listens}


def weigh(mark: str, behind: str, state: BehaviourState, part: BehaviourPart, count: int) -> float:
    """Nats over the threshold of one mark on this host."""
    evidence = MARKS[mark]
    name = tally(mark, behind)
    prior = evidence.rate if name == mark or evidence.operated is None else evidence.operated
    normal = rate(
        prior,
        fleet=part.marks.get(name, 0),
        fleet_days=part.days,
        host=state.marks.get(name, 0),
        host_days=count / DAY,
    )
    return nats(evidence.seen, normal)


def contacts_of(process: Process, net: Wires) -> frozenset[int]:
    """Fingerprints of its contacts, of the ports it uses, and of its doors."""
    peers, doors = net.outgoing.get(process.pid), net.doors.get(process.pid)
    if not peers and not doors:
        return frozenset()
    program = program_of(process)
    found = {door(program, min(port, EPHEMERAL)) for port in doors or ()}
    for peer in peers or ():
        found.add(contact(program, peer.address, peer.port))
        found.add(contact(program, "", peer.port))
    return frozenset(found)


def _crowds(counted: Counter[str], scene: _Scene) -> tuple[Crowd, ...]:
    found = []
    for name, now in sorted(item for item in counted.items() if item[1] >= _CROWD):
        before = scene.state.crowds.get(name, 0)
        limit = max(_CROWD, _CROWD_TIMES * before)
        if now >= limit:
            score = weigh("crowd", "init", scene.state, scene.part, scene.learned)
            found.append(Crowd(name, now, before, score + 1.0 + log(now / limit)))
    return tuple(found)
