"""All that is kept of one host between its snapshots, and its bytes."""

from collections.abc import Mapping
from typing import Any

import msgspec

from vedette.detect.confirmation import Recent
from vedette.detect.expert import Expert
from vedette.detect.knowledge import Told
from vedette.detect.pardon import Pardons
from vedette.detect.since import Began
from vedette.detect.tables import Tables
from vedette.detect.timeline import Timeline

__all__ = ["HostState", "decode_state", "encode_state", "fresh_state"]

VERSION = 1


class HostState(msgspec.Struct, kw_only=True):
    """Changed in place by the detector as it steps.

    `recent` is what made its last snapshots abnormal. `experts` holds each expert's own state by its name, `kept` what it
    was last dumped as (no entry: it came fresh); `told` what this host told others, `pardons` what
    people said of it. `began` is since when reasons are told that bear no time of their own.
    """

    timeline: Timeline
    tables: Tables
    experts: dict[str, Any]
    recent: Recent = []
    kept: dict[str, Any] = {}
    told: Told = msgspec.field(default_factory=Told)
    pardons: Pardons = msgspec.field(default_factory=Pardons)
    began: Began = {}


class _Wire(msgspec.Struct, kw_only=True):
    version: int
    timeline: Timeline
    tables: Tables
    experts: dict[str, Any]
    told: Told = msgspec.field(default_factory=Told)
    recent: Recent = []
    pardons: Pardons = msgspec.field(default_factory=Pardons)
    began: Began = {}


_ENCODER = msgspec.msgpack.Encoder()
_WIRE = msgspec.msgpack.Decoder(_Wire)


def fresh_state(experts: Mapping[str, Expert[Any]]) -> HostState:
    """The state of a host that was never seen."""
    states = {name: expert.fresh() for name, expert in experts.items()}
    return HostState(timeline=Timeline(), tables=Tables(), experts=states)


def encode_state(state: HostState) -> bytes:
    """The state as bytes, without loss: what is decoded goes on exactly as what was encoded.

    Of the experts' states it takes what they were last dumped as.
    """
    wire = _Wire(
        version=VERSION,
        timeline=state.timeline,
        tables=state.tables,
        experts=state.kept,
        told=state.told,
        recent=state.recent,
        pardons=state.pardons,
        began=state.began,
    )
    return _ENCODER.encode(wire)


def decode_state(blob: bytes | None, experts: Mapping[str, Expert[Any]]) -> HostState:
    """The state of these bytes. One of another version, or damaged, becomes a fresh one that says it was lost."""
    if blob is None:
        return fresh_state(experts)
    try:
        wire = _WIRE.decode(blob)
        if wire.version != VERSION:
            return _lost(experts)
        states = {name: expert.load(wire.experts[name]) for name, expert in experts.items()}
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError):
        return _lost(experts)
    kept = {name: wire.experts[name] for name in states}
    return HostState(
        timeline=wire.timeline,
        tables=wire.tables,
        experts=states,
        recent=wire.recent,
        kept=kept,
        told=wire.told,
        pardons=wire.pardons,
        began=wire.began,
    )


def _lost(experts: Mapping[str, Expert[Any]]) -> HostState:
    state = fresh_state(experts)
    state.timeline.lost_state = True
    return state
