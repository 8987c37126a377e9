"""A host's vitals as MessagePack's types and back, also from what earlier versions wrote."""

from typing import Any

import msgspec
import numpy as np

from vedette.detect.rarity import FleetTail
from vedette.detect.vitals.gauges import PLACE_OF
from vedette.detect.vitals.layout import Layout, layout_of_key
from vedette.detect.vitals.past import (
    VitalsState,
    fresh_state,
    numbers,
    record_size,
    state_sizes,
)
from vedette.detect.vitals.seats import SEATS
from vedette.detect.vitals.sound import TOGETHER, is_plainly_sound, mended
from vedette.detect.vitals.stalls import STALLS

__all__ = ["dump_state", "load_state"]

VERSION = 5
_LATEST = 1e12


class _Watch(msgspec.Struct, array_like=True):
    """A gauge's past as version 1 kept it."""

    sample: bytes
    stride: int
    phase: int
    seen: int
    minutes: float
    smooth: float
    before: float
    run: int
    since: float
    frozen: int
    median: float
    low: float
    high: float
    spread: float


_SAME = [field for field in _Watch.__struct_fields__ if field != "sample"]


def dump_state(state: VitalsState) -> list[Any]:
    """Names and bytes, without loss. The state goes on with these bytes, so that it keeps no block of other hosts' alive."""
    state.record = bytes(state.record)
    kept = [VERSION, state.layout.key, state.record]
    return [*kept, state.lost, state.worked] if state.lost or state.worked else kept


def load_state(raw: Any, fleet: FleetTail) -> VitalsState:
    """The state of a dump; what of it can't be used starts anew and is in its `lost`.

    Raises:
        ValueError, TypeError: it is no dump.
    """
    version, *kept = raw
    if version == 1:
        return _upgraded(kept[0], fleet)
    if version not in (4, VERSION):
        raise ValueError(f"vitals state of version {version}")
    key, record, *more = kept
    layout = layout_of_key(key)
    if version == 4:
        record = _with_stalls(layout, record)
    if layout.size > SEATS or len(record) != record_size(layout):
        raise ValueError("a vitals state of the wrong size")
    state = VitalsState(
        layout=layout,
        record=record,
        worked=_moment(more[1]) if len(more) > 1 else 0.0,
        lost=msgspec.convert(more[0], list[str]) if more else [],
    )
    exact, rough, _ = numbers(layout, np.frombuffer(record, np.uint8))
    if is_plainly_sound(exact, rough):
        return state
    state.record = np.frombuffer(bytearray(record), np.uint8)
    return mended(state, fleet)


def _moment(raw: Any) -> float:
    """Unix seconds; 0 for what can't be any."""
    at = msgspec.convert(raw, float)
    return at if 0.0 <= at < _LATEST else 0.0


def _with_stalls(layout: Layout, record: bytes) -> bytes:
    """Version 4 ended its rough numbers before those of the traffic, which begin as zeros."""
    exact, rough, whole = state_sizes(layout)
    first = 8 * exact + 4 * (rough - STALLS)
    if len(record) != -(-(first + 2 * whole) // 8) * 8:
        raise ValueError("a vitals state of the wrong size")
    grown = record[:first] + bytes(4 * STALLS) + record[first : first + 2 * whole]
    return grown + bytes(-len(grown) % 8)


def _upgraded(kept: Any, fleet: FleetTail) -> VitalsState:
    """Version 1: the gauges' pasts go on; the bank of that time had other bands, so it starts anew."""
    state = fresh_state(fleet)
    watches = state.past().watches
    for name, old in msgspec.convert(kept, dict[str, _Watch]).items():
        if name not in PLACE_OF:
            continue
        at, sample = PLACE_OF[name], np.frombuffer(old.sample, np.float32)
        for field in _SAME:
            getattr(watches, field)[0, at] = getattr(old, field)
        while len(sample) > watches.sample.shape[2]:
            sample = sample[1::2]
            watches.stride[0, at] *= 2.0
        watches.filled[0, at] = len(sample)
        watches.sample[0, at, : len(sample)] = sample
    state.lost = [TOGETHER]
    return mended(state, fleet)
