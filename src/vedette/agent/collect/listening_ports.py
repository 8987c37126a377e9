"""osquery's `listening_ports` (TCP and UDP): who takes what comes from anywhere."""

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
            "port": socket.local_port,
            "protocol": socket.protocol,
            "family": socket.family,
            "address": socket.local_address,
        }
        for socket in sockets.held
        if socket.listening
    ]
    rows.sort(key=lambda row: (row["family"], row["protocol"], row["port"], row["address"]))
    if sweep.denied:
        return Table(rows=rows, partly=f"the sockets of {sweep.denied} processes can't be told")
    return Table(rows=rows)
