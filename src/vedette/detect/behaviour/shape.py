"""The shape of a process: its form and its context, as this host would recognise it again."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form, form
from vedette.detect.behaviour.sockets import Peer, Wires, contact, door
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number

__all__ = [
    "Process",
    "account",
    "context",
    "form_of",
    "listens_of",
    "marks_of",
    "net_of",
    "processes",
    "program_of",
    "shape_of",
]

_WEB = frozenset({80, 443, 8080, 8443})
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
    return form(
        _text(row.get("name")),
        _text(row.get("path")),
        _text(row.get("cmdline")),
        _text(row.get("cwd")),
        number(row, "on_disk", 1),
    )


def processes(rows: Mapping[str, Row]) -> list[Process]:
    """The processes worth judging: no kernel threads, none caught while it ended."""
    forms = {pid: form_of(row) for pid, row in rows.items()}
    found = []
    for pid, row in rows.items():
        above = _text(row.get("parent"))
        if not (row.get("path") or row.get("cmdline")):
            continue
        if not row.get("path") and (above == "2" or pid == "2"):
            continue
        uid = number(row, "uid", 65_534)
        found.append(Process(pid, row, forms[pid], uid, account(uid), forms.get(above), above))
    return found


@lru_cache(maxsize=16384)
def _shape(seen: Form, who: str, parent: str, net: str, listens: str, more: tuple[str, ...]) -> int:
    path = _NUMBERS.sub("N", seen.path)
    return fingerprint(
        seen.name, path, seen.words, who, parent, net, listens, seen.mode, *seen.marks, "|", *more
    )


def shape_of(process: Process, net: str, listens: str, more: tuple[str, ...]) -> int:
    """The fingerprint by which this host knows the process again."""
    parent = process.parent.base if process.parent is not None else "none"
    return _shape(process.form, process.account, parent, net, listens, more)


def context(process: Process, rows: Mapping[str, Row]) -> str:
    """Who is behind a process: work (people, builds, CI), cron, server, or init (a service of its own)."""
    pid, shells = process.above, False
    for _ in range(12):
        row = rows.get(pid)
        if row is None:
            break
        above = form_of(row)
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


def net_of(process: Process, net: Wires, state: BehaviourState) -> tuple[str, list[Peer], bool]:
    """How its outgoing connections stand to what its program used so far: no, known, moved (a known port elsewhere),
    new or fan; with the peers that are new, and whether one of their ports is new as well."""
    peers = net.outgoing.get(process.pid)
    if not peers:
        return "no", [], False
    program = program_of(process)
    fresh = [
        peer for peer in peers if contact(program, peer.address, peer.port) not in state.contacts
    ]
    if not fresh:
        return "known", [], False
    new_port = any(contact(program, "", peer.port) not in state.contacts for peer in fresh)
    if sum(1 for peer in fresh if peer.private or peer.port not in _WEB) >= _FAN:
        return "fan", fresh, new_port
    return ("new" if new_port else "moved"), fresh, new_port


def program_of(process: Process) -> str:
    """The program by which contacts and doors are remembered: its path or script, without version numbers."""
    seen = process.form
    return _NUMBERS.sub("N", f"{seen.name}\0{seen.script or seen.path}\0{process.account}")


def listens_of(process: Process, net: Wires, state: BehaviourState) -> str:
    """Whether it waits for connections: no, known or new."""
    doors = net.doors.get(process.pid)
    if not doors:
        return "no"
    program = program_of(process)
    return (
        "known"
        if all(door(program, min(port, 32_768)) in state.contacts for port in doors)
        else "new"
    )


def marks_of(
    process: Process,
    behind: str,
    fresh: list[Peer],
    kind: str,
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
    if kind == "fan":
        marks.append("fan")
    if fresh and seen.mode == "code" and seen.role == "interpreter":
        marks.append("coded")
    if any(peer.port in _BAD_PORTS for peer in fresh):
        marks.append("badport")
    if kind == "new" and _talks_anew(process, behind, fresh, state, now):
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
    process: Process, behind: str, fresh: list[Peer], state: BehaviourState, now: float
) -> bool:
    started = number(process.row, "start_time", 0)
    return (
        behind in {"init", "server"}
        and process.form.role in {"server", "interpreter", "other"}
        and fingerprint(program_of(process)) in state.programs
        and now - started > _SETTLED
        and any(peer.port not in _QUIET_PORTS for peer in fresh)
    )
