"""The metrics in which operational faults show: how much each may move before it counts, and its name in words."""

import numpy as np

from vedette.core import Record
from vedette.detect.magnitude import bounds

__all__ = ["FLOORS", "GAUGES", "MOST_OF", "PLACE_OF", "Gauge"]


class Gauge(Record, frozen=True, kw_only=True):
    """`floor` is the least scale, in the metric's own unit: a rise of a few floors is nobody's business.

    `form` says how values are written: `share` (0..1), `count`, `rate` (per second) or `bytes` (per second).
    `pace` is the share of the way that the smoothed score goes in a minute: honest work often fills a processor or a
    disk for some minutes, so a rise of those has to last longer than one of connections or memory.
    """

    metric: str
    words: str
    floor: float
    form: str = "count"
    pace: float = 0.3


_LAZY, _LAZIEST, _SLOWEST = 0.1, 0.05, 0.03

GAUGES: tuple[Gauge, ...] = (
    Gauge(
        metric="system.cpu.utilization",
        words="CPU utilization",
        floor=0.05,
        form="share",
        pace=_LAZIEST,
    ),
    Gauge(
        metric="system.cpu.load_average.1m",
        words="Load average",
        floor=0.6,
        form="load",
        pace=_LAZIEST,
    ),
    Gauge(
        metric="system.memory.utilization", words="Memory utilization", floor=0.015, form="share"
    ),
    Gauge(
        metric="system.filesystem.utilization",
        words="File system utilization",
        floor=0.02,
        form="share",
    ),
    Gauge(
        metric="system.network.connections.established",
        words="Established connections",
        floor=4.0,
    ),
    Gauge(
        metric="system.network.connections.syn_sent",
        words="Connection attempts in flight",
        floor=2.0,
    ),
    Gauge(metric="system.network.connections.listen", words="Listening sockets", floor=2.0),
    Gauge(
        metric="system.network.connections.time_wait", words="Connections in TIME_WAIT", floor=200.0
    ),
    Gauge(metric="system.processes.count", words="Processes", floor=6.0),
    Gauge(
        metric="system.processes.created.rate",
        words="Processes created",
        floor=3.0,
        form="rate",
        pace=_LAZY,
    ),
    Gauge(metric="system.threads.count", words="Threads", floor=15.0),
    Gauge(metric="system.open_files.count", words="Open files", floor=25.0),
    Gauge(
        metric="system.paging.operations.rate", words="Paging", floor=10.0, form="rate", pace=_LAZY
    ),
    Gauge(
        metric="system.network.io.transmit.rate",
        words="Data sent",
        floor=1e6,
        form="bytes",
        pace=_LAZY,
    ),
    Gauge(
        metric="system.disk.io.write.rate",
        words="Data written",
        floor=3e6,
        form="bytes",
        pace=_SLOWEST,
    ),
)
"""Floors are in the unit of each metric; the order is that of the state's arrays and must not change."""

PLACE_OF = {gauge.metric: at for at, gauge in enumerate(GAUGES)}
FLOORS = np.array([gauge.floor for gauge in GAUGES])
"""float64 [G]."""
_, MOST_OF = bounds([gauge.metric for gauge in GAUGES])
"""float64 [G]: the most that each gauge can be."""
