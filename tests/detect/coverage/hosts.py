"""Made-up servers of four roles, alive in a quiet way: people at work, cron, traffic, an upgrade of packages."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from tests.detect.coverage.installed import ANA, WORKER, base_tables
from tests.detect.coverage.stage import (
    BORN,
    Stage,
    package,
    proc,
    sock,
    unit,
    user,
)

from vedette.core import HostDescription, HostId, OperatingSystem, Snapshot

__all__ = ["QUIET", "ROLES", "quiet", "snapshot"]

QUIET = 150
"""Snapshots of quiet life before anything happens."""
"""User ids of an operator and of the role's own service account."""

_START = datetime(2026, 5, 4, 8, tzinfo=UTC)
_BOOT = 1_777_800_000.0
_IDS = {
    "web": "6a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b01",
    "database": "6a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b02",
    "build": "6a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b03",
    "admin": "6a4a4f7e-3a8b-4f39-9c1b-0d8f5a3c2b04",
}
ROLES = tuple(_IDS)
_UPGRADE = 60  # the snapshot in which packages are upgraded


def _web(stage: Stage, chance: Random) -> None:
    nginx = "/usr/sbin/nginx"
    master = proc(500, 1, "nginx", nginx, "nginx: master process /usr/sbin/nginx")
    stage.listen(master, 80)
    stage.listen(master, 443)
    stage.add("processes", proc(501, 500, "nginx", nginx, "nginx: worker process", uid=33))
    app = "/usr/bin/python3 /srv/app/venv/bin/gunicorn -w 2 --chdir /srv/app/releases/1.4 app:app"
    lead = proc(510, 1, "gunicorn", "/usr/bin/python3.11", app, uid=WORKER, cwd="/srv/app")
    stage.listen(lead, 8000, "127.0.0.1")
    for pid in (511, 512):
        stage.add("processes", {**lead, "pid": pid, "parent": 510})
    for at in range(chance.randint(2, 7)):
        visitor = f"203.0.113.{chance.randint(1, 250)}"
        stage.add("process_open_sockets", sock(501, visitor, 40_000 + at, 443))
    stage.add("process_open_sockets", sock(511, "10.0.0.20", 5432))
    _packaged(stage, "nginx")


def _database(stage: Stage, chance: Random) -> None:
    path = "/usr/lib/postgresql/15/bin/postgres"
    lead = proc(500, 1, "postgres", path, f"{path} -D /var/lib/postgresql/15/main", uid=101)
    stage.listen(lead, 5432, "10.0.0.5")
    for pid, what in enumerate(("checkpointer", "walwriter", "autovacuum launcher"), 501):
        stage.add("processes", proc(pid, 500, "postgres", path, f"postgres: {what}", uid=101))
    for at in range(chance.randint(2, 5)):
        stage.add("process_open_sockets", sock(500, f"10.0.0.{30 + at}", 41_000 + at, 5432))
    redis = proc(
        520,
        1,
        "redis-server",
        "/usr/bin/redis-check-rdb",
        "/usr/bin/redis-server 127.0.0.1:6379",
        uid=102,
    )
    stage.listen(redis, 6379, "127.0.0.1")
    stage.add("users", user("postgres", 101, "/bin/bash", "/var/lib/postgresql"))
    stage.add("users", user("redis", 102, home="/var/lib/redis"))
    _packaged(stage, "postgresql-15", "redis-server")


def _build(stage: Stage, chance: Random) -> None:
    java = "/usr/bin/java -jar /opt/agent/agent.jar -url https://ci.example.org/"
    stage.add("processes", proc(500, 1, "java", "/usr/lib/jvm/java-17/bin/java", java, uid=WORKER))
    stage.add("process_open_sockets", sock(500, "10.0.0.60", 443))
    docker = proc(510, 1, "dockerd", "/usr/bin/dockerd", "/usr/bin/dockerd -H fd://", threads=12)
    stage.add("processes", docker)
    if chance.random() < 0.4:
        shell = "/bin/sh -xe /tmp/jenkins123.sh"
        stage.add("processes", proc(600, 500, "sh", "/usr/bin/dash", shell, uid=WORKER))
        stage.add("processes", proc(601, 600, "make", "/usr/bin/make", "make -j2 all", uid=WORKER))
        gcc = "/usr/lib/gcc/x86_64-linux-gnu/12/cc1 -quiet main.c"
        stage.add("processes", proc(602, 601, "cc1", gcc.split(maxsplit=1)[0], gcc, uid=WORKER))
    _packaged(stage, "docker", "default-jre", "make", "gcc", unit_names=("docker",))


def _admin(stage: Stage, chance: Random) -> None:
    exporter = proc(
        500,
        1,
        "prometheus-node",
        "/usr/bin/prometheus-node-exporter",
        "/usr/bin/prometheus-node-exporter",
        uid=105,
    )
    stage.listen(exporter, 9100)
    if chance.random() < 0.5:
        line = "ansible-playbook -i hosts site.yml"
        stage.add(
            "processes", proc(510, 380, "ansible-playboo", "/usr/bin/python3.11", line, uid=ANA)
        )
        stage.add("process_open_sockets", sock(510, "10.0.0.5", 22))
    _packaged(stage, "prometheus-node-exporter", "ansible")


def _packaged(stage: Stage, *names: str, unit_names: tuple[str, ...] = ()) -> None:
    for name in names:
        stage.add("deb_packages", package(name))
    for name in unit_names or names[:1]:
        stage.add("systemd_units", unit(f"{name}.service"))


_OF_ROLE: dict[str, Callable[[Stage, Random], None]] = {
    "web": _web,
    "database": _database,
    "build": _build,
    "admin": _admin,
}


def _people(stage: Stage, seq: int, chance: Random) -> None:
    """An operator works for thirteen snapshots of fifty; cron runs something every fifth."""
    if seq % 50 in range(8, 21):
        stage.add(
            "logged_in_users", {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": BORN}
        )
        stage.add("processes", proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"))
        stage.add("processes", proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", uid=ANA))
        stage.add("processes", proc(702, 701, "bash", "/usr/bin/bash", "-bash", uid=ANA))
        stage.add("process_open_sockets", sock(700, "10.0.9.1", 51_000, 22))
        tool = chance.choice(
            ("less /var/log/syslog", "top", "vim /etc/nginx/nginx.conf", "tail -f x")
        )
        name = tool.split()[0]
        stage.add("processes", proc(703, 702, name, f"/usr/bin/{name}", tool, uid=ANA))
    if seq % 5 == 0:
        stage.add("processes", proc(800, 360, "cron", "/usr/sbin/cron", "/usr/sbin/CRON -f"))
        line = "/bin/sh -c cd / && run-parts --report /etc/cron.hourly"
        stage.add("processes", proc(801, 800, "sh", "/usr/bin/dash", line))


def _upgraded(stage: Stage, seq: int) -> None:
    if seq == _UPGRADE:
        stage.add("processes", proc(900, 1, "apt-get", "/usr/bin/apt-get", "apt-get -y upgrade"))
        stage.add("processes", proc(901, 900, "dpkg", "/usr/bin/dpkg", "/usr/bin/dpkg --configure"))
    if seq >= _UPGRADE:
        for name in ("procps", "libssl3", "tzdata"):
            stage.upgrade(name, "1.0-2")
        stage.write("/usr/bin/ps", "1.0-2")


def _metrics(chance: Random) -> dict[str, float]:
    def about(middle: float, spread: float) -> float:
        return max(0.0, middle + spread * chance.uniform(-1.0, 1.0))

    return {
        "system.cpu.utilization": about(0.12, 0.05),
        "system.cpu.load_average.1m": about(0.4, 0.2),
        "system.cpu.load_average.5m": about(0.4, 0.1),
        "system.cpu.load_average.15m": about(0.4, 0.05),
        "system.memory.utilization": about(0.35, 0.01),
        "system.memory.usage": about(1.4e9, 4e7),
        "system.paging.operations.rate": about(0.5, 0.5),
        "system.disk.io.read.rate": about(2e4, 1e4),
        "system.disk.io.write.rate": about(9e4, 4e4),
        "system.disk.operations.read.rate": about(2.0, 1.0),
        "system.disk.operations.write.rate": about(6.0, 2.0),
        "system.filesystem.utilization": about(0.41, 0.001),
        "system.network.io.receive.rate": about(3e4, 1e4),
        "system.network.io.transmit.rate": about(5e4, 2e4),
        "system.network.packets.receive.rate": about(60.0, 20.0),
        "system.network.packets.transmit.rate": about(60.0, 20.0),
        "system.network.errors.rate": 0.0,
        "system.network.dropped.rate": 0.0,
        "system.network.connections.established": about(8.0, 3.0),
        "system.network.connections.listen": 6.0,
        "system.network.connections.time_wait": about(10.0, 5.0),
        "system.network.connections.syn_sent": about(0.4, 0.4),
        "system.processes.count": about(26.0, 2.0),
        "system.processes.created.rate": about(1.0, 0.5),
        "system.processes.running": about(1.5, 0.5),
        "system.threads.count": about(60.0, 3.0),
        "system.open_files.count": about(400.0, 20.0),
        "system.context_switches.rate": about(900.0, 200.0),
        "system.users.logged_in": 0.0,
    }


def quiet(role: str, seq: int) -> Stage:
    """What a host of this role looks like in its snapshot `seq` (from 1). The same each time it is asked."""
    chance = Random(f"{role} {seq}")
    stage = Stage(base_tables(), _metrics(chance), boot_time=_BOOT)
    _OF_ROLE[role](stage, chance)
    _people(stage, seq, chance)
    _upgraded(stage, seq)
    return stage


def snapshot(role: str, seq: int, stage: Stage) -> Snapshot:
    """The stage as that host's snapshot, `seq` minutes after the start."""
    host = HostDescription(
        id=HostId(_IDS[role]),
        hostname=f"{role}-1",
        os=OperatingSystem(
            name="Debian GNU/Linux", version="12", kernel=stage.kernel, arch="x86_64"
        ),
        boot_time=stage.boot_time,
        labels={"role": role},
    )
    return Snapshot(
        schema="vedette.snapshot/1",
        host=host,
        seq=seq,
        taken_at=_START + timedelta(seconds=60 * seq),
        metrics=stage.metrics,
        tables=stage.tables,
    )
