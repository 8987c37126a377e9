"""osquery's `processes`: every process, with -1 in `on_disk` and an empty path where the program can't be read."""

from vedette.agent.collect.sweep import Sweep
from vedette.agent.collect.table import Table

__all__ = ["collect"]


def collect(sweep: Sweep) -> Table:
    """The rows of a sweep. Names what /proc's `hidepid` keeps from this user."""
    if sweep.hidden:
        return Table(rows=sweep.rows, partly=f"{sweep.hidden} processes can't be read (hidepid)")
    if not sweep.first_process_seen:
        return Table(rows=sweep.rows, partly="processes of other users are hidden (hidepid)")
    return Table(rows=sweep.rows)
