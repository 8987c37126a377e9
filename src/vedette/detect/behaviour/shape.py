"""The shape of a process: its form and its context, as this host would recognise it again."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import SERVING, Form, form, launches
from vedette.detect.behaviour.sockets import Peer, Wires, contact, door
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number
from vedette.detect.lineage import lineage
from vedette.detect.place import known_hidden
from vedette.detect.ports import EPHEMERAL, WEB

__all__ = [
    "Contact",
    "Process",
    "account",
    "contact_of",
    "context",
    "doors_of",
    "form_of",
    "is_work",
    "processes",
    "program_of",
    "shape_of",
]

# Letters that are read, and so are remembered between snapshots: the system's own bounds, and a command's beginning.
_NAME, _PATH, _COMMAND = 256, 4_200, 4_000
# Letters of a row beyond which nothing made of it is remembered between snapshots: what any host may send must not fill
# the memory that all share.
_REMEMBERED = 1_024
_FAN = 5  # new peers at once that make a sweep
_NUMBERS = re.compile(r"\d+")


class Contact(NamedTuple):
    """How outgoing connections stand to what the program used so far.

    `kind` is no, known, moved (a known port
    elsewhere), new or fan; `fresh` are the new peers, `ports` those of them that are new as well.
    """

    kind: str
    fresh: tuple[Peer, ...] = ()
    ports: tuple[int, ...] = ()


class Process(NamedTuple):
    """One row with what the row alone says, its parent's form and user id (-1: not seen).

    `starter` is the parent, or what started it where the parent is but a shell or a tool that runs a project's code.
    """

    pid: str
    row: Row
    form: Form
    uid: int
    account: str
    parent: Form | None
    above: str
    above_uid: int = -1
    starter: Form | None = None

    @property
    def alone(self) -> bool:
        """Whether nothing but the first process, or what stands in for it, is above."""
        return self.parent is None or self.above in {"0", "1"} or self.parent.role == "init"


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def account(uid: int) -> str:
    """The class of a user id: root, service or user (containers map high ids: these are services too)."""
    if uid == 0:
        return "root"
    return "user" if 1000 <= uid < 60_000 else "service"


def form_of(row: Row) -> Form:
    """The form of a row whose cells may be of any type or missing."""
    path, command = _text(row.get("path"))[:_PATH], _text(row.get("cmdline"))[:_COMMAND]
    cwd = _text(row.get("cwd"))[:_PATH]
    short = len(path) + len(command) + len(cwd) <= _REMEMBERED
    read = form if short else form.__wrapped__
    return read(_text(row.get("name"))[:_NAME], path, command, cwd, number(row, "on_disk", 1))


def processes(
    rows: Mapping[str, Row], forms: Mapping[str, Form], pids: Iterable[str]
) -> list[Process]:
    """Those of these processes worth judging: no kernel threads, none caught while it ended."""
    found = []
    for pid in pids:
        row = rows[pid]
        above = _text(row.get("parent"))
        if not (row.get("path") or row.get("cmdline")):
            continue
        if not row.get("path") and (above == "2" or pid == "2"):
            continue
        uid = number(row, "uid", 65_534)
        found.append(_process(pid, row, uid, above, rows, forms))
    return found


def _process(
    pid: str, row: Row, uid: int, above: str, rows: Mapping[str, Row], forms: Mapping[str, Form]
) -> Process:
    parent = forms.get(above)
    if parent is None:
        return Process(pid, row, forms[pid], uid, account(uid), None, above)
    over = number(rows[above], "uid", -1)
    starter = _starter(above, rows, forms)
    return Process(pid, row, forms[pid], uid, account(uid), parent, above, over, starter)


def _starter(above: str, rows: Mapping[str, Row], forms: Mapping[str, Form]) -> Form:
    """The parent, or what started it where that is but a shell; where either is a tool that runs a project's code, whoever is above that."""
    parent = forms[above]
    starter = parent
    if parent.role == "shell":
        starter = forms.get(_text(rows[above].get("parent")), parent)
    if not launches(starter):
        return starter
    over = (forms[pid] for pid in lineage(above, rows))
    return next((one for one in over if one.role != "shell" and not launches(one)), starter)


def _is_short(seen: Form) -> bool:
    return len(seen.path) + len(seen.script) <= _REMEMBERED


@lru_cache(maxsize=16384)
def _shape(seen: Form, who: str, parent: str, more: tuple[str, ...]) -> int:
    path = _NUMBERS.sub("N", seen.path)
    return fingerprint(seen.name, path, seen.words, who, parent, seen.mode, *seen.marks, "|", *more)


def shape_of(process: Process, talk: Contact, doors: tuple[int, ...], more: tuple[str, ...]) -> int:
    """The fingerprint by which this host knows the process again.

    New ports are part of it: to have learned one new contact must not excuse the next.
    """
    if talk.fresh:
        more = (*more, talk.kind, *map(str, talk.ports[:_FAN]))
    if doors:
        more = (*more, "doors", *map(str, doors))
    parent = process.parent.base if process.parent is not None else "none"
    short = _is_short(process.form) and len(parent) <= _REMEMBERED
    return (_shape if short else _shape.__wrapped__)(process.form, process.account, parent, more)


def context(process: Process, rows: Mapping[str, Row], forms: Mapping[str, Form]) -> str:
    """Who is behind a process: work (people, builds, CI), cron, server, or init (a service of its own)."""
    shells = False
    for pid in lineage(process.above, rows):
        row, above = rows[pid], forms[pid]
        if above.role in {"sudo", "sshd"} or (above.role == "builder" and is_work(above, row)):
            return "work"
        if above.role in {"cron", "server"}:
            return above.role
        shells = shells or _of_people(above, row, forms)
    return "work" if shells else "init"


def is_work(builder: Form, row: Row) -> bool:
    """Whether a build tool's row says by itself that people or their jobs are at work.

    Services are run by such tools too (`npm start`, `uv run`): under a service's account it depends on who is above.
    """
    return not launches(builder) or account(number(row, "uid", 65_534)) != "service"


def _of_people(seen: Form, row: Row, forms: Mapping[str, Form]) -> bool:
    """Whether a process tells that people or their jobs are at work: their shells, desktops and tools' own servers.

    A shell that a server or a daemon was made to run is none of these.
    """
    uid = number(row, "uid", 65_534)
    if account(uid) == "user" and (seen.base == "systemd" or known_hidden(seen.path)):
        return True
    if seen.role != "shell" or account(uid) == "service":
        return False
    above = forms.get(_text(row.get("parent")))
    started_by_daemon = above is not None and above.role in SERVING
    return not (started_by_daemon and seen.mode in {"code", "interactive"})


_NO_CONTACT = Contact("no")
_KNOWN_CONTACT = Contact("known")


def contact_of(process: Process, net: Wires, state: BehaviourState) -> Contact:
    """Compares a process's outgoing connections with those its program is known for."""
    peers = net.outgoing.get(process.pid)
    if not peers:
        return _NO_CONTACT
    program = program_of(process)
    known = state.contacts
    fresh = [peer for peer in peers if contact(program, peer.address, peer.port) not in known]
    # The first snapshot is the baseline: nothing in it is new.
    if not fresh or not state.shapes:
        return _KNOWN_CONTACT
    ports = {peer.port for peer in fresh if contact(program, "", peer.port) not in known}
    wide = sum(1 for peer in fresh if peer.private or peer.port not in WEB) >= _FAN
    kind = "fan" if wide else "new" if ports else "moved"
    return Contact(kind, tuple(sorted(fresh)), tuple(sorted(ports)))


def program_of(process: Process) -> str:
    """The program by which contacts and doors are remembered: its path or script, without version numbers."""
    seen = process.form
    return (_program if _is_short(seen) else _program.__wrapped__)(seen, process.account)


@lru_cache(maxsize=8192)
def _program(seen: Form, who: str) -> str:
    return _NUMBERS.sub("N", f"{seen.name}\0{seen.script or seen.path}\0{who}")


def doors_of(process: Process, net: Wires, state: BehaviourState) -> tuple[int, ...]:
    """The ports it waits on that its program is not known for; ports handed out by chance count as one."""
    doors = net.doors.get(process.pid)
    if not doors or not state.shapes:
        return ()
    program = program_of(process)
    return tuple(
        sorted(
            port
            for port in {min(port, EPHEMERAL) for port in doors}
            if door(program, port) not in state.contacts
        )
    )
