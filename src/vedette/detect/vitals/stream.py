"""Many series of the same metrics, looked at together: the bank as the vitals expert uses it, without snapshots."""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.core import InvalidInput
from vedette.detect.rarity import FleetTail, Rarity
from vedette.detect.vitals.bands import CHUNK, REFRESH, Reading, learn_rows, read_rows, shares
from vedette.detect.vitals.banks import BANDS, Banks, fresh_banks
from vedette.detect.vitals.layout import layout_of
from vedette.detect.vitals.magnitude import MOST

__all__ = ["StreamReading", "VitalsStream"]

Floats = NDArray[Any]

_ALARM_PACE = 0.1


class StreamReading:
    """What one row of each host says. All [H]: `score`, finite, higher is stranger; `nats` as in `Rarity`; `alarm`."""

    def __init__(
        self,
        score: Floats,
        nats: Floats,
        alarm: NDArray[np.bool_],
        parts: Sequence[tuple[Banks, Reading]],
    ) -> None:
        self.score, self.nats, self.alarm, self._parts = score, nats, alarm, parts

    def shares(self) -> Floats:
        """float64 [H, D]: each metric's share of its host's score; a host's shares sum to 1. To be asked before the next step."""
        return np.concatenate([shares(banks, reading) for banks, reading in self._parts])


class VitalsStream:
    """H series of the D metrics `names`, from a cold start. Causal: a row is scored by what came before it, then learned.

    `per_month` are the false incidents accepted of a host in a month of 30 days; alarms less than half an hour apart are one.
    """

    def __init__(self, names: Sequence[str], hosts: int, *, per_month: float = 1.0) -> None:
        phases = np.arange(hosts, dtype=np.float64) % REFRESH
        self.banks = fresh_banks(layout_of(tuple(names)), phases)
        self._rarity, self._shift = Rarity.fresh(hosts, FleetTail()), log(per_month)
        self._levels = np.full(hosts, BANDS * log(1.0 + len(names)))
        self._minutes = np.ones(hosts)
        self._parts = [self.banks.part(slice(at, at + CHUNK)) for at in range(0, hosts, CHUNK)]
        self._last: StreamReading | None = None
        self._readings: list[tuple[Banks, Reading]] = []

    @property
    def state_bytes(self) -> int:
        """What is kept of each host, in bytes: the bank and the tail of its scores."""
        kept = (self.banks.exact, self.banks.rough, self._rarity.exact, self._rarity.rough)
        return int(sum(block.nbytes for block in kept)) // len(self.banks.units)

    def step(self, rows: Floats, minutes: float | Floats = 1.0) -> StreamReading:
        """Scores the next row of each host.

        `rows` float64 [H, D]; what is NaN or beyond 1e15 counts as not sent. `minutes` have passed since the rows before,
        one number or [H]; a row every minute or more rarely is one look.

        Raises:
            InvalidInput: the rows are of another shape.
        """
        rows = np.asarray(rows, dtype=np.float64)
        if rows.shape != (len(self.banks.units), self.banks.layout.size):
            raise InvalidInput(f"rows of shape {rows.shape} do not fit these hosts and metrics")
        self._learn()  # of the rows before, with their own minutes
        with np.errstate(invalid="ignore"):
            rows = np.where(np.abs(rows) < MOST, rows, np.nan)
        self._minutes = np.broadcast_to(np.asarray(minutes, dtype=np.float64), len(rows))
        looks = np.clip(self._minutes, 0.0, 1.0)
        self._readings = [
            (part, read_rows(part, rows[at : at + CHUNK], looks[at : at + CHUNK]))
            for at, part in zip(range(0, len(rows), CHUNK), self._parts, strict=True)
        ]
        score = np.concatenate([reading.score for _, reading in self._readings])
        nats = self._rarity.nats(score)
        self._last = StreamReading(score, nats, nats + self._shift > 0.0, self._readings)
        return self._last

    def _learn(self) -> None:
        if self._last is None:
            return
        pace = np.where(self._last.alarm, _ALARM_PACE, 1.0)
        last = self._last
        self._rarity.learn(
            last.score, last.nats, levels=self._levels, minutes=self._minutes, shift=self._shift
        )
        for at, (part, reading) in enumerate(self._readings):
            learn_rows(part, reading, pace[at * CHUNK : (at + 1) * CHUNK])
