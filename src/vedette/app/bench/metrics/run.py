"""Runs the detectors over the series, and says what came of it."""

import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vedette.app.bench.metrics.baselines import BASELINES
from vedette.app.bench.metrics.blame import responsible
from vedette.app.bench.metrics.budget import BudgetRow, budget_row
from vedette.app.bench.metrics.candidate import Candidate, Outcome, Warmup
from vedette.app.bench.metrics.measure import Measured, events_row, measured, row_of
from vedette.app.bench.metrics.ours import NAME, Watched, watch
from vedette.app.bench.metrics.series import Series, read_series, same_layout
from vedette.app.bench.metrics.tables import print_metrics
from vedette.app.bench.wanted import wanted
from vedette.core import ConfigError, Record
from vedette.detect import REFERENCE
from vedette.learn import HitRates, count_events

__all__ = ["MetricsOptions", "run_metrics_bench", "wanted_baselines"]

_NOTE = "this one: the vitals expert, online, one configuration"


class MetricsOptions(Record, frozen=True, kw_only=True):
    """What to run over which folder.

    `budget` is what the detector is asked for where alarms are counted, besides what it takes by itself; `budgets` what the table
    of budgets asks for; all in incidents a host-month. `scores` is a folder for the scores of every row of test.
    """

    folder: Path
    warmup: Warmup
    baselines: tuple[str, ...]
    budget: float
    budgets: tuple[float, ...]
    scores: Path | None
    jobs: int


def wanted_baselines(text: str) -> tuple[str, ...]:
    """The baselines of this bench that `text` names (see `wanted`)."""
    return wanted(text, BASELINES)


def run_metrics_bench(options: MetricsOptions) -> int:
    """Prints the tables on standard error and the JSON object on standard output."""
    console = Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else 120)
    series = read_series(options.folder)
    if options.scores is not None:
        _make_folder(options.scores)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        bench = _Bench(options, series, bars)
        figures = bench.measure()
    print_metrics(console, figures)
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    return 0


class _Bench:
    def __init__(self, options: MetricsOptions, series: Sequence[Series], bars: Progress) -> None:
        self._options, self._series, self._bars = options, series, bars

    def measure(self) -> dict[str, Any]:
        options = self._options
        seen = self._watch(options.warmup, REFERENCE, "vedette", blame=True)
        tests = [one.score[one.before :] for one in seen]
        if options.scores is not None:
            for one, score in zip(self._series, tests, strict=True):
                np.save(options.scores / f"{one.name}.npy", score.astype(np.float64))
        ours = [
            measured(one, score, cpu_us=w.cpu_us, state_bytes=w.state_bytes)
            for one, score, w in zip(self._series, tests, seen, strict=True)
        ]
        detectors = {NAME: row_of(ours, _NOTE)}
        detectors[NAME]["events"] = self._events(seen)
        absent = [n for n in options.baselines if not _is_installed(BASELINES[n])]
        for name, every in self._baselines(absent).items():
            detectors[name] = row_of(every, BASELINES[name].note)
        rates = responsible(self._series, seen, options.warmup)
        return {
            "folder": str(options.folder),
            "warmup": options.warmup,
            "series": len(self._series),
            "rows": sum(len(one.test) for one in self._series),
            "without_ranking": [m.name for m in ours if None in m.rank.values()],
            "detectors": detectors,
            "not_installed": absent,
            "responsible": {name: _plain(rate) for name, rate in rates.items()},
            "budgets": [msgspec.to_builtins(row) for row in self._budgets()],
        }

    def _events(self, seen: Sequence[Watched]) -> list[dict[str, Any]]:
        """At the budget that holds where none is asked for, and at the one that was asked for."""
        rows = [self._counted(seen) | {"budget": REFERENCE}]
        asked = self._options.budget
        if asked != REFERENCE:
            other = self._watch(self._options.warmup, asked, f"vedette at {asked:g}")
            rows.append(self._counted(other) | {"budget": asked})
        return rows

    def _counted(self, seen: Sequence[Watched]) -> dict[str, Any]:
        pairs = zip(self._series, seen, strict=True)
        return events_row([count_events(one.label, w.alarm[w.before :]) for one, w in pairs])

    def _budgets(self) -> list[BudgetRow]:
        rows = []
        for asked in self._options.budgets:
            seen = self._watch("train", asked, f"budget of {asked:g}")
            rows.append(budget_row(asked, self._series, seen))
        return rows

    def _watch(
        self, warmup: Warmup, per_month: float, text: str, *, blame: bool = False
    ) -> list[Watched]:
        found: dict[str, Watched] = {}
        for group in same_layout(self._series):
            task = self._bars.add_task(f"{text}: {len(group)} series of {group[0].size}")

            def told(done: int, total: int, task: Any = task) -> None:
                self._bars.update(task, completed=done, total=total)

            seen = watch(group, warmup, per_month=per_month, blame=blame, told=told)
            self._bars.remove_task(task)
            found |= {one.name: w for one, w in zip(group, seen, strict=True)}
        return [found[one.name] for one in self._series]

    def _baselines(self, absent: Sequence[str]) -> Mapping[str, list[Measured]]:
        names = [name for name in self._options.baselines if name not in absent]
        found: dict[str, dict[str, Measured]] = {name: {} for name in names}
        if names:
            task = self._bars.add_task("baselines", total=len(names) * len(self._series))
            jobs = [(name, one) for name in names for one in self._series]
            for name, measure in self._each(jobs):
                found[name][measure.name] = measure
                self._bars.update(task, advance=1, description=f"baselines: {name}")
            self._bars.remove_task(task)
        return {name: [by[one.name] for one in self._series] for name, by in found.items()}

    def _each(self, jobs: Sequence[tuple[str, Series]]) -> Iterator[tuple[str, Measured]]:
        warmup = self._options.warmup
        if self._options.jobs == 1:
            for name, one in jobs:
                yield name, _measure(name, one, warmup)
            return
        with _workers(self._options.jobs) as pool:
            waiting: dict[Future[Measured], str] = {
                pool.submit(_measure, name, one, warmup): name for name, one in jobs
            }
            for done in as_completed(waiting):
                yield waiting[done], done.result()


def _measure(name: str, series: Series, warmup: Warmup) -> Measured:
    outcome: Outcome = BASELINES[name].run(series, warmup)
    return measured(series, outcome.score, cpu_us=outcome.cpu_us, state_bytes=outcome.state_bytes)


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    # Fresh processes: a fork would take along the threads of the progress bar.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def _is_installed(candidate: Candidate) -> bool:
    return candidate.package is None or find_spec(candidate.package) is not None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} can't be made: {error.strerror}") from error


def _plain(rate: HitRates) -> dict[str, Any]:
    return {
        "events": rate.events,
        "hit_rate_100": round(rate.full, 4),
        "hit_rate_150": round(rate.half_more, 4),
        "first_is_right": round(rate.first, 4),
    }
