"""Operational faults in words."""

from datetime import UTC, datetime

from vedette.detect.behaviour.burning import Burning
from vedette.detect.behaviour.faults import Faults, Loop, Pile
from vedette.detect.behaviour.growth import Growing
from vedette.detect.behaviour.hostile import GROWTH, PILES
from vedette.detect.behaviour.naming import subject_of_program
from vedette.detect.behaviour.shape import form_of
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.case import Case
from vedette.detect.odds import WORTH_TELLING
from vedette.detect.view import View

__all__ = ["told_of"]

_EXPERT = "behaviour"
_AFTER_START = 15  # snapshots after a start of the machine in which everything grows
_UNITS = {
    "memory": " MiB",
    "threads": " threads",
    "sockets": " connections",
    "copies": " processes",
}


def told_of(found: Faults, view: View, state: BehaviourState) -> list[Case]:
    """One case for each fault."""
    cases = [
        _knocks(pile) if pile.kind == "knocks" else _pile(pile, view, state) for pile in found.piles
    ]
    if state.since_boot >= _AFTER_START:
        cases += [_growing(one, pid, view) for one, pid in found.growing]
        cases += [_burning(one, view) for one in found.burning]
        cases += [_loop(loop, state) for loop in found.loops]
    return [case for case in cases if case.nats > WORTH_TELLING]


def _growing(one: Growing, pid: str, view: View) -> Case:
    seen = form_of(view.by_pid[pid])
    thing = seen.script or seen.path or seen.name
    unit = _UNITS[one.measure]
    evidence = GROWTH[one.measure]
    shown = f"{thing} (pid {pid}) has {one.now:.0f}{unit}, usually at most {one.before:.0f}"
    return Case(
        expert=_EXPERT,
        subject=subject_of_program(seen),
        nats=one.nats,
        text=evidence.text.format(shown=shown),
        observed=f"{one.now:.0f}{unit}, more with each look",
        expected=f"at most {one.before:.0f}{unit}",
    )


def _burning(one: Burning, view: View) -> Case:
    seen = form_of(view.by_pid[one.pid])
    thing = seen.script or seen.path or seen.name
    evidence = PILES["burn"]
    now, before = _processors(one.now), _processors(one.before)
    shown = (
        f"{thing} (pid {one.pid}) takes {now}, {100.0 * one.part:.0f} percent of what all processes take;"
        f" in its life it took {before}"
    )
    return Case(
        expert=_EXPERT,
        subject=subject_of_program(seen),
        nats=one.nats,
        text=evidence.text.format(shown=shown),
        attack=evidence.attack,
        observed=f"{now} in one look after another",
        expected=before,
    )


def _processors(many: float) -> str:
    if many >= 0.95:
        return "1 processor" if many < 1.05 else f"{many:.1f} processors"
    percent = 100.0 * many
    if percent < 0.1:
        return "next to nothing of a processor"
    return (
        f"{percent:.0f} percent of a processor"
        if percent >= 1.0
        else f"{percent:.1f} percent of a processor"
    )


def _pile(pile: Pile, view: View, state: BehaviourState) -> Case:
    evidence = PILES[pile.kind]
    since = state.heights.get(pile.kind, (0, 0.0))[1]
    return Case(
        expert=_EXPERT,
        subject=f"crowd:{pile.name}" if pile.kind == "zombies" else f"{pile.kind}:{pile.name}",
        nats=pile.nats,
        text=evidence.text.format(
            shown=f"{pile.now} now, most of {pile.name}; never more than {pile.most} before"
        ),
        attack=evidence.attack,
        observed=f"{pile.now} at once",
        expected=f"at most {pile.most}",
        since=datetime.fromtimestamp(since, UTC) if since else view.snapshot.taken_at,
    )


def _knocks(pile: Pile) -> Case:
    evidence = PILES["knocks"]
    return Case(
        expert=_EXPERT,
        subject=f"logins:{pile.name}",
        nats=pile.nats,
        text=evidence.text.format(
            shown=f"several new ones of {pile.name} under way in each of {pile.now} looks in a row"
        ),
        attack=evidence.attack,
        observed=f"in {pile.now} looks in a row",
        expected=f"in at most {max(pile.most, 1)} in a row",
    )


def _loop(loop: Loop, state: BehaviourState) -> Case:
    evidence = PILES["loop"]
    resident = state.residents.get(loop.service)
    shown = resident.shown if resident is not None else loop.service.split(" ", maxsplit=1)[0]
    return Case(
        expert=_EXPERT,
        subject=f"service:{shown}",
        nats=loop.nats,
        text=evidence.text.format(shown=shown),
        observed="started anew in one look after another",
        expected="it runs on",
    )
