"""What a metric does, in plain words."""

from typing import NamedTuple

from vedette.detect.vitals.gauges import GAUGES, Gauge

__all__ = ["Usual", "fall", "growth", "how_much", "jump", "metric_words", "rise", "usual"]

_HUGE = 1e13  # what no host has; written short
_GAUGES = {gauge.metric: gauge for gauge in GAUGES}


class Usual(NamedTuple):
    """The range that holds four of five of a gauge's values, and for how many looks it has been high."""

    low: float
    high: float
    run: int


def how_much(form: str, value: float) -> str:
    """A value in a gauge's form: `0.81`, `1,830`, `3.5 per second`, `1.2 MB/s`, `0.4 kB/s`; form `number` is any other metric's."""
    if abs(value) >= _HUGE:
        return f"{value:.3g}"
    if form in {"share", "load"}:
        return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.3f}"
    if form == "rate":
        return f"{value:,.1f} per second"
    if form == "bytes":
        return _bytes(value)
    if form == "number":
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    """Bytes a second, in the unit in which they are no fraction."""
    if abs(value) >= 1e5:
        return f"{value / 1e6:,.1f} MB/s"
    return f"{value / 1e3:,.1f} kB/s" if abs(value) >= 100.0 else f"{value:.0f} bytes/s"


def usual(gauge: Gauge, past: Usual) -> str:
    """The usual range."""
    low, high = how_much(gauge.form, past.low), how_much(gauge.form, past.high)
    return low if low == high else f"{low} to {high}"


def rise(gauge: Gauge, past: Usual, value: float) -> str:
    """The sentence of a rise, with how long it has lasted."""
    text = f"{gauge.words} {how_much(gauge.form, value)}, usually {usual(gauge, past)}"
    lasts = past.run + 1
    return text if lasts < 2 else f"{text}; high for {lasts} snapshots"


def growth(gauge: Gauge, value: float, pace: float, past: str) -> str:
    """The sentence of a steady growth; `pace` is by the minute, `past` the usual range."""
    shown = f"{100.0 * pace:.2g} percent" if gauge.form == "share" else f"{pace:.3g}"
    text = (
        f"{gauge.words} {how_much(gauge.form, value)} and growing by {shown} a minute, as never before;"
        f" usually {past}"
    )
    if gauge.form != "share" or pace <= 0.0 or value >= 1.0:
        return text
    minutes = (1.0 - value) / pace
    left = f"{minutes / 60.0:.0f} hours" if minutes >= 120.0 else f"{minutes:.0f} minutes"
    return f"{text}; full in about {left} at this pace"


def jump(gauge: Gauge, value: float, past: str, looks: int) -> str:
    """The sentence of a jump far beyond the past."""
    return (
        f"{gauge.words} {how_much(gauge.form, value)}, far beyond all of this host's past"
        f" (usually {past}); high for {looks} snapshots"
    )


def fall(gauge: Gauge, value: float, past: tuple[str, str], looks: int) -> str:
    """The sentence of a fall; `past` is the value before it and the lowest usual one."""
    before, least = past
    return (
        f"{gauge.words} fell from {before} to {how_much(gauge.form, value)}, lower than ever"
        f" (usually at least {least}); low for {looks} snapshots"
    )


def metric_words(name: str, value: float, expected: float) -> str:
    """One metric of the bank: `Threads 180 where 24 would fit`."""
    gauge = _GAUGES.get(name)
    form = gauge.form if gauge else "number"
    words = gauge.words if gauge else name
    return f"{words} {how_much(form, value)} where {how_much(form, expected)} would fit"
