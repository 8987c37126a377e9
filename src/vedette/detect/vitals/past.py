"""All that vitals keeps of hosts with the same metrics, one record of bytes for each, and the numbers in it."""

from functools import lru_cache
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
from vedette.detect.vitals.stalls import STALLS, Stalls
from vedette.detect.vitals.watches import EXACT, ROUGH, Watches

__all__ = ["Past", "VitalsState", "fresh_state", "numbers", "packed", "record_size", "state_sizes"]

Floats = NDArray[Any]

_FLEET = FleetTail()
_RARITY = Rarity.fresh(1, _FLEET)
_TAIL = _RARITY.exact.shape[1], _RARITY.rough.shape[1]


class VitalsState(msgspec.Struct, kw_only=True):
    """Of one host: the seats of its metrics, and its numbers (see `Past`) as one `record`, bytes or uint8 [R].

    `worked` is when errands last accounted for a gauge that was high (Unix seconds; 0: never). `lost` names what could not be used and
    starts anew; it is told with the next snapshot. `note` is what was just
    computed for this host, so that learning need not do it again; no dump holds it.
    """

    layout: Layout
    record: Any
    worked: float = 0.0
    lost: list[str] = []
    note: Any = None

    def past(self) -> "Past":
        """The host alone. What is written there is in this state; what came as bytes can't be written."""
        return Past(self.layout, np.frombuffer(self.record, np.uint8)[None])


class Past:
    """Of H hosts: `banks`, `rarity` of their scores, the gauges' `watches`, `anchors` and `fast` voice, and `stalls`: views of one block.

    `block` is uint8 [H, R]: of each host its `exact` numbers, the `rough`, the `whole`, and up to seven bytes more.
    """

    def __init__(self, layout: Layout, block: NDArray[np.uint8], fleet: FleetTail = _FLEET) -> None:
        self.layout, self.block = layout, block
        exact, rough, whole = self.exact, self.rough, self.whole = numbers(layout, block)
        first, second, _ = Banks.sizes(layout)
        self.banks = Banks(layout, exact[:, :first], rough[:, :second], whole)
        self.watches = Watches(exact[:, first : first + EXACT], rough[:, second : second + ROUGH])
        first, second = first + EXACT, second + ROUGH
        third, fourth = first + _TAIL[0], second + _TAIL[1]
        self.rarity = Rarity(exact[:, first:third], rough[:, second:fourth], fleet)
        fifth = fourth + ANCHORED
        self.anchors = Anchors(exact[:, third:], rough[:, fourth:fifth])
        self.fast = Fast(rough[:, fifth : fifth + FAST])
        self.stalls = Stalls(rough[:, -STALLS:])

    def take(self, which: list[int]) -> "Past":
        """These hosts, copied."""
        return Past(self.layout, self.block[which])

    def state(
        self, host: int, *, worked: float = 0.0, lost: list[str] | None = None
    ) -> VitalsState:
        """One host's state; its record is a part of this block."""
        record = self.block[host]
        return VitalsState(layout=self.layout, record=record, worked=worked, lost=lost or [])

    def with_banks(self, banks: Banks) -> "Past":
        """The same hosts with other banks."""
        first, second, _ = Banks.sizes(self.layout)
        exact = np.concatenate((banks.exact, self.exact[:, first:]), axis=1)
        rough = np.concatenate((banks.rough, self.rough[:, second:]), axis=1)
        return Past(banks.layout, packed(exact, rough, banks.whole))


def fresh_state(fleet: FleetTail) -> VitalsState:
    """A host without a past."""
    banks, rarity = fresh_banks(layout_of(()), np.zeros(1)), Rarity.fresh(1, fleet)
    exact, rough = np.zeros((1, EXACT)), np.zeros((1, ROUGH), np.float32)
    anchors = np.zeros((1, len(GAUGES))), np.zeros((1, ANCHORED), np.float32)
    Watches(exact, rough).begin()
    quick = np.zeros((1, FAST + STALLS), np.float32)
    block = packed(
        np.concatenate((banks.exact, exact, rarity.exact, anchors[0]), axis=1),
        np.concatenate((banks.rough, rough, rarity.rough, anchors[1], quick), axis=1),
        banks.whole,
    )
    past = Past(banks.layout, block)
    return past.state(0)


@lru_cache(maxsize=512)
def state_sizes(layout: Layout) -> tuple[int, int, int]:
    """How many exact, rough and whole numbers a host's state has."""
    exact, rough, whole = Banks.sizes(layout)
    tail = _TAIL[1] + ANCHORED + FAST + STALLS
    return exact + EXACT + _TAIL[0] + len(GAUGES), rough + ROUGH + tail, whole


def _widths(layout: Layout) -> tuple[int, int, int]:
    exact, rough, whole = state_sizes(layout)
    return 8 * exact, 4 * rough, 2 * whole


def record_size(layout: Layout) -> int:
    """How many bytes a host's record has: a multiple of eight, so that no number of a block lies askew."""
    return -(-sum(_widths(layout)) // 8) * 8


def numbers(layout: Layout, block: NDArray[np.uint8]) -> tuple[Floats, Floats, Floats]:
    """The exact, rough and whole numbers in records [..., R], as views: float64, float32 and int16."""
    exact, rough, whole = _widths(layout)
    return (
        block[..., :exact].view(np.float64),
        block[..., exact : exact + rough].view(np.float32),
        block[..., exact + rough : exact + rough + whole].view(np.int16),
    )


def packed(exact: Floats, rough: Floats, whole: Floats) -> NDArray[np.uint8]:
    """Records [H, R] of these numbers."""
    parts = [np.ascontiguousarray(part).view(np.uint8) for part in (exact, rough, whole)]
    spare = -sum(part.shape[1] for part in parts) % 8
    return np.concatenate((*parts, np.zeros((len(exact), spare), np.uint8)), axis=1)
