"""Tables for people, on standard error."""

from rich.table import Table

from vedette.app.bench.floor import Floor
from vedette.app.bench.meter import Reading

__all__ = ["flood_table", "ingest_table"]


def ingest_table(used: Reading, snapshots: int, floor: Floor) -> Table:
    """CPU milliseconds a snapshot: by process, by stage within, and the floor's parts."""
    table = Table("what", "CPU ms a snapshot", title="Server and floor")
    total = sum(used.processes.values()) / max(1, snapshots) * 1000
    for name, seconds in sorted(used.processes.items()):
        table.add_row(name, f"{seconds / max(1, snapshots) * 1000:.3f}")
    table.add_row("server in all", f"{total:.3f}", end_section=True)
    for name, seconds in sorted(used.stages.items()):
        table.add_row(f"stage {name}", f"{seconds / max(1, snapshots) * 1000:.3f}")
    table.add_section()
    for name, value in floor.parts_ms.items():
        table.add_row(f"floor {name}", f"{value:.3f}")
    table.add_row("floor in all", f"{floor.total_ms:.3f}")
    table.add_row("ratio", f"{total / floor.total_ms:.2f}")
    return table


def flood_table(figures: dict[str, dict[str, float]]) -> Table:
    """Latencies of live senders in milliseconds: quiet, in the flood, and one over the other."""
    table = Table("live senders", "quiet", "flood", "ratio", title="Before the flood and in it")
    quiet, flood = figures["quiet"], figures["flood"]
    for name in quiet:
        ratio = flood[name] / quiet[name] if quiet[name] else 0.0
        table.add_row(name, f"{quiet[name]:g}", f"{flood[name]:g}", f"{ratio:.2f}")
    return table
