"""The shape of a process: its form and its context, as this host would recognise it again."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form, form
from vedette.detect.behaviour.sockets import Peer, Wires, contact, door
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number

__all__ = [
    "EPHEMERAL",
    "Contact",
    "Process",
    "account",
    "contact_of",
    "context",
    "doors_of",
    "form_of",
    "marks_of",
    "processes",
    "program_of",
    "shape_of",
]

_WEB = frozenset({80, 443, 8080, 8443})
EPHEMERAL = 32_768  # where Linux begins to hand out ports by itself
# Letters that are read, and so are remembered between snapshots: the system's own bounds, and a command's beginning.
_NAME, _PATH, _COMMAND = 256, 4_200, 4_000
# Letters of a row beyond which nothing made of it is remembered between snapshots: what any host may send must not fill
# the memory that all share.
_REMEMBERED = 1_024
_FAN = 5  # new peers at once that make a sweep
_NUMBERS = re.compile(r"\d+")
_BAD_PORTS = frozenset(
    {
        1337,
        3333,
        4242,
        4444,
        4445,
        5555,
        6666,
        6667,
        6697,
        7777,
        9001,
        9999,
        12345,
        13337,
        14444,
        31337,
        45560,
    }
)
_QUIET_PORTS = frozenset({22, 25, 53, 80, 123, 443, 587})
_SETTLED = (
    600.0  # seconds a service must run before a new contact of it is odd: a deploy brings its own
)


class Contact(NamedTuple):
    """How outgoing connections stand to what the program used so far.

    `kind` is no, known, moved (a known port
    elsewhere), new or fan; `fresh` are the new peers, `ports` those of them that are new as well.
    """

    kind: str
    fresh: tuple[Peer, ...] = ()
    ports: tuple[int, ...] = ()


class Process(NamedTuple):
    """One row with what the row alone says, and its parent's form."""

    pid: str
    row: Row
    form: Form
    uid: int
    account: str
    parent: Form | None
    above: str


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
        found.append(Process(pid, row, forms[pid], uid, account(uid), forms.get(above), above))
    return found


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
    pid, shells = process.above, False
    for _ in range(12):
        row = rows.get(pid)
        if row is None:
            break
        above = forms[pid]
        if above.role in {"sudo", "builder"}:
            return "work"
        if above.role == "sshd":
            return "work"
        if above.role in {"cron", "server"}:
            return above.role
        shells = shells or (
            above.role == "shell" and account(number(row, "uid", 65_534)) != "service"
        )
        following = _text(row.get("parent"))
        if following == pid:
            break
        pid = following
    return "work" if shells else "init"


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
    wide = sum(1 for peer in fresh if peer.private or peer.port not in _WEB) >= _FAN
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


def marks_of(
    process: Process,
    behind: str,
    talk: Contact,
    flags: tuple[str, ...],
    state: BehaviourState,
    now: float,
) -> tuple[str, ...]:
    """All marks of a process: those of its form, and those of its context."""
    seen = process.form
    marks = list(seen.marks)
    if "locked" in flags and process.account == "service" and seen.mode in {"interactive", "login"}:
        marks.append("nologin")
    marks += [flag for flag in flags if flag != "locked"]
    marks += _served(process, behind)
    if talk.kind == "fan":
        marks.append("fan")
    if talk.fresh and seen.mode == "code" and seen.role == "interpreter":
        marks.append("coded")
    if any(peer.port in _BAD_PORTS for peer in talk.fresh):
        marks.append("badport")
    if talk.kind == "new" and _talks_anew(process, behind, talk, state, now):
        marks.append("talk")
    return tuple(dict.fromkeys(marks))


def _served(process: Process, behind: str) -> list[str]:
    """A shell, or commands to look around, of a service's account under that service itself."""
    parent = process.parent
    if parent is None or process.account != "service" or behind in {"cron", "work"}:
        return []
    found = []
    if process.form.deed == "recon":
        found.append("service.recon")
    above = parent.role in {"server", "interpreter", "other"}
    if process.form.role == "shell" and process.form.mode in {"code", "interactive"} and above:
        found.append("database.shell" if parent.database else "service.shell")
    return found


def _talks_anew(
    process: Process, behind: str, talk: Contact, state: BehaviourState, now: float
) -> bool:
    started = number(process.row, "start_time", 0)
    return (
        behind in {"init", "server"}
        and process.form.role in {"server", "interpreter", "other"}
        and fingerprint(program_of(process)) in state.programs
        and now - started > _SETTLED
        and any(port not in _QUIET_PORTS for port in talk.ports)
    )
