"""All that vitals keeps of hosts with the same metrics, as three blocks of numbers, and one host's share of them as bytes."""

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.rarity import FleetTail, Rarity
from vedette.detect.vitals.anchors import ANCHORED, Anchors
from vedette.detect.vitals.banks import Banks, fresh_banks
from vedette.detect.vitals.fast import FAST, Fast
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.layout import Layout, layout_of
from vedette.detect.vitals.watches import EXACT, ROUGH, Watches

__all__ = ["Past", "VitalsState", "fresh_state", "state_sizes"]

Floats = NDArray[Any]

_FLEET = FleetTail()
_RARITY = Rarity.fresh(1, _FLEET)
_TAIL = _RARITY.exact.shape[1], _RARITY.rough.shape[1]


class VitalsState(msgspec.Struct, kw_only=True):
    """Of one host: the seats of its metrics, and its numbers (see `Past`).

    `lost` names what could not be used and starts anew; it is told with the next snapshot. `note` is what was just
    computed for this host, so that learning need not do it again; no dump holds it.
    """

    layout: Layout
    exact: Floats
    rough: Floats
    whole: Floats
    lost: list[str] = []
    note: Any = None

    def past(self) -> "Past":
        """The host alone. What is written there is in this state."""
        return Past(self.layout, self.exact[None], self.rough[None], self.whole[None])


class Past:
    """Of H hosts: `banks`, `rarity` of their scores, the gauges' `watches`, `anchors` and `fast` voice: views of three blocks."""

    def __init__(
        self,
        layout: Layout,
        exact: Floats,
        rough: Floats,
        whole: Floats,
        fleet: FleetTail = _FLEET,
    ) -> None:
        self.layout, self.exact, self.rough, self.whole = layout, exact, rough, whole
        first, second, _ = Banks.sizes(layout)
        self.banks = Banks(layout, exact[:, :first], rough[:, :second], whole)
        self.watches = Watches(exact[:, first : first + EXACT], rough[:, second : second + ROUGH])
        first, second = first + EXACT, second + ROUGH
        third, fourth = first + _TAIL[0], second + _TAIL[1]
        self.rarity = Rarity(exact[:, first:third], rough[:, second:fourth], fleet)
        self.anchors = Anchors(exact[:, third:], rough[:, fourth:-FAST])
        self.fast = Fast(rough[:, -FAST:])

    def take(self, which: list[int]) -> "Past":
        """These hosts, copied."""
        return Past(self.layout, self.exact[which], self.rough[which], self.whole[which])

    def state(self, host: int, *, lost: list[str] | None = None) -> VitalsState:
        """One host's state; its arrays are a part of these."""
        return VitalsState(
            layout=self.layout,
            exact=self.exact[host],
            rough=self.rough[host],
            whole=self.whole[host],
            lost=lost or [],
        )

    def with_banks(self, banks: Banks) -> "Past":
        """The same hosts with other banks."""
        first, second, _ = Banks.sizes(self.layout)
        return Past(
            banks.layout,
            np.concatenate((banks.exact, self.exact[:, first:]), axis=1),
            np.concatenate((banks.rough, self.rough[:, second:]), axis=1),
            banks.whole,
        )


def fresh_state(fleet: FleetTail) -> VitalsState:
    """A host without a past."""
    banks, rarity = fresh_banks(layout_of(()), np.zeros(1)), Rarity.fresh(1, fleet)
    exact, rough = np.zeros((1, EXACT)), np.zeros((1, ROUGH), np.float32)
    anchors = np.zeros((1, len(GAUGES))), np.zeros((1, ANCHORED), np.float32)
    Watches(exact, rough).begin()
    fast = np.zeros((1, FAST), np.float32)
    past = Past(
        banks.layout,
        np.concatenate((banks.exact, exact, rarity.exact, anchors[0]), axis=1),
        np.concatenate((banks.rough, rough, rarity.rough, anchors[1], fast), axis=1),
        banks.whole,
    )
    return past.state(0)


def state_sizes(layout: Layout) -> tuple[int, int, int]:
    """How many exact, rough and whole numbers a host's state has."""
    exact, rough, whole = Banks.sizes(layout)
    tail = _TAIL[1] + ANCHORED + FAST
    return exact + EXACT + _TAIL[0] + len(GAUGES), rough + ROUGH + tail, whole
