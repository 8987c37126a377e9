"""Whom processes work for: the login, the job scheduler or the build tool above them.

What is found of a process is kept for those below it, so that a table of processes costs one look at each, however deep they lie.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form, launches
from vedette.detect.behaviour.scope import Forms
from vedette.detect.behaviour.trade import trade
from vedette.detect.session import session_of

__all__ = ["Masters", "Place", "works"]

# What a person's work goes on under, once they have left or at the console itself.
_STAYS = re.compile(r"^(?:tmux|screen|login|zellij|mosh-server)")
# What starts services under another account.
_SWITCHES = re.compile(r"^(?:su|sudo|doas|runuser|setpriv|gosu|su-exec|chpst|setuidgid)$")
_WAITS = re.compile(
    r"^(?:sleep|timeout|flock|vi|vim|view|nano|pico|joe|ed|emacs|mc|mcedit|man|watch|script|tmux|screen)(?:$|[.-])"
)
_DOES = frozenset(
    {"find", "xargs", "sort", "sed", "awk", "du", "tee"}
)  # of the tools to look with, what works for minutes
_FIRST = frozenset({"0", "1"})
_IDLE = frozenset({"sshd", "cron", "sudo", "init"})


class Place(NamedTuple):
    """Where a process stands: the uppermost `master` at or above it, the uppermost that works below that, both empty where there is none.

    `served` tells whether it works for the master, `of_services` whether it and all above it are such as start services.
    """

    master: str = ""
    worker: str = ""
    served: bool = False
    of_services: bool = True


_NOWHERE = Place()


class Masters:
    """The places of one snapshot's processes, by their ids."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self.forms = Forms(rows)
        self._rows = rows
        self._found: dict[str, Place] = {}

    def of(self, pid: str) -> Place:
        """Where the process stands. What goes round in a circle ends where it closes."""
        line: dict[str, None] = {}
        while pid not in self._found and pid not in line and pid in self._rows:
            line[pid] = None
            pid = str(self._rows[pid].get("parent"))
            if pid in _FIRST:
                break
        place = _NOWHERE if pid in _FIRST else self._found.get(pid, _NOWHERE)
        for one in reversed(line):
            place = self._found[one] = self._under(place, one)
        return place

    def _under(self, above: Place, pid: str) -> Place:
        seen = self.forms[pid]
        of_services = above.of_services and _starts_services(seen)
        if above.master:
            worker = above.worker or (pid if works(seen) else "")
            return Place(above.master, worker, served=True, of_services=of_services)
        if seen.role == "builder" and not (launches(seen) and above.of_services):
            return Place(pid, served=True, of_services=of_services)
        leads = self._leads(pid, seen)
        return Place(pid if leads else "", of_services=of_services)

    def _leads(self, pid: str, seen: Form) -> bool:
        """Whether it is a session or a scheduler: what is below it works for it, and it does not by itself."""
        if seen.role == "sshd":
            return bool(session_of(str(self._rows[pid].get("cmdline") or "")))
        return seen.role == "cron" or (seen.role == "sudo" and _STAYS.match(seen.base) is not None)


def _starts_services(seen: Form) -> bool:
    """Whether it is of what services are started by: shells, build tools, keepers of services, changes of the account. A person's own systemd is none."""
    if seen.role == "init":
        return seen.base != "systemd"
    return seen.role == "shell" or launches(seen) or _SWITCHES.match(seen.base) is not None


def works(seen: Form) -> bool:
    """Whether it does something by itself, as neither a shell that waits does nor what one looks and writes with."""
    if seen.role in _IDLE or _WAITS.match(seen.base):
        return False
    if seen.role == "shell":
        return seen.mode in {"script", "code"}
    return trade(seen) != "look" or seen.base in _DOES
