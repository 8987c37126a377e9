"""Counters become rates per second."""

from collections.abc import Mapping

__all__ = ["Counters", "Rates"]

Counters = dict[str, dict[str, float]]


class Rates:
    """Remembers the last reading of each counter: a metric's name, and within it one value per series (device, interface).

    The first reading gives no rate. Nor does one in which any series went back (a wrapped or reset counter, a device
    that was swapped): no value is better than a wrong one. A series that is new or gone counts from its second reading.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[float, dict[str, float]]] = {}

    def update(self, counters: Mapping[str, tuple[float, dict[str, float]]]) -> dict[str, float]:
        """The rates since the last readings. Each counter comes with the monotonic time of its reading, in seconds."""
        rates = {}
        for name, (at, series) in counters.items():
            before = self._last.get(name)
            if before is not None and (rate := _rate(before, at, series)) is not None:
                rates[name] = rate
        # A counter that could not be read now starts anew later.
        self._last = {name: (at, dict(series)) for name, (at, series) in counters.items()}
        return rates


def _rate(
    before: tuple[float, dict[str, float]], at: float, series: dict[str, float]
) -> float | None:
    elapsed = at - before[0]
    grown = [series[key] - value for key, value in before[1].items() if key in series]
    if elapsed <= 0 or not grown or min(grown) < 0:
        return None
    return sum(grown) / elapsed
