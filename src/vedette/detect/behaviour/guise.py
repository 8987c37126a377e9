"""Programs that go by another's name: a title that is not their own, none at all, or a name that another program bears."""

import re
from itertools import takewhile

from vedette.detect.behaviour.age import Family
from vedette.detect.behaviour.bearers import PROGRAMS
from vedette.detect.behaviour.form import Form, goes_by, is_native, runs_code
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.trade import is_container, trade
from vedette.detect.place import place

__all__ = ["is_disguised", "is_twin", "names_its_script"]

_ASIDE = frozenset({"local", "app", "home", "roothome", "other"})
# A whole installation has a tree of its own, with a directory for programs in it.
_OWN_TREE = re.compile(r"^/(?:usr/local|opt|srv|app|var/lib|home/[^/]+)/[^/]+/(?:[^/]+/)*s?bin/")
_FILLERS = frozenset({"sleep", "yes", "true", "timeout", "env", "nohup"})
# One program for many commands is called by theirs, and refuses names that are none of them.
_MANY = frozenset({"busybox", "toybox", "coreutils"})
_ABOVE = 8  # processes that are looked through for a container's keeper


def is_disguised(process: Process) -> bool:
    """Whether a tool or a shell goes by the name of a part of the system, as by `exec -a`."""
    seen = process.form
    if seen.base in _MANY:
        return False
    if seen.role != "shell" and not trade(seen) and seen.base not in _FILLERS:
        return False
    words = seen.shown.split(maxsplit=1)
    claimed = goes_by(words[0]) if words else seen.base
    return claimed != seen.base and is_native(claimed)


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
    line: dict[str, Form] = {}
    above = process.above
    while len(line) < _ABOVE and above in family.rows and above not in line:
        line[above] = family.forms[above]
        above = str(family.rows[above].get("parent"))
    return line


def _own(line: dict[str, Form], others: frozenset[str], name: str) -> set[str]:
    """Those right above it that bear the name: a program's parts, and what its wrapper starts, are called like it."""
    return set(takewhile(lambda pid: pid in others or line[pid].base == name, line))
