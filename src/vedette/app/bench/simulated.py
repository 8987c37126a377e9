"""A made-up host: what its agent would send, snapshot after snapshot, with the small changes of a quiet machine."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from vedette.app.bench.chance import chance
from vedette.core import (
    HostDescription,
    HostId,
    OperatingSystem,
    Record,
    Row,
    Snapshot,
)

__all__ = ["HostSize", "SimulatedHost"]

_PROGRAMS = (
    ("nginx", "/usr/sbin/nginx", "nginx: worker process", 33),
    ("postgres", "/usr/lib/postgresql/15/bin/postgres", "postgres: 15/main: idle", 105),
    ("php-fpm8.2", "/usr/sbin/php-fpm8.2", "php-fpm: pool www", 33),
    ("kworker", "", "", 0),
    ("sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", 0),
)


class HostSize(Record, frozen=True, kw_only=True):
    """How many rows its two longest tables have."""

    processes: int = 100
    packages: int = 700


class SimulatedHost:
    """Deterministic by `number`: the same number gives the same snapshots."""

    def __init__(self, number: int, size: HostSize, start: datetime, step: timedelta) -> None:
        self._random = chance(number)
        self._start = start
        self._step = step
        self.description = HostDescription(
            id=HostId(""),
            hostname=f"bench-{number:04d}",
            os=OperatingSystem(
                name="Debian GNU/Linux", version="12", kernel="6.1.0-18-amd64", arch="x86_64"
            ),
            boot_time=start.timestamp() - 86_400.0,
            labels={"role": "bench"},
        )
        self._processes = _processes(size.processes, int(self.description.boot_time))
        self._tables = _still_tables(size)
        self._used = {
            int(str(row["pid"])): self._random.randrange(5_000) for row in self._processes
        }

    def snapshots(self, host: HostId, *, first: int, count: int) -> Iterator[Snapshot]:
        """`count` snapshots of this host from seq `first` on, each a step after the one before."""
        description = HostDescription(
            id=host,
            hostname=self.description.hostname,
            os=self.description.os,
            boot_time=self.description.boot_time,
            labels=self.description.labels,
        )
        for seq in range(first, first + count):
            yield Snapshot(
                schema="vedette.snapshot/1",
                host=description,
                seq=seq,
                taken_at=_to_millisecond(self._start + self._step * (seq - 1)),
                metrics=self._metrics(seq),
                tables=self._tables | {"processes": self._moved(), **self._sockets()},
            )

    def _moved(self) -> list[Row]:
        rows = []
        for row in self._processes:
            pid = int(str(row["pid"]))
            self._used[pid] += self._random.randrange(20)
            rows.append(
                row
                | {
                    "user_time": self._used[pid],
                    "resident_size": 4_096 * (1_000 + pid + self._random.randrange(64)),
                }
            )
        return rows

    def _sockets(self) -> dict[str, list[Row]]:
        return {
            "process_open_sockets": [
                {
                    "pid": 300 + number,
                    "family": 2,
                    "protocol": 6,
                    "local_address": "10.0.0.5",
                    "local_port": 443,
                    "remote_address": f"10.0.1.{self._random.randrange(1, 250)}",
                    "remote_port": self._random.randrange(32_768, 60_999),
                    "state": "ESTABLISHED",
                }
                for number in range(12)
            ]
        }

    def _metrics(self, seq: int) -> dict[str, float]:
        def around(middle: float, spread: float) -> float:
            return round(max(0.0, self._random.gauss(middle, spread)), 4)

        return {
            "system.cpu.utilization": around(0.12, 0.02),
            "system.cpu.load_average.1m": around(0.4, 0.1),
            "system.cpu.load_average.5m": around(0.4, 0.05),
            "system.cpu.load_average.15m": around(0.4, 0.02),
            "system.memory.utilization": around(0.41, 0.01),
            "system.memory.usage": around(3.3e9, 2e7),
            "system.paging.operations.rate": 0.0,
            "system.disk.io.read.rate": around(2_000, 400),
            "system.disk.io.write.rate": around(36_000, 4_000),
            "system.disk.operations.read.rate": around(2, 0.5),
            "system.disk.operations.write.rate": around(9, 2),
            "system.filesystem.utilization": around(0.52, 0.001),
            "system.network.io.receive.rate": around(8_000, 900),
            "system.network.io.transmit.rate": around(19_000, 2_500),
            "system.network.packets.receive.rate": around(95, 9),
            "system.network.packets.transmit.rate": around(74, 8),
            "system.network.errors.rate": 0.0,
            "system.network.dropped.rate": 0.0,
            "system.network.connections.established": 12.0,
            "system.network.connections.listen": 6.0,
            "system.network.connections.time_wait": around(30, 5),
            "system.network.connections.syn_sent": 0.0,
            "system.processes.count": float(len(self._processes)),
            "system.processes.created.rate": around(0.4, 0.1),
            "system.processes.running": around(1.2, 0.4),
            "system.threads.count": around(240, 4),
            "system.open_files.count": around(2_100, 30),
            "system.context_switches.rate": around(1_500, 150),
            "system.uptime": 86_400.0 + self._step.total_seconds() * seq,
            "system.users.logged_in": 0.0,
        }


def _processes(count: int, boot: int) -> list[Row]:
    rows: list[Row] = [
        _process(1, 0, ("systemd", "/usr/lib/systemd/systemd", "/sbin/init", 0), boot)
    ]
    for number in range(1, count):
        program = _PROGRAMS[number % len(_PROGRAMS)]
        if not program[1]:
            name = f"kworker/{number}:0"
            rows.append(_process(number + 10, 2, (name, "", "", 0), boot))
        else:
            rows.append(_process(300 + number, 1, program, boot))
    return rows


def _process(pid: int, parent: int, program: tuple[str, str, str, int], boot: int) -> Row:
    name, path, cmdline, uid = program
    return {
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
        "start_time": boot + pid,
        "resident_size": 4_096 * 1_000,
        "total_size": 4_096 * 9_000,
        "user_time": 0,
        "system_time": 5,
        "threads": 1,
        "on_disk": 1 if path else -1,
    }


def _still_tables(size: HostSize) -> dict[str, list[Row]]:
    """The tables that seldom change: read anew each time, and the same each time."""
    return _short_tables() | {
        "listening_ports": [
            {"pid": 300 + port, "port": port, "protocol": 6, "family": 2, "address": "10.0.0.5"}
            for port in (22, 80, 443, 5432, 9100, 25)
        ],
        "systemd_units": [
            {
                "id": f"unit{number}.service",
                "fragment_path": f"/usr/lib/systemd/system/unit{number}.service",
                "unit_file_state": "enabled",
            }
            for number in range(90)
        ],
        "kernel_modules": [
            {"name": f"mod{number}", "size": 16_384, "used_by": "-", "status": "Live"}
            for number in range(80)
        ],
        "suid_bin": [
            {"path": f"/usr/bin/suid{number}", "username": "root", "permissions": "S"}
            for number in range(16)
        ],
        "hash": [
            {"path": f"/etc/pam.d/part{number}", "sha256": _sha256(str(number))}
            for number in range(40)
        ],
        "mounts": [
            {"path": "/", "device": "/dev/vda1", "type": "ext4"},
            {"path": "/proc", "device": "proc", "type": "proc"},
        ],
        "deb_packages": [
            {
                "name": f"lib-package-{number}",
                "version": f"{number % 9}.{number % 13}.1-{number % 5}",
            }
            for number in range(size.packages)
        ],
    }


def _short_tables() -> dict[str, list[Row]]:
    return {
        "users": [
            {
                "username": f"svc{uid}",
                "uid": uid,
                "gid": uid,
                "shell": "/usr/sbin/nologin",
                "directory": f"/var/lib/svc{uid}",
            }
            for uid in range(30)
        ],
        "logged_in_users": [],
        "authorized_keys": [
            {
                "uid": 0,
                "algorithm": "ssh-ed25519",
                "key": _sha256("key"),
                "key_file": "/root/.ssh/authorized_keys",
            }
        ],
        "sudoers": [
            {"source": "/etc/sudoers", "header": "%sudo", "rule_details": "ALL=(ALL:ALL) ALL"}
        ],
        "crontab": [
            {
                "minute": "17",
                "hour": "*",
                "day_of_month": "*",
                "month": "*",
                "day_of_week": "*",
                "command": "root\tcd / && run-parts --report /etc/cron.hourly",
                "path": "/etc/crontab",
            }
        ],
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _to_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
