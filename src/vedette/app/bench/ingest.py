"""`vedette bench ingest`: what a snapshot costs the server, beside what the same work costs when called bare."""

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from vedette.app.bench.fleet import Member, enrol_fleet
from vedette.app.bench.floor import Floor, measure_floor
from vedette.app.bench.job import SenderPlan, Sent
from vedette.app.bench.meter import Reading, spent
from vedette.app.bench.report import ingest_table
from vedette.app.bench.rows import recount
from vedette.app.bench.simulated import HostSize
from vedette.app.bench.stage import Bench, bench_database, bench_server, percentile
from vedette.app.keys import KeyFiles
from vedette.core import Record, Unavailable
from vedette.seal import KeyRing

__all__ = ["IngestOptions", "run_ingest_bench"]

_WARM = 3
_MOST_PER_SECOND = 150
_PACED_SHARE = 0.5


class IngestOptions(Record, frozen=True, kw_only=True):
    """`rate` is snapshots a second in all in the paced part; 0 for half of what the overloaded part reached."""

    hosts: int
    seconds: float
    rate: float
    size: HostSize
    postgres: bool
    store_url: str


class _Part(Record, frozen=True, kw_only=True):
    """One measured stretch: what was sent, what it cost, and when its verdicts could be seen."""

    sent: list[Sent]
    used: Reading
    seconds: float
    verdict_seconds: list[float]

    @property
    def accepted(self) -> list[Sent]:
        return [each for each in self.sent if each.accepted]

    def cpu_ms(self) -> float:
        return sum(self.used.processes.values()) / max(1, len(self.accepted)) * 1000

    def accept_ms(self, share: float) -> float:
        return percentile([s.accepted - s.due for s in self.accepted], share) * 1000

    def verdict_ms(self, share: float) -> float:
        return percentile(self.verdict_seconds, share) * 1000


def run_ingest_bench(options: IngestOptions) -> int:
    """Prints the tables on standard error and the JSON object on standard output; 0 when nothing was lost or doubled."""
    with (
        TemporaryDirectory(prefix="vedette-bench-") as name,
        bench_database(postgres=options.postgres, url=options.store_url) as url,
        bench_server(Path(name), store_url=url) as bench,
    ):
        outcome = _measure(bench, options)
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 1 if outcome["lost"] or outcome["duplicates"] else 0


def _measure(bench: Bench, options: IngestOptions) -> dict[str, Any]:
    members = enrol_fleet(
        bench.settings,
        bench.store,
        bench.clock,
        range(options.hosts),
        size=options.size,
        step=timedelta(seconds=1),
    )
    hosts = {member.name: str(member.host) for member in members}
    bench.say(
        f"{options.hosts} simulated hosts of {options.size.processes} processes and {options.size.packages} packages"
    )
    warm_plans = _plans(bench, members, [[0.0] * _WARM] * len(members), "sealing to warm up")
    warm = _run(bench, warm_plans, hosts, seconds=60.0)
    count = max(1, round(options.seconds * _MOST_PER_SECOND / options.hosts))
    plans = _plans(bench, members, [[0.0] * count] * len(members), "sealing the load")
    bench.say("as fast as accepted")
    full = _run(bench, plans, hosts, seconds=options.seconds)
    if not full.accepted:
        raise Unavailable(
            f"no snapshot was accepted within {options.seconds:g} seconds; give it longer with --seconds"
        )
    rate = options.rate or _PACED_SHARE * len(full.accepted) / full.seconds
    paced_plans = _plans(bench, members, _paced(options, rate), "sealing the paced load")
    bench.say(f"paced, {rate:.1f} a second")
    paced = _run(bench, paced_plans, hosts, seconds=options.seconds * 4)
    everything = [*warm.sent, *full.sent, *paced.sent]
    counted = recount(bench.settings, [(hosts[s.name], s.seq) for s in everything if s.accepted])
    bench.say("the floor")
    floor = _floor(bench, full, plans, warm_plans)
    paced_floor = _floor(bench, paced, paced_plans, warm_plans)
    bench.console.print(ingest_table(full.used, len(full.accepted), floor))
    return _outcome(options, full, paced, (floor, paced_floor), rate) | {
        "lost": counted.lost,
        "duplicates": counted.duplicates,
        "refused": sum(sum(s.refused.values()) for s in everything),
    }


def _plans(
    bench: Bench, members: Sequence[Member], dues: Sequence[list[float]], text: str
) -> list[SenderPlan]:
    with bench.progress(text, sum(map(len, dues))) as moved:
        return [
            member.plan(when, on_sealed=moved) for member, when in zip(members, dues, strict=True)
        ]


def _paced(options: IngestOptions, rate: float) -> list[list[float]]:
    """Due times: hosts are spread over an interval, and each keeps its pace."""
    interval = options.hosts / rate
    count = max(1, int(options.seconds / interval))
    return [
        [0.001 + interval * (number / options.hosts + turn) for turn in range(count)]
        for number in range(options.hosts)
    ]


def _run(
    bench: Bench, plans: Sequence[SenderPlan], hosts: dict[str, str], *, seconds: float
) -> _Part:
    before = bench.meter.read()
    start, sent = bench.send(plans, seconds=seconds)
    ended = bench.settle(hosts, sent)
    used = spent(before, bench.meter.read())
    seen = bench.watch.seen
    return _Part(
        sent=sent,
        used=used,
        seconds=ended - start,
        verdict_seconds=[seen[hosts[s.name], s.seq] - s.accepted for s in sent if s.accepted],
    )


def _floor(
    bench: Bench, part: _Part, plans: Sequence[SenderPlan], warm: Sequence[SenderPlan]
) -> Floor:
    bodies = {(p.name, post.seq): (p.host, post.envelope) for p in plans for post in p.posts}
    order = sorted(part.accepted, key=lambda each: each.accepted)
    with TemporaryDirectory(prefix="floor-", dir=bench.folder) as folder:
        return measure_floor(
            [bodies[each.name, each.seq] for each in order],
            KeyRing.load(KeyFiles(bench.settings).opening_ring),
            Path(folder),
            warm=[post.envelope for plan in warm for post in plan.posts],
            batch=max(1, round(part.used.batched / max(1.0, part.used.batches))),
            append_batch=max(1, round(part.used.appended / max(1.0, part.used.appends))),
            postgres=bench.settings.store.url.replace("+psycopg", ""),
        )


def _outcome(
    options: IngestOptions, full: _Part, paced: _Part, floors: tuple[Floor, Floor], rate: float
) -> dict[str, Any]:
    cpu, (floor, paced_floor) = full.cpu_ms(), floors
    count = max(1, len(full.accepted))
    return {
        "snapshots": len(full.accepted),
        "snapshots_per_s": round(len(full.accepted) / full.seconds, 1),
        "server_cpu_ms_per_snapshot": round(cpu, 3),
        "floor_ms": round(floor.total_ms, 3),
        "ratio": round(cpu / floor.total_ms, 3),
        "accept_p50_ms": round(paced.accept_ms(0.5), 1),
        "accept_p99_ms": round(paced.accept_ms(0.99), 1),
        "verdict_p50_ms": round(paced.verdict_ms(0.5), 1),
        "verdict_p99_ms": round(paced.verdict_ms(0.99), 1),
        "stages": _ms(full.used.stages, count),
        "processes": _ms(full.used.processes, count),
        "floor_parts": {name: round(value, 3) for name, value in floor.parts_ms.items()},
        "batch": round(full.used.batched / max(1.0, full.used.batches), 1),
        "append_batch": round(full.used.appended / max(1.0, full.used.appends), 1),
        "overload": {
            "accept_p50_ms": round(full.accept_ms(0.5), 1),
            "accept_p99_ms": round(full.accept_ms(0.99), 1),
            "verdict_p50_ms": round(full.verdict_ms(0.5), 1),
            "verdict_p99_ms": round(full.verdict_ms(0.99), 1),
        },
        "paced": {
            "rate": round(rate, 1),
            "snapshots": len(paced.accepted),
            "server_cpu_ms_per_snapshot": round(paced.cpu_ms(), 3),
            "floor_ms": round(paced_floor.total_ms, 3),
            "ratio": round(paced.cpu_ms() / paced_floor.total_ms, 3),
            "batch": round(paced.used.batched / max(1.0, paced.used.batches), 1),
            "append_batch": round(paced.used.appended / max(1.0, paced.used.appends), 1),
            "stages": _ms(paced.used.stages, max(1, len(paced.accepted))),
            "processes": _ms(paced.used.processes, max(1, len(paced.accepted))),
        },
        "bytes": round(sum(s.size for s in full.accepted) / count),
        "hosts": options.hosts,
    }


def _ms(seconds: dict[str, float], count: int) -> dict[str, float]:
    return {name: round(value / count * 1000, 3) for name, value in sorted(seconds.items())}
