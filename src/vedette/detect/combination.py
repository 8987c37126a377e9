"""From the experts' cases to one number: how rare all of it together is.

Each voice's strongest cases are put on the common scale (a monotone line through knots, fitted by `model build`), and then

    x_expert = ln sum e^y                   over its cases, three at most, so traces of one act add 1.1 nats at most
    total    = 3/2 ln sum e^(x / 1.5)        over experts: two at one height are 1.04 nats rarer than either alone

One sure case alone speaks, so do two experts that are half sure; nothing adds without bound. Both sums grow with every case
and move with the threshold, so another budget is a shift. Experts are not taken for independent (then two would add their
whole odds), because honest work shows in several of them too: a deploy starts processes, opens ports and moves metrics.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, log
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ABSENT",
    "AGREES",
    "AMONG",
    "COUNTED",
    "LOUDEST",
    "SCALED",
    "VOICES",
    "Combination",
    "Combine",
    "Scale",
    "expert_of",
]

Floats = NDArray[Any]

COUNTED = 3
"""Cases that count of one voice, so that a crowd of weak ones (an install) can't outvote a threshold."""
ABSENT, LOUDEST = -50.0, 50.0
"""The least and the most nats that anything is worth."""
AMONG = 1.5
AGREES = -AMONG * log(2.0)
"""Nats above which an expert is half sure: with another one like it, it speaks."""
KNOTS = 16

VOICES: Mapping[str, float] = {
    "behaviour": 0.2,
    "inventory": 0.2,
    "vitals": 0.2,
    "vitals.bank": 0.4,
}
"""Each voice's share of the budget. A voice is an expert, or a part of one that is scaled by itself."""
SCALED = frozenset({"vitals.bank"})
"""Voices that scale themselves, by their own host."""


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """A rising line through points: raw nats `at`, and what they are worth, `nats`. Beyond the ends it goes on at 45 degrees."""

    at: tuple[float, ...] = (0.0,)
    nats: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        points = [*self.at, *self.nats]
        if not 0 < len(self.at) == len(self.nats) <= KNOTS or not all(map(isfinite, points)):
            raise ValueError(f"a scale has 1 to {KNOTS} points, each a pair of finite numbers")
        if any(a >= b for a, b in zip(self.at, self.at[1:], strict=False)):
            raise ValueError("a scale's points are in order, each further than the one before")
        if any(a > b for a, b in zip(self.nats, self.nats[1:], strict=False)):
            raise ValueError("a scale never falls")


class Combine(Protocol):
    """Float64 [N, voices, 3] raw nats in (ABSENT where there is no case).

    Out: on the scale [N, voices, 3], by expert [N, experts], and in all [N], at the reference budget.
    """

    def __call__(self, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """Computes it."""
        ...


class Combination:
    """The reference in NumPy; what is served is the graph made of it. `voices` and `experts` name the axes."""

    def __init__(self, scales: Mapping[str, Scale]) -> None:
        self.voices = tuple(VOICES)
        self.experts = tuple(dict.fromkeys(map(expert_of, self.voices)))
        self.at, self.rise, self.base = _hinges([scales.get(name, Scale()) for name in self.voices])
        self.members = np.array(
            [[float(expert_of(voice) == name) for name in self.experts] for voice in self.voices]
        )

    def __call__(self, raw: Floats) -> tuple[Floats, Floats, Floats]:
        """As `Combine` says."""
        held = np.clip(raw, ABSENT, LOUDEST)
        bent = np.maximum(held[..., None] - self.at[:, None, :], 0.0) * self.rise[:, None, :]
        scaled = np.clip(held + self.base[:, None] + bent.sum(axis=-1), ABSENT, LOUDEST)
        weight = np.exp(scaled).sum(axis=-1) @ self.members
        experts = np.log(weight)
        total = AMONG * np.log(np.exp(experts / AMONG).sum(axis=-1))
        return scaled, experts, total


def expert_of(voice: str) -> str:
    """The expert that a voice belongs to."""
    return voice.split(".", 1)[0]


def _hinges(scales: Sequence[Scale]) -> tuple[Floats, Floats, Floats]:
    """The lines as x + base + sum of rise * max(x - at, 0), which a graph can compute."""
    at, rise = np.zeros((len(scales), KNOTS)), np.zeros((len(scales), KNOTS))
    base = np.array([scale.nats[0] - scale.at[0] for scale in scales])
    for row, scale in enumerate(scales):
        x, y = np.array(scale.at), np.array(scale.nats)
        slopes = np.concatenate(([1.0], np.diff(y) / np.diff(x), [1.0]))
        at[row, : len(x)], rise[row, : len(x)] = x, np.diff(slopes)
    return at, rise, base
