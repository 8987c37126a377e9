"""Programs that go by another's name: a title that is not their own, none at all, or a name that another program bears."""

import re
from itertools import islice, takewhile

from vedette.detect.behaviour.age import Family
from vedette.detect.behaviour.bearers import PROGRAMS
from vedette.detect.behaviour.form import Form, goes_by, is_native, is_shell, runs_code
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.trade import is_container, trade
from vedette.detect.inventory.fact import text
from vedette.detect.lineage import lineage
from vedette.detect.place import place

__all__ = ["is_posed", "is_twin", "names_its_script"]

_ASIDE = frozenset({"local", "app", "home", "roothome", "other"})
# A whole installation has a tree of its own, with a directory for programs in it.
_OWN_TREE = re.compile(r"^/(?:usr/local|opt|srv|app|var/lib|home/[^/]+)/[^/]+/(?:[^/]+/)*s?bin/")
_FILLERS = frozenset({"sleep", "yes", "true", "timeout", "env", "nohup"})
# One program for many commands is called by theirs, and refuses names that are none of them.
_MANY = frozenset({"busybox", "toybox", "coreutils"})
_ABOVE = 8  # processes that are looked through for a container's keeper


def is_posed(process: Process) -> bool:
    """Whether it goes by the name of a part of the system, as by `exec -a`: a tool or a shell, or any program that lies aside."""
    seen = process.form
    words = text(process.row, "cmdline").split(maxsplit=1)
    if not words:
        return False
    claimed = goes_by(words[0])
    if _is_tool(seen) and claimed != seen.base and is_native(claimed):
        return True
    anothers = _is_anothers(claimed, seen.base) and _is_of_the_system(words[0])
    return anothers and _may_claim_nothing(seen)


def _is_tool(seen: Form) -> bool:
    """Whether it is a tool for people or a shell, which no part of the system is called by."""
    if seen.base in _MANY:
        return False
    return seen.role == "shell" or bool(trade(seen)) or seen.base in _FILLERS


def _may_claim_nothing(seen: Form) -> bool:
    """Whether it lies aside, so that no title of the system's is its own. Scripts bear theirs, and BusyBox is a whole system of tools."""
    if place(seen.path) not in _ASIDE or seen.base == "busybox":
        return False
    return is_shell(seen.base) or not runs_code(seen.base)


def _is_anothers(claimed: str, base: str) -> bool:
    """Whether a name is neither the program's own nor one of a version of it. Short names begin many others."""
    return not base.startswith(claimed) and not (len(base) > 2 and claimed.startswith(base))


def _is_of_the_system(first: str) -> bool:
    """Whether the first word of a command is how a part of the system is called, or a shell at login."""
    claimed = goes_by(first)
    if is_shell(claimed):
        return first.startswith("-")
    return is_native(claimed) or (first.startswith("/") and place(first) == "system")


def names_its_script(process: Process) -> bool:
    """Whether an interpreter is called by the script that the one above it runs: daemons in Perl title their workers so."""
    seen, above = process.form, process.parent
    if above is None or not above.script or above.base != seen.base:
        return False
    return seen.shown.split(maxsplit=1)[:1] == [above.script]


def is_twin(process: Process, family: Family) -> bool:
    """Whether a program lies aside and bears the name of one that runs from the system's own place at the same time.

    A program that was replaced no longer runs, so this is none. Containers bring their own, who builds one by hand gives it a
    tree of its own, and interpreters and shells have versions side by side.
    """
    seen = process.form
    if seen.role == "builder" or runs_code(seen.base) or len(seen.base) < 3:
        return False
    others = family.bearers.of(seen.base) - {process.pid}
    if not others or not _lies_aside(seen):
        return False
    line = _above(process, family)
    return not others <= _own(line, others, seen.base) and not any(map(is_container, line.values()))


def _lies_aside(seen: Form) -> bool:
    where = place(seen.path)
    if where in _ASIDE:
        return not _OWN_TREE.match(seen.path)
    return (
        where == "system" and not seen.path.startswith("/snap/") and not PROGRAMS.match(seen.path)
    )


def _above(process: Process, family: Family) -> dict[str, Form]:
    """The processes above it and their forms, the nearest first."""
    above = islice(lineage(process.above, family.rows), _ABOVE)
    return {pid: family.forms[pid] for pid in above}


def _own(line: dict[str, Form], others: frozenset[str], name: str) -> set[str]:
    """Those right above it that bear the name: a program's parts, and what its wrapper starts, are called like it."""
    return set(takewhile(lambda pid: pid in others or line[pid].base == name, line))
