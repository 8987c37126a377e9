"""What the network loses: errors and drops, as a share of the packets and beside what this host usually loses.

A card with a bad cable or a full ring shows in two counters that stand at zero for months. With x the lesser of this look and
twice the fast filter (so that one look is not enough), and `usual` the long memory of where it stands,

    z = min(x / (x + packets) / 0.01, x / (4 usual + 1)),   nats = 3 ln z

One packet in a hundred, four times more than usual and at least one a second, is the least that counts; five in a hundred is 4.8 nats.
Some networks drop a steady few packets that nobody on the host asked for: those are usual.
"""

from typing import NamedTuple

import numpy as np

from vedette.detect.case import Case
from vedette.detect.vitals.banks import BANDS
from vedette.detect.vitals.wave import Group

__all__ = ["Loss", "losses", "lost_case"]

_KINDS = {"system.network.errors.rate": "errors", "system.network.dropped.rate": "drops"}
_PACKETS = ("system.network.packets.receive.rate", "system.network.packets.transmit.rate")
_SHARE, _OVER_USUAL, _LEAST = 0.01, 4.0, 1.0
_WEIGHT, _LOOKS = 3.0, 30.0


class Loss(NamedTuple):
    """Of one host: the metric, packets lost a second, usually and of how many, and what that is worth."""

    metric: str
    now: float
    usual: float
    packets: float
    nats: float


def losses(group: Group) -> dict[int, list[Loss]]:
    """By place in the group, what loses more than it may."""
    seat, banks, rows = group.past.layout.seat, group.past.banks, group.rows
    if not all(name in seat for name in _PACKETS):
        return {}
    found: dict[int, list[Loss]] = {}
    packets = np.nan_to_num(rows[:, [seat[name] for name in _PACKETS]]).sum(axis=1)
    old = (banks.units >= _LOOKS) & ~group.booting
    for metric in _KINDS.keys() & seat.keys():
        at = seat[metric]
        now = np.minimum(np.nan_to_num(rows[:, at]), 2.0 * banks.filters[:, 0, at])
        if not np.count_nonzero(now >= _LEAST):
            continue
        usual = np.maximum(banks.mean[:, BANDS - 1, 1, at], 0.0)
        share = now / np.maximum(now + packets, 1.0)
        z = np.minimum(share / _SHARE, now / (_OVER_USUAL * usual + _LEAST))
        for place in np.flatnonzero(old & (z > 1.0)).tolist():
            said = Loss(
                metric,
                float(rows[place, at]),
                float(usual[place]),
                float(packets[place]),
                _WEIGHT * float(np.log(z[place])),
            )
            found.setdefault(place, []).append(said)
    return found


def lost_case(loss: Loss) -> Case:
    """The case of a network that loses packets."""
    share = loss.now / max(loss.now + loss.packets, 1.0)
    return Case(
        expert="vitals",
        subject=f"metric:{loss.metric}",
        nats=loss.nats,
        text=(
            f"Network {_KINDS[loss.metric]} {loss.now:,.1f} per second, {100.0 * share:.2g} percent of all packets;"
            f" usually {loss.usual:,.1f} per second"
        ),
        observed=f"{loss.now:,.1f} per second",
        expected=f"about {loss.usual:,.1f} per second",
    )
