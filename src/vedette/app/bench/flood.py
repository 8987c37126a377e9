"""`vedette bench flood`: many agents return with what they have spooled, while others go on living.

The live senders send one snapshot each a second, before the flood and through it, from a process of their own; both stretches are
of one run, so that the machine is the same for both.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from vedette.app.bench.fleet import Member, enrol_fleet
from vedette.app.bench.job import SenderPlan, Sent
from vedette.app.bench.report import flood_table
from vedette.app.bench.rows import late_verdicts, recount
from vedette.app.bench.simulated import HostSize
from vedette.app.bench.stage import Bench, bench_database, bench_server, percentile
from vedette.core import Record

__all__ = ["FloodOptions", "run_flood_bench"]

_LONGEST_SECONDS = 1800.0
_SETTLING_SECONDS = 5.0


class FloodOptions(Record, frozen=True, kw_only=True):
    """`backlog` is in snapshots of an agent, a minute apart; `quiet` in seconds."""

    agents: int
    backlog: int
    live: int
    quiet: float
    size: HostSize
    postgres: bool
    store_url: str


def run_flood_bench(options: FloodOptions) -> int:
    """Prints the table on standard error and the JSON object on standard output; 0 when nothing was lost or doubled."""
    with (
        TemporaryDirectory(prefix="vedette-bench-") as name,
        bench_database(postgres=options.postgres, url=options.store_url) as url,
        bench_server(Path(name), store_url=url) as bench,
    ):
        outcome = _measure(bench, options)
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 1 if outcome["lost"] or outcome["duplicates"] or outcome["late"] else 0


def _measure(bench: Bench, options: FloodOptions) -> dict[str, Any]:
    spooled, living = _fleets(bench, options)
    hosts = {member.name: str(member.host) for member in (*spooled, *living)}
    # They were known before they were cut off: their first snapshot, with all their facts, is not part of the flood.
    known = _sealed(bench, [*spooled, *living], [0.0], "sealing the first of each")
    _, first = bench.send(known, seconds=120.0)
    bench.settle(hosts, first)
    backlog = _sealed(bench, spooled, [0.0] * options.backlog, "sealing the spools")
    dues = [1.0 + turn for turn in range(int(options.quiet + _longest(options)))]
    steady = _sealed(bench, living, dues, "sealing the live", spread=True)
    bench.say(
        f"quiet for {options.quiet:.0f} s, then {options.agents} agents return with {options.backlog} each"
    )
    start = bench.soon(options.live + options.agents)
    flood_at = start + options.quiet
    live = bench.launch(steady, start, stop_sending=start + options.quiet + _LONGEST_SECONDS)
    flood = bench.launch(backlog, flood_at, stop_sending=flood_at + _LONGEST_SECONDS)
    flooded = flood.result()
    judged_at = bench.settle(hosts, flooded)
    live.stop()
    lived = live.result()
    bench.settle(hosts, lived)
    everything = [*first, *flooded, *lived]
    counted = recount(bench.settings, [(hosts[s.name], s.seq) for s in everything if s.accepted])
    stretches = {
        "quiet": [s for s in lived if start + _SETTLING_SECONDS <= s.due < flood_at],
        "flood": [s for s in lived if flood_at <= s.due < judged_at],
    }
    figures = {name: _latencies(bench, hosts, part) for name, part in stretches.items()}
    bench.console.print(flood_table(figures))
    return {
        **figures,
        "accept_p99_ratio": _ratio(figures, "accept_p99_ms"),
        "verdict_p99_ratio": _ratio(figures, "verdict_p99_ms"),
        "drain_s": round(max(s.accepted for s in flooded) - flood_at, 1),
        "judged_s": round(judged_at - flood_at, 1),
        "backlog": len(flooded),
        "not_accepted": sum(not s.accepted for s in everything)
        + options.agents * options.backlog
        - len(flooded),
        "refused_backlog": _refused(flooded),
        "refused_live": _refused(lived),
        "lost": counted.lost,
        "duplicates": counted.duplicates,
        "late": late_verdicts(bench.settings),
        "bytes": round(sum(s.size for s in flooded) / max(1, len(flooded))),
    }


def _longest(options: FloodOptions) -> float:
    """How long there must be live snapshots for: the drain at a slow machine's pace."""
    return min(_LONGEST_SECONDS, 20.0 + options.agents * options.backlog / 50.0)


def _fleets(bench: Bench, options: FloodOptions) -> tuple[list[Member], list[Member]]:
    def enrolled(numbers: range, step: timedelta, ago: timedelta) -> list[Member]:
        return enrol_fleet(
            bench.settings,
            bench.store,
            bench.clock,
            numbers,
            size=options.size,
            step=step,
            ago=ago,
        )

    minute = timedelta(minutes=1)
    # So far back that even the newest of a spool is old when it comes.
    spooled = enrolled(range(options.agents), minute, minute * (options.backlog + 10))
    living = enrolled(
        range(options.agents, options.agents + options.live), timedelta(seconds=1), timedelta(0)
    )
    return spooled, living


def _sealed(
    bench: Bench, members: Sequence[Member], dues: list[float], text: str, *, spread: bool = False
) -> list[SenderPlan]:
    with bench.progress(text, len(members) * len(dues)) as moved:
        return [
            member.plan(
                [due + (number / len(members) if spread else 0.0) for due in dues], on_sealed=moved
            )
            for number, member in enumerate(members)
        ]


def _latencies(bench: Bench, hosts: dict[str, str], part: Sequence[Sent]) -> dict[str, float]:
    accepted = [s for s in part if s.accepted]
    accept = [s.accepted - s.due for s in accepted]
    verdict = [bench.watch.seen[hosts[s.name], s.seq] - s.accepted for s in accepted]
    return {
        "snapshots": len(part),
        "accept_p50_ms": round(percentile(accept, 0.5) * 1000, 1),
        "accept_p99_ms": round(percentile(accept, 0.99) * 1000, 1),
        "verdict_p50_ms": round(percentile(verdict, 0.5) * 1000, 1),
        "verdict_p99_ms": round(percentile(verdict, 0.99) * 1000, 1),
    }


def _ratio(figures: dict[str, dict[str, float]], name: str) -> float:
    return round(figures["flood"][name] / max(0.001, figures["quiet"][name]), 2)


def _refused(sent: Sequence[Sent]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for each in sent:
        counts.update(each.refused)
    return dict(counts)
