"""Many series of the same metrics, looked at together: the bank as the vitals expert uses it, without snapshots."""

from collections.abc import Sequence
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.core import InvalidInput
from vedette.detect.rarity import FleetTail, Rarity
from vedette.detect.vitals.bands import (
    CHUNK,
    REFRESH,
    Reading,
    learn_rows,
    level,
    read_rows,
    shares,
)
from vedette.detect.vitals.banks import Banks, fresh_banks
from vedette.detect.vitals.layout import layout_of
from vedette.detect.vitals.tempo import Tempo, tempo

__all__ = ["StreamReading", "VitalsStream"]

Floats = NDArray[Any]

_ALARM_PACE = 0.1


class _Part(NamedTuple):
    banks: Banks
    reading: Reading
    time: Tempo


class StreamReading:
    """What one row of each host says, [H]: `score` finite, higher is stranger; `nats` how rare that is on its host; `alarm`.

    Events above x nats come about e^-x a host-month (see `Rarity`).
    """

    def __init__(
        self, score: Floats, nats: Floats, alarm: NDArray[np.bool_], parts: Sequence[_Part]
    ) -> None:
        self.score, self.nats, self.alarm, self._parts = score, nats, alarm, parts

    def shares(self) -> Floats:
        """float64 [H, D]: each metric's share of its host's score; a host's sum to 1. To be asked before the next step."""
        return np.concatenate([shares(part.reading) for part in self._parts])


class VitalsStream:
    """H series of the D metrics `names`, from a cold start. Causal: a row is scored by what came before it, then learned.

    `per_month` are the false incidents accepted of a host in a month of 30 days; alarms less than half an hour apart are one.
    """

    def __init__(
        self,
        names: Sequence[str],
        hosts: int,
        *,
        per_month: float = 1.0,
    ) -> None:
        phases = np.arange(hosts, dtype=np.float64) % REFRESH
        self.banks = fresh_banks(layout_of(tuple(names)), phases)
        self._rarity = Rarity.fresh(hosts, FleetTail())
        self._shift = log(per_month)
        self._last: StreamReading | None = None
        self._parts: list[_Part] = []

    @property
    def state_bytes(self) -> int:
        """What is kept of each host, in bytes: the bank and the tail of its scores."""
        banks, tail = self.banks, self._rarity
        kept = (banks.exact, banks.rough, banks.whole, tail.exact, tail.rough)
        return int(sum(block.nbytes for block in kept)) // len(self.banks.units)

    def step(self, rows: Floats, minutes: float | Floats = 1.0) -> StreamReading:
        """Scores the next row of each host.

        `rows` float64 [H, D]; what is NaN, or can't be, counts as not sent. `minutes` have passed since the rows before:
        one number, or [H].

        Raises:
            InvalidInput: the rows are of another shape.
        """
        rows = np.asarray(rows, dtype=np.float64)
        hosts, layout = len(self.banks.units), self.banks.layout
        if rows.shape != (hosts, layout.size):
            raise InvalidInput(f"rows of shape {rows.shape} do not fit these hosts and metrics")
        self._learn()
        with np.errstate(invalid="ignore"):
            rows = np.where((rows >= layout.least) & (rows <= layout.most), rows, np.nan)
        passed = np.broadcast_to(np.asarray(minutes, dtype=np.float64), hosts)
        self._parts = []
        for at in range(0, hosts, CHUNK):
            some = slice(at, at + CHUNK)
            banks = self.banks.part(some)
            time = tempo(banks, passed[some], np.zeros(len(banks.units), np.bool_))
            self._parts.append(_Part(banks, read_rows(banks, rows[some], time), time))
        score = np.concatenate([part.reading.score for part in self._parts])
        nats = self._rarity.nats(score)
        self._last = StreamReading(score, nats, nats + self._shift > 0.0, self._parts)
        return self._last

    def _learn(self) -> None:
        last = self._last
        if last is None:
            return
        pace = np.where(last.alarm, _ALARM_PACE, 1.0)
        for at, (banks, reading, time) in enumerate(self._parts):
            learn_rows(banks, reading, time, pace[at * CHUNK : (at + 1) * CHUNK])
        minutes = np.concatenate([part.time.minutes for part in self._parts])
        self._rarity.learn(
            last.score, last.nats, levels=level(self.banks), minutes=minutes, shift=self._shift
        )
