"""Who bears which name: the processes of programs, and of scripts, that lie in the system's own place."""

import re
from collections.abc import Mapping
from functools import cached_property

from vedette.core import Row

__all__ = ["PROGRAMS", "Bearers"]

PROGRAMS = re.compile(r"^(?:/usr)?/s?bin/|^/usr/lib/(?:[\w.-]+/)*s?bin/")
_NOBODY: frozenset[str] = frozenset()


class Bearers:
    """The ids of such processes by the name. All rows are looked through once, when the first is asked for."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = rows

    def of(self, name: str) -> frozenset[str]:
        """The ids of those that bear the name."""
        return self._by_name.get(name, _NOBODY)

    @cached_property
    def _by_name(self) -> dict[str, frozenset[str]]:
        found: dict[str, set[str]] = {}
        for pid, row in self._rows.items():
            words = str(row.get("cmdline")).split(maxsplit=2)
            for thing in (str(row.get("path")), *words[1:2]):
                if PROGRAMS.match(thing):
                    found.setdefault(thing.rsplit("/", 1)[-1], set()).add(pid)
        return {name: frozenset(pids) for name, pids in found.items()}
