"""osquery's `kernel_modules`, without columns that change by themselves (use counts, addresses)."""

from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Table

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["collect"]


def collect(source: Source) -> Table:
    """One row per loaded module. A kernel without loadable modules has no /proc/modules, and so no rows."""
    raw = source.read_if_there("/proc/modules")
    if raw is None:
        # Distinguishes a kernel without modules from a missing /proc.
        source.read("/proc/stat")
        return Table(rows=[])
    rows: list[Row] = []
    for line in raw.split(b"\n"):
        fields = text(line).split()
        if len(fields) >= 5 and fields[1].isdecimal():
            rows.append({"name": fields[0], "size": int(fields[1]), "status": fields[4]})
    return Table(rows=rows)
