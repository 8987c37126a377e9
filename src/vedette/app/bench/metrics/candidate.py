"""What a detector gives on one series, and what the bench asks of each."""

from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.app.bench.metrics.series import Series

__all__ = ["Candidate", "Outcome", "Warmup", "warm_rows"]

Floats = NDArray[Any]
Warmup = Literal["train", "none"]

_FIRST = 500  # rows of test that stand for a warm-up where there is none


class Outcome(msgspec.Struct, kw_only=True):
    """`score` has one finite float for each row of test, higher is more abnormal.

    `cpu_us` is process time per row that was streamed or fitted on, `state_bytes` what must be kept of one host, pickled.
    """

    score: Floats
    cpu_us: float
    state_bytes: int


class Candidate(Protocol):
    """A detector under one configuration for all series."""

    @property
    def name(self) -> str:
        """As it is asked for."""
        ...

    @property
    def note(self) -> str:
        """What one should know of it in a few words: its package, its settings, whether it looks ahead."""
        ...

    @property
    def package(self) -> str | None:
        """The package that must be installed for it."""
        ...

    def run(self, series: Series, warmup: Warmup) -> Outcome:
        """Goes over one series from a fresh state."""
        ...


def warm_rows(series: Series, warmup: Warmup) -> Floats:
    """What a detector that must be fitted beforehand is fitted on: train, or else the first 500 rows of test."""
    rows = series.train if warmup == "train" and len(series.train) else series.test[:_FIRST]
    # Those detectors have no way to treat what is missing.
    return np.nan_to_num(rows)
