"""How time goes by for a host: by its own looks.

One unit is the usual spacing of a host's looks, but at least a minute. What was tuned on rows of one minute holds on
rows of five as it is (both benches have the same constants by the row), so half-lives go by looks; but who looks every
second must not forget in minutes, and his host is not a day old after a day's number of looks.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.banks import Banks

__all__ = ["Tempo", "tempo"]

_LONGEST = 10.0  # minutes; a longer pause teaches no more than that
_SPAN = 60.0  # units; after such a pause the filters stand where the values are
_PACE = 0.1

Floats = NDArray[Any]


class Tempo(NamedTuple):
    """Of H hosts: what passed since their last looks.

    [H]: `minutes` (at most 10), what this `look` teaches (0..1 units), the `span` in units, the `spacing` in minutes as it
    is now, and whether the machine was `booted` in between.
    """

    minutes: Floats
    look: Floats
    span: Floats
    spacing: Floats
    booted: Floats


def tempo(banks: Banks, minutes: Floats, booted: Floats) -> Tempo:
    """`minutes` [H] have passed since the last look, NaN where nobody can tell (the first one, a clock that was set)."""
    usual = banks.spacing
    finite = np.isfinite(minutes)
    known = finite & (minutes > 0.0)
    passed = np.where(known, minutes, 1.0)
    # One pause, or one look out of turn, moves the usual spacing little.
    near = np.minimum(np.maximum(passed, usual / 2.0), usual * 2.0)
    moved = np.where(usual > 0.0, usual + _PACE * (near - usual), passed)
    spacing = np.where(known, moved, usual)
    passed = np.where(finite, np.maximum(minutes, 0.0), 1.0)
    units = np.where(finite, passed / np.maximum(1.0, spacing), 1.0)
    return Tempo(
        minutes=np.minimum(passed, _LONGEST),
        look=np.minimum(units, 1.0),
        span=np.minimum(units, _SPAN),
        spacing=spacing,
        booted=booted,
    )
