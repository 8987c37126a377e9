"""Programs that go by another's name: a title that is not their own, none at all, or a name that another program bears."""

import re

from vedette.detect.behaviour.age import Family
from vedette.detect.behaviour.form import Form, goes_by, is_native
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.trade import is_container, trade
from vedette.detect.place import place

__all__ = ["is_disguised", "is_twin"]

_ASIDE = frozenset({"local", "app", "home", "roothome", "other"})
_PROGRAMS = re.compile(r"^(?:/usr)?/s?bin/|^/usr/lib/(?:[\w.-]+/)*s?bin/")
# A whole installation has a tree of its own, with a directory for programs in it.
_OWN_TREE = re.compile(r"^/(?:usr/local|opt|srv|app|home/[^/]+)/[^/]+/(?:[^/]+/)*s?bin/")
_FILLERS = frozenset({"sleep", "yes", "true", "timeout", "env", "nohup"})
_ABOVE = 8  # processes that are looked through for a container's keeper


def is_disguised(process: Process) -> bool:
    """Whether a tool or a shell goes by the name of a part of the system, as by `exec -a`."""
    seen = process.form
    if seen.role != "shell" and not trade(seen) and seen.base not in _FILLERS:
        return False
    words = seen.shown.split(maxsplit=1)
    claimed = goes_by(words[0]) if words else seen.base
    return claimed != seen.base and is_native(claimed)


def is_twin(process: Process, family: Family) -> bool:
    """Whether a program lies aside and bears the name of one that runs from the system's own place at the same time.

    A program that was replaced no longer runs, so this is none. Containers bring their own, who builds one by hand gives it a
    tree of its own, and interpreters and shells have versions side by side.
    """
    seen = process.form
    if (
        seen.role in {"interpreter", "shell", "builder"}
        or len(seen.base) < 3
        or not _lies_aside(seen)
    ):
        return False
    ending = f"/{seen.base}"
    return any(
        pid != process.pid
        and _is_the_system_s(str(row.get("path")), str(row.get("cmdline")), ending)
        for pid, row in family.rows.items()
    ) and not _is_contained(process, family)


def _lies_aside(seen: Form) -> bool:
    where = place(seen.path)
    if where in _ASIDE:
        return not _OWN_TREE.match(seen.path)
    return (
        where == "system" and not seen.path.startswith("/snap/") and not _PROGRAMS.match(seen.path)
    )


def _is_the_system_s(path: str, command: str, ending: str) -> bool:
    """Whether the row is of a program of that name, or of a script of it, in the system's own place."""
    if path.endswith(ending):
        return _PROGRAMS.match(path) is not None
    if ending not in command:
        return False
    words = command.split(maxsplit=2)
    return len(words) > 1 and words[1].endswith(ending) and _PROGRAMS.match(words[1]) is not None


def _is_contained(process: Process, family: Family) -> bool:
    above = process.above
    for _ in range(_ABOVE):
        row, form = family.rows.get(above), family.forms.get(above)
        if row is None or form is None:
            return False
        if is_container(form):
            return True
        above = str(row.get("parent"))
    return False
