"""osquery's `process_open_sockets`: connections of processes, without listeners and without those nobody holds."""

from typing import TYPE_CHECKING

from vedette.agent.collect.sockets import Sockets
from vedette.agent.collect.sweep import Sweep
from vedette.agent.collect.table import Table

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["collect"]


def collect(sockets: Sockets, sweep: Sweep) -> Table:
    """One row per socket; `pid` is -1 where the owner can't be read."""
    rows: list[Row] = [
        {
            "pid": sweep.owners.get(socket.inode, -1),
            "family": socket.family,
            "protocol": socket.protocol,
            "local_address": socket.local_address,
            "local_port": socket.local_port,
            "remote_address": socket.remote_address,
            "remote_port": socket.remote_port,
            "state": socket.state,
        }
        for socket in sockets.held
        if not socket.listening
    ]
    if sweep.denied:
        return Table(rows=rows, partly=f"the sockets of {sweep.denied} processes can't be told")
    return Table(rows=rows)
