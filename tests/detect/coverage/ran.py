"""A command that somebody runs: the rows it leaves, and the entry of it."""

from typing import Any, NamedTuple

from tests.detect.coverage.entry import Entry, Found, Silent
from tests.detect.coverage.installed import ANA, WORKER
from tests.detect.coverage.stage import Change, Stage, proc, sock

from vedette.core import Row

__all__ = ["FAR", "alone", "chain", "ran", "work"]

FAR = "198.51.100.66"
_PID = 4_000
_SHELL_OF_ANA = 702
_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute
_REAL = {
    "sh": "/usr/bin/dash",
    "bash": "/usr/bin/bash",
    "python3": "/usr/bin/python3.11",
    "python2": "/usr/bin/python2.7",
}
_SHELLS = frozenset(_REAL) - {"python3", "python2"}


class _Who(NamedTuple):
    words: str
    role: str
    parent: int
    uid: int


_WHO = {
    "app": _Who("by the application server", "web", 511, WORKER),
    "web": _Who("by the web server", "web", 501, 33),
    "db": _Who("by the database", "database", 500, 101),
    "stray": _Who("by the application's account, detached", "web", 1, WORKER),
    "root": _Who("by root, detached", "web", 1, 0),
    "left": _Who("by an operator's account, detached", "web", 1, ANA),
    "cron": _Who("by cron", "web", 360, 0),
    "ana": _Who("by an operator", "web", 702, ANA),
}


def _talks(stage: Stage, talks: str) -> None:
    rows = {
        "": [],
        "far": [sock(_PID, FAR, 443)],
        "ssh": [sock(_PID, "10.0.0.77", 22)],
        "cloud": [sock(_PID, "169.254.169.254", 80)],
        "names": [sock(_PID, FAR, 53)],
        "bad": [sock(_PID, FAR, 4_444)],
        "odd": [sock(_PID, FAR, 9_009)],
        "chat": [sock(_PID, FAR, 6_667)],
        "pool": [sock(_PID, FAR, 3_333)],
        "sweep": [sock(_PID, f"10.0.3.{at}", 22, 50_100 + at, "SYN_SENT") for at in range(12)],
        "flood": [sock(_PID, "203.0.113.5", 80, 50_100 + at) for at in range(150)],
    }[talks]
    stage.add("process_open_sockets", *rows)


def ran(
    id: str,  # noqa: A002 - the entry's word
    who: str,
    command: str,
    *,
    path: str = "",
    talks: str = "",
    waits: int = 0,
    subject: str = "",
    told_as: str = "",
    **cells: Any,
) -> Entry:
    """The entry of a command: found at once, and named by its program.

    `who` is a key of those above; `path` the program where it is not the usual one of the command's first word; `talks`
    whom it talks to, `waits` a port it waits on; `subject` the cause's where it is not the program; `told_as` as in the entry; `cells` replace cells.
    """
    by = _WHO[who]
    first = command.split(maxsplit=1)[0]
    base = first.rsplit("/", 1)[-1]
    path = path or (first if first.startswith("/") else _REAL.get(base, f"/usr/bin/{base}"))
    uid = cells.get("uid", by.uid)
    row = proc(_PID, by.parent, base[:15], path, command, uid, start_time=_LATE) | cells

    def change(stage: Stage) -> None:
        stage.add("processes", dict(row))
        if waits:
            stage.listen(dict(row), waits)
        _talks(stage, talks)

    shell = base in _SHELLS and path.rsplit("/", 1)[-1] in {"dash", "bash"}
    return Entry(
        id=id,
        name=f"{command if len(command) <= 70 else command[:67] + '...'}, {by.words}",
        evidence="`processes`" + (", `process_open_sockets`" if talks else ""),
        steps=(change,),
        expect=Found(
            expert="behaviour",
            subject=subject or f"process:{path}" + (f":{uid}" if shell else ""),
            within=0,
        ),
        role=by.role,
        told_as=told_as,
    )


def _session() -> tuple[Row, ...]:
    """An operator who is logged in, whose shell is process 702."""
    return (
        proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"),
        proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", ANA),
        proc(702, 701, "bash", _REAL["bash"], "-bash", ANA),
    )


def chain(parent: int, *links: tuple[int, str, str], talks: str = "") -> Change:
    """Processes (account, program, command), each started by the one before; the last may talk to somebody.

    With 702 as parent, an operator is logged in.
    """
    rows: list[Row] = [] if parent != _SHELL_OF_ANA else list(_session())
    for at, (uid, path, command) in enumerate(links):
        base = command.split()[0].rsplit("/", 1)[-1]
        pid = _PID if at == len(links) - 1 else _PID + 10 + at
        above = parent if at == 0 else _PID + 9 + at
        rows.append(proc(pid, above, base[:15], path, command, uid, start_time=_LATE))

    def change(stage: Stage) -> None:
        kept = {row["pid"] for row in rows}
        processes = stage.tables["processes"]
        stage.tables["processes"] = [row for row in processes if row["pid"] not in kept]
        stage.add("processes", *(dict(row) for row in rows))
        _talks(stage, talks)

    return change


def alone(parent: int, uid: int, *commands: str, talks: str = "") -> tuple[Change, ...]:
    """Each command in a snapshot of its own, by this account; its first word is the program's path."""
    return tuple(
        chain(parent, (uid, command.split(maxsplit=1)[0], command), talks=talks)
        for command in commands
    )


def work(kind: str, name: str, *changes: Change, role: str = "web") -> Entry:
    """The entry of harmless work, another piece of it in each snapshot: no alarm in any."""
    return Entry(
        id=f"benign.{kind}",
        name=name,
        evidence="`processes`",
        steps=changes,
        expect=Silent(during=len(changes)),
        role=role,
        lasting=False,
    )
