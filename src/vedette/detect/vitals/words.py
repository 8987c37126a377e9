"""A gauge's rise in plain words."""

from vedette.detect.vitals.gauges import Gauge
from vedette.detect.vitals.watch import Watch

__all__ = ["how_much", "rise", "usual"]


def how_much(gauge: Gauge, value: float) -> str:
    """A value in the gauge's form: `0.81`, `1,830`, `3.5 per second`, `1.2 MB/s`."""
    if gauge.form in {"share", "load"}:
        return f"{value:.2f}" if value >= 0.1 or not value else f"{value:.3f}"
    if gauge.form == "rate":
        return f"{value:,.1f} per second"
    if gauge.form == "bytes":
        return f"{value / 1e6:,.1f} MB/s"
    return f"{value:,.0f}"


def usual(gauge: Gauge, watch: Watch) -> str:
    """The range that holds four of five of its values."""
    low, high = how_much(gauge, watch.low), how_much(gauge, watch.high)
    return low if low == high else f"{low} to {high}"


def rise(gauge: Gauge, watch: Watch, value: float) -> str:
    """The sentence of a rise, with how long it has lasted."""
    text = f"{gauge.words} {how_much(gauge, value)}, usually {usual(gauge, watch)}"
    lasts = watch.run + 1
    return text if lasts < 2 else f"{text}; high for {lasts} snapshots"
