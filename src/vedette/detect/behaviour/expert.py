"""The behaviour expert: surprise of a process this host never ran, and of services that stopped."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from vedette.detect.behaviour.age import remember_versions
from vedette.detect.behaviour.faulty import told_of
from vedette.detect.behaviour.hostile import GONE, MARKS, tally
from vedette.detect.behaviour.locked import locked_accounts
from vedette.detect.behaviour.look import (
    Crowd,
    Look,
    Novel,
    Read,
    look,
    program_print,
)
from vedette.detect.behaviour.naming import subject_of
from vedette.detect.behaviour.part import BehaviourPart
from vedette.detect.behaviour.recent import Kind, Recent, remember
from vedette.detect.behaviour.scope import wire_of
from vedette.detect.behaviour.services import service_of, service_print
from vedette.detect.behaviour.shape import program_of
from vedette.detect.behaviour.sockets import contact
from vedette.detect.behaviour.state import BehaviourState, Resident, Unlearned
from vedette.detect.behaviour.succession import ports_after, remember_leads
from vedette.detect.behaviour.traffic import usual
from vedette.detect.case import Case
from vedette.detect.knowledge import Tells
from vedette.detect.odds import WORTH_TELLING
from vedette.detect.pardon import Heard
from vedette.detect.upgrade import packages_now
from vedette.detect.view import View

__all__ = ["BehaviourExpert"]

_LOUD_LEARNED = 1_440  # snapshots until a loud process that nobody minded is usual
_QUIET = -1.0  # nats under which a new shape is learned at sight
_QUIET_LEARNED = (
    60  # snapshots until a quiet one that stays is learned under an alarm about something else
)
_ALSO = 2  # further marks that are told
_MOST_CASES = 60
_MOST_SHAPES = 1_500
_MOST_CONTACTS = _MOST_SHAPES
_MOST_UNLEARNED = 300
_MOST_RESIDENTS = 100
_FORGET_RESIDENT = 60  # snapshots until a stopped service is no longer missed
_MOST_CROWDS = 100
_SMALL_CROWD = 5
_CROWD_EVERY = 60  # snapshots


class BehaviourExpert:
    """Judges processes by place, name, command, parent, account and sockets.

    `part` is what `fit` made (None or empty: the reviewed priors alone).
    """

    name = "behaviour"

    def __init__(self, part: Any = None) -> None:
        self._part = BehaviourPart.load(part or {})
        self._looks: dict[int, tuple[View, BehaviourState, Look]] = {}

    def fresh(self) -> BehaviourState:
        """The state of a host that nobody has seen yet."""
        return BehaviourState()

    def judge(
        self, views: Sequence[View], states: Sequence[BehaviourState]
    ) -> list[tuple[Case, ...]]:
        """One case per program that runs in a new way; the strongest of each subject, strongest first."""
        self._looks.clear()
        known = [at for at, view in enumerate(views) if view.count and states[at].shapes]
        self._look([views[at] for at in known], [states[at] for at in known])
        return [self._judge(view, state) for view, state in zip(views, states, strict=True)]

    def _judge(self, view: View, state: BehaviourState) -> tuple[Case, ...]:
        if view.count == 0 or not state.shapes:
            return ()
        seen = self.look(view, state)
        told = [self._novel(novel) for novel in seen.novel.values() if novel.nats > WORTH_TELLING]
        told += [self._crowd(crowd, view) for crowd in seen.crowds]
        told += [
            self._gone(name, resident, score) for name, resident, score in seen.services.missing
        ]
        told += told_of(seen.faults, view, state)
        best: dict[str, Case] = {}
        for case in sorted(told, key=lambda case: (-case.nats, case.subject, case.text)):
            best.setdefault(case.subject, case)
        return tuple(best.values())[:_MOST_CASES]

    def doubts(self, _view: View, _state: BehaviourState) -> tuple[tuple[str, str], ...]:
        """None: what this expert can't see is told by the tables."""
        return ()

    def learn(
        self, views: Sequence[View], states: Sequence[BehaviourState], alarms: Sequence[bool]
    ) -> list[BehaviourState]:
        """Takes over what is quiet when there is no alarm; what is loud waits for 1,440 snapshots."""
        after = [
            self._learn(view, state, alarm=alarm)
            for view, state, alarm in zip(views, states, alarms, strict=True)
        ]
        self._looks.clear()
        return after

    def _learn(self, view: View, state: BehaviourState, *, alarm: bool) -> BehaviourState:
        if "processes" not in view.seen:
            # These tables may come by digest from now on, so what they said now must not be missed.
            state.locked = locked_accounts(view, state)
            state.package_tables = packages_now(view, state.package_tables)
            return state
        seen = self.look(view, state)
        first = view.count == 0 or not state.shapes
        count = view.count
        state.shapes.touch(seen.usual, count)
        state.contacts.touch(seen.used, count)
        state.unlearned = {
            shape: state.unlearned[shape] for shape in state.unlearned if shape in seen.novel
        }
        for shape, novel in sorted(seen.novel.items()):
            _learn_shape(
                state,
                shape,
                novel,
                seen,
                count,
                learned=first
                or (not alarm and novel.nats < _QUIET)
                or view.pardons(subject_of(novel.process.form, novel.process.uid), shape),
                first=first,
                condemned=view.heard.condemns(subject_of(novel.process.form, novel.process.uid)),
            )
        if not alarm or first:
            _learn_rest(state, seen, count, first=first)
        _watch(state, seen, view)
        state.growth, state.restarts = seen.faults.growth, seen.faults.restarts
        state.heights, state.burn = seen.faults.heights, seen.faults.burn
        state.deaf = seen.faults.deaf
        if seen.since_package == 0 or not state.packaged:
            state.packaged = view.snapshot.taken_at.timestamp()
        state.ports = ports_after(state, view)
        if not alarm:
            state.sent = usual(state.sent, view)
        _forget(state, seen, count)
        state.recent = _remembered(state, seen, view)
        _hear(state, seen, view.heard)
        state.locked = seen.locked
        state.package_tables = seen.packages
        state.since_package = min(seen.since_package, 1_000)
        state.boot = (
            max(state.boot, view.snapshot.host.boot_time) if seen.since_boot == 0 else state.boot
        )
        state.since_boot = 1_000 if first else min(seen.since_boot, 1_000)
        return state

    def tells(self, state: BehaviourState) -> Tells:
        """Every shape that was learned as normal."""
        return Tells(state.shapes)

    def dump(self, state: BehaviourState) -> Any:
        """The state as one MessagePack byte string."""
        return state.dump()

    def load(self, raw: Any) -> BehaviourState:
        """Raises ValueError or TypeError when it is not a dumped state."""
        return BehaviourState.load(raw)

    def look(self, view: View, state: BehaviourState) -> Look:
        """What the view says to this state; judging and learning one snapshot read it once."""
        held = self._looks.get(id(view))
        if held is not None and held[0] is view and held[1] is state:
            return held[2]
        (seen,) = self._look([view], [state])
        return seen

    def _look(self, views: Sequence[View], states: Sequence[BehaviourState]) -> list[Look]:
        found = look(views, states, self._part)
        for view, state, seen in zip(views, states, found, strict=True):
            self._looks[id(view)] = view, state, seen
        return found

    def _novel(self, novel: Novel) -> Case:
        process, evidence = novel.process, MARKS[novel.mark]
        seen = process.form
        parent = process.parent.base if process.parent is not None else "the first process"
        who = f"started by {parent}, as user id {process.uid}"
        thing = seen.script or seen.path or seen.name
        what = f"{thing} (pid {process.pid}), {who}"
        peers = ", ".join(f"{peer.address}:{peer.port}" for peer in novel.peers[:4])
        if len(novel.peers) > 4:
            peers += f" and {len(novel.peers) - 4} more"
        marked = seen.role == "shell" or seen.deed or novel.mark.startswith(("service", "database"))
        return Case(
            expert=self.name,
            subject=subject_of(novel.process.form, novel.process.uid),
            nats=novel.nats,
            text=evidence.text.format(shown=f"{seen.shown!r}, {what}" if marked else what)
            + (f"; it talks to {peers}" if peers else "")
            + "".join(f". {MARKS[one].text.split(':')[0]}" for one in novel.also[:_ALSO]),
            attack=(seen.attack if novel.mark == seen.deed else None) or evidence.attack,
            observed=f"{seen.shown} {who}" + (f", talking to {peers}" if peers else ""),
            expected="this program never ran like this on this host"
            + (", but does on others" if novel.excused else ""),
            since=datetime.fromtimestamp(novel.since, UTC),
            print=novel.shape,
            hard=evidence.hard,
        )

    def _crowd(self, crowd: Crowd, view: View) -> Case:
        shown = f"{crowd.now} of {crowd.name}"
        return Case(
            expert=self.name,
            subject=f"crowd:{crowd.name}",
            nats=crowd.nats,
            text=MARKS["crowd"].text.format(shown=shown),
            attack=MARKS["crowd"].attack,
            observed=f"{crowd.now} processes named {crowd.name}",
            expected=f"at most {crowd.before} at once so far",
            since=view.snapshot.taken_at,
        )

    def _gone(self, name: str, resident: Resident, score: float) -> Case:
        evidence = GONE["guard" if resident.guard else "service"]
        return Case(
            expert=self.name,
            subject=f"service:{resident.shown}",
            nats=score,
            text=evidence.text.format(shown=resident.shown),
            attack=evidence.attack,
            observed=f"no process of {name.rsplit(' ', 1)[0]} that runs",
            expected=f"it ran in each of {resident.seen} snapshots",
            since=datetime.fromtimestamp(resident.gone, UTC) if resident.gone else None,
        )


def _hear(state: BehaviourState, seen: Look, heard: Heard) -> None:
    for crowd in seen.crowds:
        if heard.pardons(f"crowd:{crowd.name}"):
            state.crowds[crowd.name] = crowd.now
    for name, resident, _ in seen.services.missing:
        if heard.pardons(f"service:{resident.shown}"):
            state.residents.pop(name, None)


def _learn_shape(
    state: BehaviourState,
    shape: int,
    novel: Novel,
    seen: Look,
    count: int,
    *,
    learned: bool,
    first: bool,
    condemned: bool,
) -> None:
    held = state.unlearned.get(shape)
    age = held.age + 1 if held is not None else 1
    patience = _QUIET_LEARNED if novel.nats < _QUIET else _LOUD_LEARNED
    condemned = condemned or (held is not None and held.condemned)
    if not learned and (age < patience or condemned):
        if len(state.unlearned) < _MOST_UNLEARNED or held is not None:
            state.unlearned[shape] = Unlearned(
                novel.since, age, novel.nats, novel.excused, condemned
            )
        return
    state.unlearned.pop(shape, None)
    state.shapes.touch((shape,), count)
    state.contacts.touch(seen.fresh.get(shape, ()), count)
    if learned and not first:
        name = tally(novel.mark, novel.behind)
        state.marks[name] = state.marks.get(name, 0) + 1


def _learn_rest(state: BehaviourState, seen: Look, count: int, *, first: bool) -> None:
    for shape, contacts in seen.fresh.items():
        if shape in state.shapes:
            state.contacts.touch(contacts, count)
    state.programs.touch(seen.programs, count)
    for name, now in seen.counted.items():
        before = state.crowds.get(name, 0)
        if now >= _SMALL_CROWD and now > before and (first or count % _CROWD_EVERY == 0):
            # A quarter more an hour at most, or else a loop that starts gently teaches its own size.
            state.crowds[name] = now if first else min(now, max(10, before + 1 + before // 4))
    # A host whose programs never come in numbers still needs a mark that its crowds were looked at.
    state.crowds.setdefault("", 0)
    if len(state.crowds) > _MOST_CROWDS:
        kept = sorted(state.crowds.items(), key=lambda item: (item[0] != "", -item[1], item[0]))
        state.crowds = dict(kept[:_MOST_CROWDS])


def _watch(state: BehaviourState, seen: Look, view: View) -> None:
    now = view.snapshot.taken_at.timestamp()
    here = seen.services.here
    if "processes" in view.doubted:
        return
    for name, resident in list(state.residents.items()):
        if name in here:
            resident.seen += 1
            resident.missing, resident.gone = 0, 0.0
        else:
            resident.gone = resident.gone if resident.missing else now
            resident.missing += 1
            if resident.missing > (_FORGET_RESIDENT if resident.seen >= _FORGET_RESIDENT else 2):
                del state.residents[name]
    for name, (shown, guard) in sorted(here.items()):
        if name not in state.residents and len(state.residents) < _MOST_RESIDENTS:
            state.residents[name] = Resident(shown, guard, now, 1)
    remember_leads(state.residents, seen.services.leads, seen.net)
    before = now - (view.elapsed or 60.0) - 5.0
    remember_versions(state.residents, (one.process for one in seen.read), now=now, before=before)


def _forget(state: BehaviourState, seen: Look, count: int) -> None:
    """Makes room, and first brings up to date what was not read because it is all as it was."""
    if max(len(state.shapes), len(state.programs), len(state.contacts)) <= _MOST_SHAPES:
        return
    kinds = {kind for _, kind in seen.scope.kept}
    if len(state.shapes) > _MOST_SHAPES:
        state.shapes.touch({kind.shape for kind in kinds if kind.shape}, count)
        state.shapes.trim(_MOST_SHAPES)
    if len(state.programs) > _MOST_SHAPES:
        state.programs.touch({kind.program for kind in kinds if kind.program}, count)
        state.programs.trim(_MOST_SHAPES)
    if len(state.contacts) > _MOST_CONTACTS:
        used = {one for _, pair in seen.scope.kept_wires for one in pair if one}
        state.contacts.touch(used, count)
        state.contacts.trim(_MOST_CONTACTS)


def _remembered(state: BehaviourState, seen: Look, view: View) -> Recent:
    """All rows that are usual now, with all they have to do with."""
    within, rows = seen.scope, view.by_pid
    if within.still:
        return state.recent
    told = {one.process.pid: one for one in seen.read}
    entries, wires = list(within.kept), list(within.kept_wires)
    for pid in within.read if within.ids else ():
        one = told.get(pid)
        if one is None or _is_usual(one, state, seen):
            orphan = str(rows[pid].get("parent")) not in rows
            entries.append((within.ids[pid], _kind(one, orphan=orphan)))
            wires += _wires(one, seen) if one is not None else ()
    ports = {row.get("port") for row in view.rows("listening_ports")}
    # A truth value is an int to Python, but what is packed here is read back as whole numbers alone.
    numbers = (port for port in ports if type(port) is int and 0 < port < 2**16)
    return remember(within.around, entries, wires, numbers)


def _is_usual(one: Read, state: BehaviourState, seen: Look) -> bool:
    wired = one.process.form.role == "shell" and seen.net.ends.get(one.process.pid)
    if wired or not one.plain or one.shape not in state.shapes:
        return False
    return not one.contacts or all(state.contacts.holds(one.contacts))


def _kind(one: Read | None, *, orphan: bool) -> Kind:
    if one is None:  # a kernel thread, or caught while it ended
        return Kind(orphan=orphan)
    service, shell = service_print(service_of(one.process)), one.process.form.role == "shell"
    return Kind(one.shape, program_print(one.process), service, orphan=orphan, shell=shell)


def _wires(one: Read, seen: Look) -> Iterator[tuple[int, tuple[int, int]]]:
    """Whom a usual process talks to, with the fingerprints of these contacts."""
    pid = one.process.pid
    peers = seen.net.outgoing.get(pid)
    if not peers:
        return
    program = program_of(one.process)
    for peer in peers:
        known = contact(program, peer.address, peer.port), contact(program, "", peer.port)
        yield wire_of(pid, peer), known
