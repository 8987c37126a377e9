"""A made-up web server, watched for a while, on which tests then let things happen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from vedette.core import HostDescription, HostId, Row, Snapshot
from vedette.detect import Case, Expert, View

__all__ = [
    "Change",
    "Tables",
    "after",
    "any_cells",
    "empty_rows",
    "job",
    "passing",
    "port",
    "proc",
    "scene",
    "sock",
    "tables",
    "user",
    "watch",
]

Tables = dict[str, list[Row]]
Change = Callable[[Tables], object]
Kind = Callable[[], Expert[Any]]

_START = datetime(2026, 5, 4, 8, tzinfo=UTC)
_WATCHED = 150


def proc(
    pid: int, parent: int, name: str, path: str, cmdline: str, uid: int = 0, **more: Any
) -> Row:
    """A row of `processes`."""
    row: Row = {
        "pid": pid,
        "parent": parent,
        "name": name,
        "path": path,
        "cmdline": cmdline,
        "cwd": "/",
        "uid": uid,
        "euid": uid,
        "state": "S",
        "start_time": int(_START.timestamp()) - 5_000,
        "on_disk": 1,
    }
    return row | more


def sock(
    pid: int, remote: str, port: int, local_port: int = 50_000, state: str = "ESTABLISHED"
) -> Row:
    """A row of `process_open_sockets`."""
    return {
        "pid": pid,
        "family": 2,
        "protocol": 6,
        "local_address": "10.0.0.5",
        "local_port": local_port,
        "remote_address": remote,
        "remote_port": port,
        "state": state,
    }


def passing(change: Change) -> tuple[Change, Change]:
    """The change, and what undoes it later."""
    before: list[Tables] = []

    def keep(rows: Tables) -> None:
        before.append({table: [dict(row) for row in some] for table, some in rows.items()})
        change(rows)

    def undo(rows: Tables) -> None:
        rows.update(before[0])

    return keep, undo


def any_cells(rows: Tables) -> None:
    """Every cell is of another type than it should be."""
    odd: list[Any] = [None, 7, 1.5, True, "", "x", -1]
    for some in rows.values():
        for at, row in enumerate(some):
            for place, column in enumerate(list(row)):
                row[column] = odd[(at + place) % len(odd)]


def empty_rows(rows: Tables) -> None:
    """Each table gets a row without cells."""
    for some in rows.values():
        some.append({})


def job(path: str, command: str, minute: str = "17", hour: str = "3") -> Row:
    """A row of `crontab`."""
    rest: Row = {"day_of_month": "*", "month": "*", "day_of_week": "*"}
    return {"minute": minute, "hour": hour, "command": command, "path": path} | rest


def port(pid: int, number: int, address: str = "10.0.0.5") -> Row:
    """A row of `listening_ports`."""
    return {"pid": pid, "port": number, "protocol": 6, "family": 2, "address": address}


def user(name: str, uid: int, shell: str) -> Row:
    """A row of `users`."""
    return {"username": name, "uid": uid, "gid": uid, "shell": shell, "directory": f"/home/{name}"}


_FILES = (
    "/etc/passwd",
    "/etc/group",
    "/etc/shadow",
    "/etc/sudoers",
    "/etc/crontab",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/pam.d/sshd",
    "/etc/ssh/sshd_config",
    "/etc/profile",
    "/root/.bashrc",
    "/usr/bin/ps",
    "/usr/bin/ls",
    "/usr/sbin/sshd",
    "/usr/bin/sudo",
)


def tables() -> Tables:
    """The tables of a small web server with a database and a person logged in now and then."""
    app = "/usr/bin/python3 /usr/bin/gunicorn -w 2 --chdir /srv/app/releases/1.0.0 app:app"
    return {
        "processes": [
            proc(1, 0, "systemd", "/usr/lib/systemd/systemd", "/sbin/init"),
            proc(2, 0, "kthreadd", "", "", on_disk=-1),
            proc(3, 2, "kworker/0:1", "", "", on_disk=-1),
            proc(30, 1, "sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener]"),
            proc(31, 1, "cron", "/usr/sbin/cron", "/usr/sbin/cron -f"),
            proc(32, 1, "rsyslogd", "/usr/sbin/rsyslogd", "/usr/sbin/rsyslogd -n"),
            proc(
                33, 1, "worker", "/opt/worker/bin/worker", "/opt/worker/bin/worker --queue a", 998
            ),
            proc(40, 1, "nginx", "/usr/sbin/nginx", "nginx: master process /usr/sbin/nginx"),
            proc(41, 40, "nginx", "/usr/sbin/nginx", "nginx: worker process", 33),
            proc(50, 1, "gunicorn", "/usr/bin/python3.11", app, 33),
            proc(51, 50, "gunicorn", "/usr/bin/python3.11", app, 33),
            proc(
                60,
                1,
                "postgres",
                "/usr/lib/postgresql/15/bin/postgres",
                "postgres -D /var/lib/x",
                101,
            ),
            proc(
                61,
                60,
                "postgres",
                "/usr/lib/postgresql/15/bin/postgres",
                "postgres: walwriter",
                101,
            ),
            proc(70, 30, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"),
            proc(71, 70, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", 1000),
            proc(72, 71, "bash", "/usr/bin/bash", "-bash", 1000),
        ],
        "listening_ports": [port(30, 22), port(40, 80), port(50, 8000, "127.0.0.1")],
        "process_open_sockets": [
            sock(51, "10.0.0.9", 6379),
            sock(70, "10.0.9.1", 51_000, 22),
            sock(41, "203.0.113.7", 40_123, 80),
        ],
        "users": [
            user("root", 0, "/bin/bash"),
            user("www-data", 33, "/usr/sbin/nologin"),
            user("postgres", 101, "/bin/bash"),
            user("worker", 998, "/usr/sbin/nologin"),
            user("ana", 1000, "/bin/bash"),
        ],
        "logged_in_users": [{"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": 1}],
        "authorized_keys": [
            {
                "uid": 0,
                "algorithm": "ssh-ed25519",
                "key": "b" * 64,
                "key_file": "/root/.ssh/authorized_keys",
            },
            {
                "uid": 1000,
                "algorithm": "ssh-ed25519",
                "key": "a" * 64,
                "key_file": "/home/ana/.ssh/authorized_keys",
            },
        ],
        "sudoers": [
            {"source": "/etc/sudoers", "header": "%sudo", "rule_details": "ALL=(ALL:ALL) ALL"}
        ],
        "crontab": [
            job("/etc/crontab", "root\tcd / && run-parts --report /etc/cron.hourly", "17", "*")
        ],
        "systemd_units": [
            {
                "id": f"{name}.service",
                "fragment_path": f"/lib/systemd/system/{name}.service",
                "unit_file_state": "enabled",
            }
            for name in ("ssh", "cron", "rsyslog", "nginx")
        ],
        "kernel_modules": [{"name": "ext4"}, {"name": "nf_tables"}],
        "suid_bin": [{"path": "/usr/bin/su", "username": "root", "permissions": "S"}],
        "hash": [{"path": path, "sha256": "0" * 64} for path in _FILES],
        "mounts": [{"path": "/", "device": "/dev/vda1", "type": "ext4"}],
        "deb_packages": [
            {"name": name, "version": "1.0"}
            for name in ("nginx", "cron", "rsyslog", "procps", "openssh-server")
        ],
    }


def scene(
    seq: int, rows: Tables, *, boot: float = 1_700_000_000.0, seconds: float = 60.0
) -> Snapshot:
    """The snapshot with these tables, `seq` intervals after the start."""
    host = HostDescription(
        id=HostId("6a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b77"), hostname="web-9", boot_time=boot
    )
    taken = _START + timedelta(seconds=seconds * seq)
    return Snapshot(schema="vedette.snapshot/1", host=host, seq=seq, taken_at=taken, tables=rows)


def watch(
    expert: Expert[Any], snapshots: list[Snapshot], state: Any = None, count: int = 0
) -> tuple[list[tuple[Case, ...]], Any]:
    """Judges and learns one after the other; the cases of each, and the state after all."""
    state = expert.fresh() if state is None else state
    told = []
    for place, snapshot in enumerate(snapshots):
        view = View(snapshot=snapshot, count=count + place, seen=frozenset(snapshot.tables))
        told.append(expert.judge([view], [state])[0])
        alarm = any(case.nats > 0 for case in told[-1])
        (state,) = expert.learn([view], [state], [alarm])
    return told, state


@lru_cache
def _grown(kind: Kind, watched: int) -> bytes:
    """What an expert knows of the quiet server by then; each test goes on with a copy of it."""
    expert, rows = kind(), tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, watched + 1)])
    return msgspec.msgpack.encode(expert.dump(state))


def after(
    kind: Kind, *changes: Change, watched: int = _WATCHED, before: Change | None = None
) -> list[tuple[Case, ...]]:
    """Watches the quiet server, then lets the changes happen, one a snapshot; what was said at each of these."""
    expert, rows = kind(), tables()
    if before is None:
        state = expert.load(msgspec.msgpack.decode(_grown(kind, watched)))
    else:
        before(rows)
        _, state = watch(expert, [scene(seq, rows) for seq in range(1, watched + 1)])
    snapshots = []
    for step, change in enumerate(changes):
        rows = {name: [dict(row) for row in some] for name, some in rows.items()}
        change(rows)
        snapshots.append(scene(watched + 1 + step, rows))
    told, _ = watch(expert, snapshots, state, watched)
    return told
