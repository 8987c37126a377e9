"""How much a host sends: what is usual, and what is far more."""

from typing import NamedTuple

from vedette.detect.view import View

__all__ = ["Surge", "surge", "usual"]

_SENT = "system.network.io.transmit.rate"
_FAR_MORE, _MUCH = 4.0, 3e5  # times the most that is usual, and so many bytes a second beyond it
_MORE, _SOME = 2.5, 5e4
_QUICKLY, _SLOWLY = 0.2, 0.001


class Surge(NamedTuple):
    """What is sent beside the most that is usual: so many `times` that, and so many bytes a second `beyond` it."""

    times: float
    beyond: float

    @property
    def far(self) -> bool:
        """Whether it is far more, so that it says something by itself."""
        return self.times > _FAR_MORE and self.beyond > _MUCH

    @property
    def more(self) -> bool:
        """Whether it is so much more that it says something beside a peer that is new."""
        return self.times > _MORE and self.beyond > _SOME


def surge(view: View, before: float) -> Surge:
    """What is sent now, where `before` is the most that is usual (bytes a second)."""
    sent = view.metrics.get(_SENT, 0.0)
    return Surge(sent / max(before, 1.0), sent - before)


def usual(before: float, view: View) -> float:
    """The most that is usually sent, in bytes a second: quickly learned, slowly forgotten."""
    sent = view.metrics.get(_SENT)
    if sent is None:
        return before
    return (
        sent if not before else before + (_QUICKLY if sent > before else _SLOWLY) * (sent - before)
    )
