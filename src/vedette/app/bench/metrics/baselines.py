"""What people take instead: online and fitted detectors of other packages, as they come, and a plain z-score.

One configuration each, their packages' own defaults. Where a detector wants values of 0 to 1 it gets them scaled by the
warm-up rows' range. None is told anything that ours is not told.
"""

import pickle
import warnings
from collections.abc import Callable, Mapping
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.app.bench.metrics.candidate import Candidate, Outcome, Warmup, warm_rows
from vedette.app.bench.metrics.series import Series

__all__ = ["BASELINES", "ZScore"]

Floats = NDArray[Any]
_SEED = 7


class _Online:
    """A detector that looks at one row, then learns it. `make` gives, for one series, the step and the state's holder."""

    def __init__(
        self,
        name: str,
        package: str,
        note: str,
        make: Callable[[Floats], tuple[Callable[[Floats], float], Any]],
    ) -> None:
        self.name, self.note, self._make = name, note, make
        self.package: str | None = package

    def run(self, series: Series, warmup: Warmup) -> Outcome:
        before = len(series.train) if warmup == "train" else 0
        rows = np.nan_to_num(np.concatenate((series.train[:before], series.test)))
        began = process_time()
        step, holder = self._make(warm_rows(series, warmup))
        score = np.array([step(row) for row in rows])
        spent = process_time() - began
        return Outcome(
            score=np.nan_to_num(score[before:]),
            cpu_us=spent / len(rows) * 1e6,
            state_bytes=len(pickle.dumps(holder)),
        )


class _Fitted:
    """A detector that is fitted on the warm-up rows and then asked about all of test at once."""

    def __init__(self, name: str, package: str, note: str, make: Callable[[], Any]) -> None:
        self.name, self.note, self._make = name, note, make
        self.package: str | None = package

    def run(self, series: Series, warmup: Warmup) -> Outcome:
        warm, test = warm_rows(series, warmup), np.nan_to_num(series.test)
        began = process_time()
        model = self._make()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # ECOD: the skew of a constant metric
            model.fit(warm)
            score = np.asarray(model.decision_function(test), dtype=np.float64)
        spent = process_time() - began
        return Outcome(
            score=np.nan_to_num(score),
            cpu_us=spent / (len(warm) + len(test)) * 1e6,
            state_bytes=len(pickle.dumps(model)),
        )


class ZScore:
    """How many standard deviations the strangest metric is from the mean of all rows before, whatever their age."""

    name = "zscore"
    package: str | None = None
    note = "the most of |x - mean| / sd over metrics, mean and sd of all rows before"

    def run(self, series: Series, warmup: Warmup) -> Outcome:
        """Goes over one series."""
        before = len(series.train) if warmup == "train" else 0
        began = process_time()
        z = self.deviations(series, warmup)
        score = z.max(axis=1)
        spent = process_time() - began
        return Outcome(
            score=score,
            cpu_us=spent / (before + len(score)) * 1e6,
            state_bytes=2 * 8 * series.size + 8,
        )

    def deviations(self, series: Series, warmup: Warmup) -> Floats:
        """float64 [N, D]: each metric's own, for each row of test."""
        before = len(series.train) if warmup == "train" else 0
        rows = np.nan_to_num(np.concatenate((series.train[:before], series.test)))
        rows -= rows[0]  # sums of squares of large counters would lose their digits
        count = np.arange(1, len(rows) + 1, dtype=np.float64)[:, None]
        mean = np.cumsum(rows, axis=0) / count
        variance = np.maximum(np.cumsum(rows**2, axis=0) / count - mean**2, 0.0)
        seen = np.maximum.accumulate(np.abs(rows), axis=0)
        sd = np.maximum(np.sqrt(variance), 1e-3 * seen + 1e-9)
        z: Floats = np.zeros_like(rows)
        z[1:] = np.abs(rows[1:] - mean[:-1]) / sd[:-1]
        return z[before:]


def _half_space_trees(warm: Floats) -> tuple[Callable[[Floats], float], Any]:
    from river.anomaly import HalfSpaceTrees

    scaled, forest = _scaling(warm), HalfSpaceTrees(seed=_SEED)

    def step(row: Floats) -> float:
        named = dict(enumerate(scaled(row).tolist()))
        score = forest.score_one(named)
        forest.learn_one(named)
        return float(score)

    return step, forest


def _random_cut_forest(warm: Floats) -> tuple[Callable[[Floats], float], Any]:
    from krcf import RandomCutForest

    scaled = _scaling(warm)
    forest = RandomCutForest(
        {
            "dimensions": warm.shape[1],
            "shingle_size": 1,
            "num_trees": 50,
            "sample_size": 256,
            "random_seed": _SEED,
            "parallel_execution_enabled": False,
        }
    )

    def step(row: Floats) -> float:
        point = scaled(row).tolist()
        score = forest.score(point)
        forest.update(point)
        return float(score)

    return step, forest


def _loda(warm: Floats) -> tuple[Callable[[Floats], float], Any]:
    from pysad.models import LODA

    scaled, model = _scaling(warm), LODA(random_state=_SEED)

    def step(row: Floats) -> float:
        return float(model.fit_score_partial(scaled(row)))

    return step, model


def _ecod() -> Any:
    from pyod.models.ecod import ECOD

    return ECOD()


def _isolation_forest() -> Any:
    from pyod.models.iforest import IForest

    return IForest(random_state=_SEED)


def _scaling(warm: Floats) -> Callable[[Floats], Floats]:
    low, high = warm.min(axis=0), warm.max(axis=0)
    width = np.where(high > low, high - low, 1.0)

    def scaled(row: Floats) -> Floats:
        return np.asarray(np.clip((row - low) / width, -1.0, 2.0))

    return scaled


BASELINES: Mapping[str, Candidate] = {
    one.name: one
    for one in (
        ZScore(),
        _Online("hst", "river", "river HalfSpaceTrees, online", _half_space_trees),
        _Online("rcf", "krcf", "krcf RandomCutForest, 50 trees of 256, online", _random_cut_forest),
        _Online("loda", "pysad", "pysad LODA, online", _loda),
        _Fitted("iforest", "pyod", "PyOD IForest, fitted on the warm-up rows", _isolation_forest),
        _Fitted(
            "ecod",
            "pyod",
            "PyOD ECOD, fitted on the warm-up rows; LOOKS AHEAD: it ranks within all of test",
            _ecod,
        ),
    )
}
