"""How rare a score is on its own host, in nats that mean the same on every host; for many hosts at once.

The body is conformal: the share of the host's own past scores (forgetting) that were as high. Above its 98% quantile u the
unit is no longer the row but the event, because rows of one trouble come together: of each run of scores over u (runs
less than 30 minutes apart are one) the peak counts, and the peaks' excess over u has a generalised-Pareto tail, fitted by
moments. So with r(s) events an hour, a day or a month above a score s

    nats(s) = ln(1 a month / r(s)) - c

and events above x nats come e^-x a host-month. (Peaks over threshold: Pickands 1975; Siffer et al., KDD 2017, take rows.)
`c` is what the host has earned by its own alarms: each new one raises it by 0.35 nats, time lowers it at the rate that was
asked for, so that the budget holds however wrong the tail is (adaptive conformal inference, Gibbs and Candes, 2021). On a
young host both go by larger steps, which shrink with its looks (as in online conformal prediction with decaying step
sizes, Angelopoulos, Barber and Bates, 2024): there the tail is least known, and a burst is ended sooner.

An event that is told stays open for half an hour after its last alarm, and what belongs to it needs a nat less: it was
paid for already, and to fall below the threshold for a while and cross it again is no second event (hysteresis).

What a host does can't make it deaf: c stays within -1 and 3 nats, u within 8 of the fleet's, a peak that made an alarm is
learned as one that barely did, and a row of an alarm as a tenth of one.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

__all__ = ["MONTH", "SILENT", "FleetTail", "Rarity"]

Floats = NDArray[Any]

MONTH = 43_200.0
"""Minutes of a host-month."""
SILENT = -50.0
"""The nats of a score on a host that is too young to be asked."""

_BINS, _WIDTH = 128, 0.4
_BODY = 0.02  # share of looks above u
_HALF_LIFE = 10_080.0  # looks
_APART = 30.0  # minutes between two events
_LONGEST = 10.0  # minutes that one look may stand for
_YOUNG = 300.0  # looks before the first word
_DOUBT = 4.0  # nats that the first word lacks; the lack falls with the looks
_EVERY, _EVERY_YOUNG = 30.0, 10.0
_FLEET_LOOKS, _FLEET_PEAKS = 150.0, 10.0  # what the fleet's tail is worth on a young host
_STEEPEST = 0.3  # shape of the tail, at most; 0 is exponential
_LEAST_SCALE, _MOST_SCALE = 0.2, 6.0
_FAR = 8.0
_HOLD = 1.0  # nats that an open event is ahead
_GAIN, _LEAST, _MOST = 0.35, -1.0, 3.0
_QUICK = 1000.0  # looks at which a young host's step is twice that
_RARE = 0.1
_SCALARS = (
    "looks",
    "heard",
    "time",
    "since",
    "quiet",
    "top",
    "offset",
    "rate",
    "scale",
    "shape",
    "level",
    "ticks",
)


class FleetTail(msgspec.Struct, frozen=True, kw_only=True):
    """What holds of a host that has no past yet.

    `level` is how far the host's 98% quantile usually lies above what its score has by its number of metrics alone,
    `rate` the events a day over it, `excess` by how much their peaks pass it in the mean.
    """

    level: float = 5.0
    rate: float = 2.0
    excess: float = 1.6


class Rarity:
    """Of H hosts. `exact` float64 [H, 12] and `rough` float32 [H, 256] are all of its state, 1,120 bytes a host."""

    def __init__(self, exact: Floats, rough: Floats, fleet: FleetTail) -> None:
        self.exact, self.rough, self._fleet = exact, rough, fleet
        self.rows, self.peaks = rough[:, :_BINS], rough[:, _BINS:]
        for name, column in zip(_SCALARS, exact.T, strict=True):
            setattr(self, name, column)

    looks: Floats
    heard: Floats
    time: Floats
    since: Floats
    quiet: Floats
    top: Floats
    offset: Floats
    rate: Floats
    scale: Floats
    shape: Floats
    level: Floats
    ticks: Floats

    @classmethod
    def fresh(cls, hosts: int, fleet: FleetTail) -> "Rarity":
        """Hosts without a past."""
        rarity = cls(
            np.zeros((hosts, len(_SCALARS))), np.zeros((hosts, 2 * _BINS), np.float32), fleet
        )
        rarity.quiet[:], rarity.since[:] = MONTH, MONTH
        rarity.rate[:], rarity.scale[:] = fleet.rate / 1440.0, fleet.excess
        rarity.level[:] = -1.0
        return rarity

    @classmethod
    def load(cls, blobs: Sequence[bytes], fleet: FleetTail) -> "Rarity":
        """The hosts of these dumps, in their order.

        Raises:
            ValueError: one is no dump, or holds what can't be.
        """
        size = 8 * len(_SCALARS)
        if any(len(blob) != size + 8 * _BINS for blob in blobs):
            raise ValueError("a tail is of another length")
        exact = np.array([np.frombuffer(blob[:size]) for blob in blobs]).reshape(-1, len(_SCALARS))
        rough = np.array([np.frombuffer(blob[size:], np.float32) for blob in blobs])
        rarity = cls(exact, rough.reshape(-1, 2 * _BINS), fleet)
        if not rarity.sound().all():
            raise ValueError("a tail holds what can't be")
        return rarity

    def dump(self, host: int) -> bytes:
        """One host's state, without loss."""
        blob: bytes = self.exact[host].tobytes() + self.rough[host].tobytes()
        return blob

    def sound(self) -> NDArray[np.bool_]:
        """Bool [H]: whether a host's numbers are such as learning leaves."""
        e = self.exact
        with np.errstate(invalid="ignore"):
            kept = np.isfinite(e).all(axis=1) & np.isfinite(self.rough).all(axis=1)
            kept &= (self.rough >= 0.0).all(axis=1) & (self.rate > 0.0) & (self.scale > 0.0)
            kept &= (self.offset >= _LEAST) & (self.offset <= _MOST) & (self.shape >= 0.0)
            kept &= (self.looks >= 0.0) & (self.heard >= 0.0) & (self.time >= 0.0)
        return kept

    def nats(self, scores: Floats) -> Floats:
        """float64 [H]: events above a score so rare come e^-nats a host-month; where one is open, a nat more.

        Higher scores never have fewer nats.
        """
        over = np.maximum(scores - self.level, 0.0) / self.scale
        shape = np.maximum(self.shape, 1e-6)
        tail = np.log1p(shape * over) / shape
        body = np.log(_BODY / np.maximum(self._above(scores), 1e-9))
        at_level = -np.log(self.rate * MONTH)
        nats = at_level + np.where(scores > self.level, tail, np.minimum(body, 0.0)) - self.offset
        nats -= _DOUBT * _YOUNG / np.maximum(self.looks, 1.0)
        nats += _HOLD * (self.quiet < _APART)
        return np.where(self.looks < _YOUNG, SILENT, np.maximum(nats, SILENT))

    def learn(
        self,
        scores: Floats,
        nats: Floats,
        *,
        levels: Floats,
        minutes: Floats,
        shift: Floats | float,
    ) -> None:
        """Takes a look's scores in; `nats` is what they gave.

        `levels` [H] is what each host's score has by its number of metrics alone; `minutes` [H] have passed since its look
        before; `shift` is ln(incidents a host-month asked of this voice), which says what was an alarm.
        """
        minutes = np.minimum(np.maximum(minutes, 0.0), _LONGEST)
        look = np.minimum(minutes, 1.0)
        alarm = nats + shift > 0.0
        self._steer(alarm, minutes, np.exp(shift))
        self._close(minutes)
        over = (scores > self.level) & (self.level >= 0.0)
        if np.count_nonzero(over):
            np.maximum(self.top, self._bounded(scores, shift), out=self.top, where=over)
            self.since *= ~over
        keep = 0.5 ** (look / _HALF_LIFE)
        self.rough *= keep[:, None].astype(np.float32)
        weight = look * np.where(alarm, _RARE, 1.0)
        self.rows[np.arange(len(scores)), _bin(scores)] += weight.astype(np.float32)
        self.heard[:] = self.heard * keep + look
        self.time[:] = self.time * keep + minutes
        self.looks[:] = np.minimum(self.looks + look, 1e9)
        self._refresh(levels)

    def _steer(self, alarm: Floats, minutes: Floats, asked: Floats | float) -> None:
        self.quiet[:] = np.minimum(self.quiet + minutes, MONTH)
        new = alarm & (self.quiet > _APART)
        old = self.looks >= _YOUNG
        gain = _GAIN * (1.0 + _QUICK / np.maximum(self.looks, _YOUNG))
        moved = self.offset + gain * (new - asked * minutes / MONTH * old)
        self.offset[:] = np.minimum(np.maximum(moved, _LEAST), _MOST)
        self.quiet *= ~alarm

    def _close(self, minutes: Floats) -> None:
        """Counts the peak of each event that has ended."""
        self.since[:] = np.minimum(self.since + minutes, MONTH)
        over = (self.since > _APART) & (self.top > 0.0)
        if not np.count_nonzero(over):
            return
        ended = np.flatnonzero(over)
        self.peaks[ended, _bin(self.top[ended])] += np.float32(1.0)
        self.top[ended] = 0.0

    def _bounded(self, scores: Floats, shift: Floats | float) -> Floats:
        """The scores, but none further above that which is an alarm than the tail's own scale."""
        needed = np.maximum(np.log(self.rate * MONTH) + self.offset - shift, 0.0)
        shape = np.maximum(self.shape, 1e-6)
        bound: Floats = self.level + self.scale * (np.expm1(shape * needed) / shape + 1.0)
        return np.minimum(scores, bound)

    def _above(self, scores: Floats) -> Floats:
        """The share of a host's looks with a higher score, between the edges of the bins."""
        place = np.minimum(np.maximum(scores / _WIDTH, 0.0), _BINS - 1e-6)
        first = place.astype(np.intp)
        counts = self.rows.astype(np.float64)
        below = counts.cumsum(axis=1)
        host, every = np.arange(len(scores)), below[:, -1]
        # Of the bin that the score is in, the part above it.
        own = counts[host, first] * (1.0 - (place - first))
        share: Floats = (every - below[host, first] + own) / np.maximum(every, 1e-9)
        return share

    def _refresh(self, levels: Floats) -> None:
        self.ticks += 1.0
        every = np.where(self.looks < _YOUNG, _EVERY_YOUNG, _EVERY)
        due = np.flatnonzero(self.ticks >= every)
        if not len(due):
            return
        self.ticks[due] = 0.0
        self.level[due] = self._levels(due, levels[due])
        fleet = self._fleet
        excess = (np.arange(_BINS) + 0.5) * _WIDTH - self.level[due, None]
        count = np.where(excess > -_WIDTH / 2, self.peaks[due], 0.0)
        excess = np.maximum(excess, _WIDTH / 4)
        peaks = count.sum(axis=1)
        among = peaks + _FLEET_PEAKS
        mean = ((count * excess).sum(axis=1) + _FLEET_PEAKS * fleet.excess) / among
        square = ((count * excess**2).sum(axis=1) + _FLEET_PEAKS * 2.0 * fleet.excess**2) / among
        shape = 0.5 * (1.0 - mean**2 / np.maximum(square - mean**2, 1e-9))
        self.shape[due] = np.clip(shape, 0.0, _STEEPEST)
        self.scale[due] = np.clip(mean * (1.0 - self.shape[due]), _LEAST_SCALE, _MOST_SCALE)
        self.rate[due] = among / (self.time[due] + _FLEET_PEAKS / (fleet.rate / 1440.0))

    def _levels(self, due: NDArray[np.intp], levels: Floats) -> Floats:
        """u: the host's own 98% quantile, drawn to the fleet's while it is young and never far from that."""
        above = self.rows[due].astype(np.float64)[:, ::-1].cumsum(axis=1)[:, ::-1]
        above /= np.maximum(above[:, :1], 1e-9)
        last = np.clip((above > _BODY).sum(axis=1), 1, _BINS - 1)
        host = np.arange(len(due))
        high, low = above[host, last - 1], above[host, last]
        own = (last - 1 + (high - _BODY) / np.maximum(high - low, 1e-9)) * _WIDTH
        fleet = levels + self._fleet.level
        heard = self.heard[due]
        drawn: Floats = (heard * own + _FLEET_LOOKS * fleet) / (heard + _FLEET_LOOKS)
        return np.clip(drawn, np.maximum(fleet - _FAR, 0.0), fleet + _FAR)


def _bin(scores: Floats) -> NDArray[np.intp]:
    return np.minimum(np.maximum(scores / _WIDTH, 0), _BINS - 1).astype(np.intp)
