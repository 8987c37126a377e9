"""How little room is left of memory and file systems: the one level that is a fault on any host, however young or wild.

What fills up within hours teaches a young host that it swings, so beside its own past it is quiet until it is full. Here
the room that is left is held against the most that the host usually had:

    nats = 3 ln((1 - low) / (1 - x)) - 7.5,   x the lesser of this look and the last that counted,   low the p10 of the past

so a host with half of its memory free speaks at 96 percent, and one that always stood at 80 at 98.5. It needs at least 0.95 now,
0.1 above that low, and thirty looks. What stays becomes usual, as for the watches, whose past this uses.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.anchors import SILENT
from vedette.detect.vitals.gauges import PLACE_OF
from vedette.detect.vitals.trends import TRENDED, Trends
from vedette.detect.vitals.watches import Watches

__all__ = ["filled"]

Floats = NDArray[Any]

_FILLING = ("system.memory.utilization", "system.filesystem.utilization")
_PLACES = np.array([at for metric, at in PLACE_OF.items() if metric in _FILLING])
_AMONG_TRENDS = np.array([TRENDED.tolist().index(at) for at in _PLACES])
_FULL, _RISEN, _LOOKS = 0.95, 0.1, 30.0
_WEIGHT, _ASKED, _LEAST = 3.0, 7.5, 0.001


def filled(watches: Watches, trends: Trends, gauges: Floats) -> Floats:
    """[H, G]: nats over the threshold of what is nearly full, SILENT elsewhere. `gauges` [H, G], NaN where not sent."""
    nats = np.full(gauges.shape, SILENT)
    now = np.minimum(gauges[:, _PLACES], trends.last[:, _AMONG_TRENDS])
    low = watches.low[:, _PLACES]
    with np.errstate(invalid="ignore"):
        told = (now >= _FULL) & (now - low >= _RISEN) & (watches.seen[:, _PLACES] >= _LOOKS)
    if np.count_nonzero(told):
        room = np.maximum(1.0 - now, _LEAST)
        shrunk = _WEIGHT * np.log(np.maximum(1.0 - low, _LEAST) / room) - _ASKED
        nats[:, _PLACES] = np.where(told, shrunk, SILENT)
    return nats
