"""How much a host sends: what is usual, and what is far more."""

from vedette.detect.view import View

__all__ = ["surges", "usual"]

_SENT = "system.network.io.transmit.rate"
_FAR_MORE, _MUCH = 4.0, 3e5  # times the most that is usual, and so many bytes a second beyond it
_QUICKLY, _SLOWLY = 0.2, 0.001
_MOST = 1e15


def surges(view: View, before: float) -> bool:
    """Whether far more is sent than the most that is usual (bytes a second)."""
    return view.snapshot.metrics.get(_SENT, 0.0) > max(_FAR_MORE * before, before + _MUCH)


def usual(before: float, view: View) -> float:
    """The most that is usually sent, in bytes a second: quickly learned, slowly forgotten."""
    sent = view.snapshot.metrics.get(_SENT, 0.0)
    if not 0.0 <= sent < _MOST:
        return before
    return (
        sent if not before else before + (_QUICKLY if sent > before else _SLOWLY) * (sent - before)
    )
