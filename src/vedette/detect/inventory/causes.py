"""What happens on a host that may explain facts: who is at work, which lists change, which packages move."""

from collections.abc import Iterable

from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.atwork import (
    acts,
    asks_rights,
    awaited,
    in_session,
    managing_run,
    may_be_managed,
    person_is_here,
    somebody_strays,
    someone_works,
)
from vedette.detect.inventory.excuses import ANY, EXPLAINED, LATE
from vedette.detect.inventory.kinds import EXPLAINING, Memory
from vedette.detect.inventory.reading import Reading
from vedette.detect.inventory.state import InventoryState
from vedette.detect.inventory.versions import Versions
from vedette.detect.upgrade import packages_brought
from vedette.detect.view import View

__all__ = ["acts_now", "at_work", "brought", "causes_now", "lists_now"]


def at_work(
    view: View, state: InventoryState, readings: dict[str, Reading], memory: Memory
) -> list[str]:
    """Who is here now (`person`), whether from where they always come (`familiar`), or works with root's rights; a managing tool.

    Sessions without a terminal, and tools, are looked for where it matters or shows by names.
    """
    networks = state.known.get("network", {}) if view.rows("logged_in_users") else {}
    found = []
    if person_is_here(view, memory.closed, networks):
        found = ["person", "familiar", *(["session"] if asks_rights(view) else [])]
    elif "hash" in readings and in_session(view, memory.closed):
        found = ["person"] if somebody_strays(view, networks) else ["person", "familiar"]
    changed = any(name in readings and not readings[name].first for name in _MANAGED)
    young = any(case.kind == "hash" and case.age <= LATE for case in state.open.values())
    if (changed or young or may_be_managed(view)) and managing_run(view):
        found.append("managed")
    return found


# Kinds that managing tools write, so that a change of one is worth the look for a tool's run.
_MANAGED = ("hash", "key", "user", "sudo", "unit.file", "cron", "suid")
_OF_ACTS = ("user", "key", "unit.file")  # kinds of which a change may be a part of one act


def acts_now(
    view: View, state: InventoryState, readings: dict[str, Reading], memory: Memory
) -> dict[str, int]:
    """What people or tools at work are making, by subject; it is asked only where something came that they may make."""
    if not any(name in readings and not readings[name].first for name in _OF_ACTS):
        return {}
    if not someone_works(view, memory.closed, state.known.get("network", {})):
        return {}
    known = state.known.get("user", {})
    made = [*acts(view, known), *_changed_keys(state, readings)]
    begun = awaited(view, known) if "user" in readings else ()
    return {f"fits {subject}": 0 for subject in made} | {f"begun {one}": 0 for one in begun}


def _changed_keys(state: InventoryState, readings: dict[str, Reading]) -> list[str]:
    """The subject of one key that came just as another of the account went: who changes a key leaves their number as it is.

    Only where all keys that were ever here still were, so that no old one makes up for a new one.
    """
    reading, known = readings.get("key"), state.known.get("key", {})
    if reading is None or reading.first or not reading.whole:
        return []
    held = {(key, value) for key, values in known.items() for value in values}
    came, gone = reading.facts.keys() - held, held - reading.facts.keys()
    if len(came) != 1 or len(gone) != 1 or state.lists.get("key") != _print(held):
        return []
    if {account for _, account in came} != {account for _, account in gone}:
        return []
    return [reading.facts[one].subject for one in came]


def lists_now(readings: dict[str, Reading], state: InventoryState) -> dict[str, int]:
    """A fingerprint of all facts of each kind that explains others; as the state has it where a kind was not read."""
    found = {
        name: _print(reading.facts)
        for name, reading in readings.items()
        if name in EXPLAINING and reading.whole
    }
    return state.lists | found


def _print(facts: Iterable[tuple[int, int]]) -> int:
    return fingerprint(*sorted(f"{key:x}:{value:x}" for key, value in facts))


def causes_now(state: InventoryState, lists: dict[str, int], versions: Versions) -> dict[str, int]:
    """By the snapshots since: changes of facts that explain others, and of followed packages."""
    aged = {name: age + 1 for name, age in state.causes.items() if age < EXPLAINED}
    new = [name for name, one in lists.items() if state.lists.get(name, one) != one]
    if versions is not state.versions:
        new += [f"{ANY}{name}" for name in _moved(versions, state.versions)]
    return aged | dict.fromkeys(new, 0)


_MOST_BROUGHT = 64  # packages in one snapshot whose names are kept; more are an upgrade of it all


def brought(view: View) -> list[str]:
    """The causes of packages that moved, by name; `ANY` where the names are not known or too many."""
    names = packages_brought(view)
    if names is None or len(names) > _MOST_BROUGHT:
        return [ANY]
    return [f"{ANY}{name}" for name in names]


def _moved(now: Versions, before: Versions) -> list[str]:
    names = set()
    for kind in now.keys() & before.keys():
        held, last = now[kind], before[kind]
        names |= {name for name in held.keys() | last.keys() if held.get(name) != last.get(name)}
    return sorted(names)
