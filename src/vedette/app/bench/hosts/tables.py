"""The bench's figures as tables for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vedette.app.cli.tables import plain

__all__ = ["print_hosts"]


def print_hosts(console: Console, outcome: Mapping[str, Any]) -> None:
    """What was found, beside baselines; techniques; harmless changes; what was missed, not named, or false."""
    console.print(_beside(outcome))
    for name, row in outcome["baselines"].items():
        console.print(f"{name}: {row['note']}", markup=False)
    for name in outcome["not_installed"]:
        console.print(f'{name}: not installed; pip install "vedette[bench]"', markup=False)
    console.print(_techniques(outcome))
    console.print(_benign(outcome))
    console.print(_budgets(outcome))
    if outcome["cost"]:
        console.print(_costs(outcome["cost"]))
    for line in _told(outcome):
        console.print(plain(line), markup=False, soft_wrap=True)


def _beside(outcome: Mapping[str, Any]) -> Table:
    title = f"{outcome['hosts']} hosts, {outcome['sessions']} sessions, {outcome['snapshots']} snapshots that count"
    if outcome["first"] is not None:
        title += f", after the first {outcome['first']} of each baseline"
    if outcome["leave_role_out"]:
        title += ", each role by a model that was made without it"
    heads = ("found", "in 3", "techniques", "named", "mean delay", "false incidents", "a host-day", "false episodes", "a host-day")  # fmt: skip
    table = Table("detector", *heads, title=title)
    for name, row in {"vedette": outcome, **outcome["baselines"]}.items():
        delay = "-" if row["mean_delay"] is None else f"{row['mean_delay']:.2f}"
        table.add_row(
            name,
            f"{row['found']}/{row['segments']}",
            f"{row['within_3']}",
            f"{row['techniques_found']}/{row['techniques']}",
            f"{row['named']}",
            delay,
            f"{row['false_incidents']}",
            f"{row['false_incidents_per_host_day']:.2f}",
            f"{row['false_episodes']}",
            f"{row['false_episodes_per_host_day']:.2f}",
        )
    return table


def _techniques(outcome: Mapping[str, Any]) -> Table:
    table = Table("technique", "found", "delays", "first reason by", "named", title="Techniques")
    for name, row in outcome["by_technique"].items():
        delays = " ".join("-" if delay is None else str(delay) for delay in row["delays"])
        table.add_row(
            Text(plain(name)),
            f"{row['found']}/{row['segments']}",
            delays,
            Text(plain(", ".join(row["experts"]))),
            f"{row['named']}",
        )
    return table


def _benign(outcome: Mapping[str, Any]) -> Table:
    table = Table("harmless change", "times", "incidents", "episodes", title="Harmless changes")
    for kind, row in outcome["benign"].items():
        counts = (row["segments"], row["incidents"], row["episodes"])
        table.add_row(Text(plain(kind)), *map(str, counts))
    return table


def _budgets(outcome: Mapping[str, Any]) -> Table:
    title = "False incidents a host-month"
    table = Table("asked", "came", "95 %", "incidents", "host-months", "found", title=title)
    for row in outcome["budgets"]:
        low, high = row["interval"]
        table.add_row(
            f"{row['asked']:g}",
            f"{row['came']:g}",
            f"{low:g} to {high:g}",
            f"{row['incidents']}",
            f"{row['host_months']:g}",
            f"{row['found']}/{row['segments']}",
        )
    return table


def _costs(costs: Mapping[str, Any]) -> Table:
    parts = list(next(iter(costs.values()))["cpu_us"])
    table = Table(
        "a snapshot, batches of 256 hosts",
        *parts,
        "all, no state held",
        "to decode it",
        title="CPU us a snapshot, bytes a host",
    )
    for name, row in costs.items():
        spent = (f"{row['cpu_us'][part]:.0f}" for part in parts)
        table.add_row(
            f"{name}: CPU us", *spent, *(f"{row[name]:.0f}" for name in ("cold_us", "decode_us"))
        )
        table.add_row("bytes, mean", *(f"{row['state_bytes'][part]:.0f}" for part in parts), "", "")
        most = (str(row["most_bytes"][part]) for part in parts)
        table.add_row("bytes, most", *most, "", "", end_section=True)
    return table


def _told(outcome: Mapping[str, Any]) -> Iterator[str]:
    for name in outcome["labels_without_file"]:
        yield f"labels.jsonl speaks of {name}, which is not there"
    for one in outcome["missed"]:
        yield f"missed: {_place(one)} {one['technique']}: {one['what']}"
    for one in outcome["not_named"]:
        yield f"cause not named: {_place(one)} {one['technique']}: {one['what']}"
        yield from (f"    {reason}" for reason in one["reasons"])
    for one in outcome["false"]:
        yield f"false incident: {_place(one)} ({one['kind']})"
        yield from (f"    {reason}" for reason in one["reasons"])
    for one in outcome["false_runs"]:
        yield f"false episode: {_place(one)} to {one['to_seq']} ({one['kind']})"


def _place(one: Mapping[str, Any]) -> str:
    early = ", in alarm before it began" if one.get("alarm_before") else ""
    return f"{one['file']} {one['from_seq']}{early}"
