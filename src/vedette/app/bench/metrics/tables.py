"""The bench's figures as tables for people."""

from typing import Any

from rich.console import Console
from rich.table import Table

from vedette.app.bench.metrics.ours import NAME

__all__ = ["print_metrics"]

_MEASURES = {"vus_pr": "VUS-PR", "auprc": "AUPRC", "auroc": "AUROC"}


def print_metrics(console: Console, figures: dict[str, Any]) -> None:
    """Ranking beside baselines, each series, events, metrics to blame, budgets."""
    console.print(_ranking(figures))
    for note in _notes(figures):
        console.print(note, markup=False)
    console.print(_by_series(figures))
    console.print(_events(figures))
    if figures["responsible"]:
        console.print(_responsible(figures))
    if figures["budgets"]:
        console.print(_budgets(figures))


def _ranking(figures: dict[str, Any]) -> Table:
    warm = "train was streamed first" if figures["warmup"] == "train" else "from a cold start"
    title = f"{figures['series']} series, {figures['rows']} rows of test, {warm}"
    table = Table("detector", *_MEASURES.values(), "CPU us a row", "bytes a host", title=title)
    for name, row in figures["detectors"].items():
        means = [_mean(row, measure) for measure in _MEASURES]
        table.add_row(name, *means, f"{row['cpu_us_per_row']:.1f}", f"{row['state_bytes']}")
    for name in figures["not_installed"]:
        table.add_row(name, "not installed", "", "", "", "")
    return table


def _mean(row: dict[str, Any], measure: str) -> str:
    if row[measure] is None:
        return "undefined"
    low, high = row[f"{measure}_interval"]
    return f"{row[measure]:.3f} [{low:.2f} {high:.2f}]"


def _notes(figures: dict[str, Any]) -> list[str]:
    notes = [f"{name}: {row['note']}" for name, row in figures["detectors"].items()]
    notes.append("means over series, with 95 % bootstrap intervals over them")
    if figures["not_installed"]:
        notes.append('what is not installed comes with: pip install "vedette[bench]"')
    if figures["without_ranking"]:
        names = ", ".join(figures["without_ranking"])
        notes.append(f"labels of one kind alone, so no ranking is defined: {names}")
    return notes


def _by_series(figures: dict[str, Any]) -> Table:
    detectors = figures["detectors"]
    table = Table("series", *detectors, title="VUS-PR of each series")
    for name in detectors[NAME]["series"]:
        values = [row["series"][name]["vus_pr"] for row in detectors.values()]
        table.add_row(name, *("-" if value is None else f"{value:.3f}" for value in values))
    return table


def _events(figures: dict[str, Any]) -> Table:
    table = Table(
        "detector, threshold",
        "found",
        "recall",
        "precision",
        "false a host-day",
        "rows in alarm for nothing",
        "mean F1",
        title="Events",
    )
    for ours in figures["detectors"][NAME]["events"]:
        _add_events(table, f"{NAME}, its own at {ours['budget']:g} a host-month", ours)
    for name, row in figures["detectors"].items():
        _add_events(table, f"{name}, the best by the labels", row["best_events"])
    return table


def _add_events(table: Table, name: str, row: dict[str, Any]) -> None:
    table.add_row(
        name,
        f"{row['found']} of {row['events']}",
        f"{row['recall']:.2f}",
        f"{row['precision']:.2f}",
        f"{row['false_per_host_day']:.2f}",
        f"{row['loud_rows_per_host_day']:.1f} a host-day",
        "-" if row["mean_f1"] is None else f"{row['mean_f1']:.2f}",
    )


def _responsible(figures: dict[str, Any]) -> Table:
    events = figures["responsible"][NAME]["events"]
    table = Table(
        "by",
        "HitRate@100%",
        "HitRate@150%",
        "first is right",
        title=f"Metrics to blame, {events} events",
    )
    for name, row in figures["responsible"].items():
        rates = (row["hit_rate_100"], row["hit_rate_150"], row["first_is_right"])
        table.add_row(name, *(f"{rate:.3f}" for rate in rates))
    return table


def _budgets(figures: dict[str, Any]) -> Table:
    table = Table(
        "asked",
        "came",
        "95 %",
        "incidents",
        "host-months",
        "hosts with any",
        title="Incidents a host-month on train and test, without labelled events",
    )
    for row in figures["budgets"]:
        low, high = row["interval"]
        table.add_row(
            f"{row['asked']:g}",
            f"{row['came']:g}",
            f"{low:g} to {high:g}",
            f"{row['incidents']}",
            f"{row['host_months']:g}",
            f"{row['hosts_with_any']}",
        )
    return table
