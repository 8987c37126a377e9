"""The case of traffic that has stopped while the connections stay, in words."""

import numpy as np

from vedette.detect.case import Case
from vedette.detect.vitals.stalls import FLOWS, UNIT
from vedette.detect.vitals.wave import Group
from vedette.detect.vitals.words import how_much

__all__ = ["stalled", "stopped"]

_WORDS = ("Data sent", "Data received")


def stalled(group: Group, least: float) -> dict[int, int]:
    """By place in the group, which of `FLOWS` says most, where it says more than `least` nats."""
    nats = group.stall.nats
    places = np.flatnonzero(nats.max(axis=1) > least).tolist()
    return {place: int(nats[place].argmax()) for place in places}


def stopped(group: Group, place: int, flow: int, asked: float) -> Case:
    """The case of this flow; `asked` are the nats that it must pass."""
    stall, gauge = group.stall, "bytes"
    now = max(float(group.rows[place, group.past.layout.seat[FLOWS[flow]]]), 0.0)
    least = how_much(gauge, max(float(stall.bottom[place, flow]) - UNIT, 0.0))
    days = float(group.past.stalls.minutes[place, flow]) / 1_440.0
    past = f"{days:.0f} days" if days < 14.0 else "two weeks"
    return Case(
        expert="vitals",
        subject=f"metric:{FLOWS[flow]}",
        nats=float(stall.nats[place, flow]) - asked,
        text=(
            f"{_WORDS[flow]} has all but stopped ({how_much(gauge, now)}) while {stall.wires[place]:,.0f} connections are kept;"
            f" in the last {past if days >= 1.5 else 'day'} it was never under {least} for so long."
            " An application may hang, or be cut off from those it serves"
        ),
        observed=how_much(gauge, now),
        expected=f"at least {least}",
    )
