"""One snapshot in the making, and the rows that tests put into it."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from tests.detect.scene import sock

from vedette.core import Row

__all__ = [
    "Change",
    "Stage",
    "added",
    "job",
    "key",
    "module",
    "mount",
    "nothing",
    "package",
    "proc",
    "sock",
    "suid",
    "together",
    "unit",
    "upgraded",
    "user",
    "written",
]

BORN = 1_777_872_000  # Unix seconds: when daemons of a quiet host began


class Stage:
    """The tables and metrics of a snapshot that a change may alter; `boot_time` and `kernel` are the host's."""

    def __init__(
        self, tables: dict[str, list[Row]], metrics: dict[str, float], *, boot_time: float
    ) -> None:
        self.tables = tables
        self.metrics = metrics
        self.boot_time = boot_time
        self.kernel = "6.1.0-21-amd64"

    def add(self, table: str, *rows: Row) -> None:
        """More rows of a table."""
        self.tables[table].extend(rows)

    def drop(self, table: str, **where: Any) -> None:
        """Takes the rows away that have these cells; there must be some."""
        kept = [row for row in self.tables[table] if not _has(row, where)]
        assert len(kept) < len(self.tables[table]), f"nothing in {table} is {where}"
        self.tables[table] = kept

    def edit(self, table: str, where: dict[str, Any], **cells: Any) -> None:
        """Changes the rows that have these cells; there must be some."""
        found = [row for row in self.tables[table] if _has(row, where)]
        assert found, f"nothing in {table} is {where}"
        for row in found:
            row.update(cells)

    def write(self, path: str, content: str = "changed") -> None:
        """A watched file gets this content, or comes to be."""
        digest = sha256(f"{path}\0{content}".encode()).hexdigest()
        for row in self.tables["hash"]:
            if row["path"] == path:
                row["sha256"] = digest
                return
        self.tables["hash"].append({"path": path, "sha256": digest})

    def upgrade(self, name: str, version: str = "9:9.9-1") -> None:
        """A package gets this version, or is installed."""
        for row in self.tables["deb_packages"]:
            if row["name"] == name:
                row["version"] = version
                return
        self.tables["deb_packages"].append(package(name, version))

    def listen(self, row: Row, port: int, address: str = "0.0.0.0", protocol: int = 6) -> None:
        """A process with a listening port."""
        if row not in self.tables["processes"]:
            self.tables["processes"].append(row)
        self.add("listening_ports", _port(row["pid"], port, address, protocol))

    def rise(self, metric: str, by: float) -> None:
        """A metric goes up by so much."""
        self.metrics[metric] += by


Change = Callable[[Stage], object]


def nothing(_: Stage) -> None:
    """A step that changes nothing."""


def together(*changes: Change) -> Change:
    """All of them in one snapshot."""

    def change(stage: Stage) -> None:
        for one in changes:
            one(stage)

    return change


def written(*paths: str) -> Change:
    """These watched files change."""

    def change(stage: Stage) -> None:
        for path in paths:
            stage.write(path)

    return change


def upgraded(*names: str) -> Change:
    """These packages are upgraded or installed."""

    def change(stage: Stage) -> None:
        for name in names:
            stage.upgrade(name)

    return change


def added(table: str, *rows: Row) -> Change:
    """These rows come into a table."""
    return lambda stage: stage.add(table, *(dict(row) for row in rows))


def _has(row: Row, where: dict[str, Any]) -> bool:
    return all(row.get(column) == cell for column, cell in where.items())


def _port(pid: Any, port: int, address: str, protocol: int = 6) -> Row:
    family = 10 if ":" in address else 2
    return {"pid": pid, "port": port, "protocol": protocol, "family": family, "address": address}


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
        "gid": uid,
        "euid": uid,
        "state": "S",
        "start_time": BORN,
        "resident_size": 12_000_000,
        "total_size": 60_000_000,
        "user_time": 1_000,
        "system_time": 400,
        "threads": 1,
        "on_disk": 1 if path else -1,
    }
    return row | more


def job(path: str, command: str, when: str = "17 3 * * *") -> Row:
    """A row of `crontab`; `when` is the five time columns or `@reboot` and its like."""
    columns = ("minute", "hour", "day_of_month", "month", "day_of_week")
    if when.startswith("@"):
        return {"event": when, **dict.fromkeys(columns, ""), "command": command, "path": path}
    times: Row = dict(zip(columns, when.split(), strict=True))
    return {**times, "command": command, "path": path}


def user(name: str, uid: int, shell: str = "/usr/sbin/nologin", home: str = "") -> Row:
    """A row of `users`."""
    return {
        "username": name,
        "uid": uid,
        "gid": uid,
        "shell": shell,
        "directory": home or f"/home/{name}",
    }


def key(uid: int, file: str, letter: str = "c") -> Row:
    """A row of `authorized_keys`."""
    return {"uid": uid, "algorithm": "ssh-ed25519", "key": letter * 64, "key_file": file}


def unit(name: str, state: str = "enabled", folder: str = "/lib/systemd/system") -> Row:
    """A row of `systemd_units`."""
    return {"id": name, "fragment_path": f"{folder}/{name}", "unit_file_state": state}


def suid(path: str, bits: str = "S", owner: str = "root") -> Row:
    """A row of `suid_bin`."""
    return {"path": path, "username": owner, "permissions": bits}


def mount(path: str, device: str, kind: str) -> Row:
    """A row of `mounts`."""
    return {"path": path, "device": device, "type": kind}


def module(name: str) -> Row:
    """A row of `kernel_modules`."""
    return {"name": name, "size": 16_384, "status": "Live"}


def package(name: str, version: str = "1.0-1") -> Row:
    """A row of `deb_packages`."""
    return {"name": name, "version": version}
