"""Runs the detector over the recordings, and says what came of it."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vedette.app.bench.hosts.baselines import BASELINES, is_installed
from vedette.app.bench.hosts.cost import measure_cost
from vedette.app.bench.hosts.fleets import BigFleet, Fleet, RecordedFleet
from vedette.app.bench.hosts.judged import Told, looks_of, looks_of_stander
from vedette.app.bench.hosts.plain import budget_row, detail
from vedette.app.bench.hosts.sessions import Recordings, read_recordings
from vedette.app.bench.hosts.tables import print_hosts
from vedette.app.bench.wanted import wanted
from vedette.app.detecting import load_detector
from vedette.app.recording import count_lines
from vedette.core import ConfigError, Record, SystemClock
from vedette.detect import REFERENCE, WARM
from vedette.learn import Figures, Look, build_bundle, tally

_BATCH = 256
_WARM, _STEPS = 3, 6  # batches to settle, and batches that are measured
_AGE = 320  # snapshots that a big host has behind it

__all__ = ["HostsOptions", "run_hosts_bench", "wanted_baselines"]


class HostsOptions(Record, frozen=True, kw_only=True):
    """What to run over which folder.

    `first` keeps so many snapshots of each baseline; `budgets` are incidents a host-month to ask for besides the product's own;
    `model` is a bundle's folder.
    """

    folder: Path
    first: int | None
    leave_role_out: bool
    baselines: tuple[str, ...]
    budgets: tuple[float, ...]
    model: Path | None
    cost: bool


def wanted_baselines(text: str) -> tuple[str, ...]:
    """The baselines of this bench that `text` names (see `wanted`)."""
    return wanted(text, BASELINES)


def run_hosts_bench(options: HostsOptions) -> int:
    """Prints the tables on standard error and the JSON object on standard output."""
    width = None if sys.stderr.isatty() else 120
    console = Console(stderr=True, highlight=False, width=width)
    recordings = read_recordings(options.folder, first=options.first)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:
        outcome = _Bench(options, recordings, bars).measure()
    print_hosts(console, outcome)
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    return 0


class _Bench:
    def __init__(self, options: HostsOptions, recordings: Recordings, bars: Progress) -> None:
        self._options, self._recordings, self._bars = options, recordings, bars

    def measure(self) -> dict[str, Any]:
        options, recordings = self._options, self._recordings
        if options.leave_role_out:
            looks = self._leave_role_out()
        else:
            with self._bar("replay", _count(recordings)) as told:
                looks = looks_of(recordings, options.model, told)
        figures = tally(looks, recordings.segments)
        absent = [name for name in options.baselines if not is_installed(name)]
        return {
            "folder": str(options.folder),
            "hosts": len({session.host for session in recordings.sessions}),
            "sessions": sum(not session.is_baseline for session in recordings.sessions),
            "first": options.first,
            "leave_role_out": options.leave_role_out,
            "labels_without_file": recordings.missing,
            **figures.summary(),
            **detail(figures),
            "baselines": {
                name: self._baseline(name) for name in options.baselines if name not in absent
            },
            "not_installed": absent,
            "budgets": self._budgets(figures),
            "cost": self._cost() if options.cost else {},
        }

    def _budgets(self, own: Figures) -> list[dict[str, Any]]:
        """What is false, and what is found, at the product's own budget and at each that was asked for."""
        rows = [budget_row(REFERENCE, own)]
        if self._options.leave_role_out:
            return rows
        for asked in self._options.budgets:
            if asked != REFERENCE:
                with self._bar(f"budget of {asked:g}", _count(self._recordings)) as told:
                    looks = looks_of(self._recordings, self._options.model, told, budget=asked)
                rows.append(budget_row(asked, tally(looks, self._recordings.segments)))
        return rows

    def _cost(self) -> dict[str, Any]:
        """What a snapshot costs in batches of 256 different hosts: recorded, as agents send them, and big ones."""
        every, batches = self._recordings, _WARM + _STEPS

        def recorded(*, reduced: bool) -> Fleet:
            return RecordedFleet(every, hosts=_BATCH, snapshots=batches, reduced=reduced)

        lives = _count(every) + batches
        fleets: tuple[tuple[str, int, Callable[[], Fleet]], ...] = (
            ("recorded, tables in full", lives, lambda: recorded(reduced=False)),
            ("recorded, as agents send", lives, lambda: recorded(reduced=True)),
            ("big", _AGE + batches, lambda: BigFleet(hosts=_BATCH, snapshots=batches, age=_AGE)),
        )
        costs = {}
        for name, total, make in fleets:
            with self._steps(f"cost: {name}", total) as told:
                detector, cold = (load_detector(self._options.model, warm=n) for n in (WARM, 0))
                costs[name] = measure_cost(
                    detector, make(), cold=cold, warm=_WARM, steps=_STEPS, told=told
                )
        return {name: msgspec.to_builtins(cost) for name, cost in costs.items()}

    def _baseline(self, name: str) -> dict[str, Any]:
        with self._bar(f"baseline {name}", _count(self._recordings)) as told:
            stander = BASELINES[name](self._recordings)
            looks = looks_of_stander(self._recordings, stander, told)
        return tally(looks, self._recordings.segments).summary() | {"note": stander.note}

    def _leave_role_out(self) -> list[Look]:
        """Each role's hosts are judged by a bundle that was made from the other roles' baselines alone."""
        looks: list[Look] = []
        made = SystemClock().now().date().isoformat()
        for role in self._recordings.roles:
            others, mine = self._recordings.without(role), self._recordings.only(role)
            if not others.baselines:
                raise ConfigError("there is no other role to learn from, so none can be left out")
            with TemporaryDirectory(prefix="vedette-bench-") as folder:
                self._build(others.baselines, Path(folder), f"without-{role}", made)
                with self._bar(f"replay {role}", _count(mine)) as told:
                    looks += looks_of(mine, Path(folder), told)
        return looks

    def _build(self, files: Sequence[Path], out: Path, name: str, made: str) -> None:
        task = self._bars.add_task(name)

        def told(what: str, done: int, total: int) -> None:
            self._bars.update(task, description=f"{name}: {what}", completed=done, total=total)

        build_bundle(files, out, name=name, made=made, progress=told)
        self._bars.remove_task(task)

    @contextmanager
    def _steps(self, text: str, total: int) -> Iterator[Told]:
        task = self._bars.add_task(text, total=total)
        yield lambda more: self._bars.advance(task, more)
        self._bars.remove_task(task)

    @contextmanager
    def _bar(self, text: str, total: int) -> Iterator[Told]:
        task = self._bars.add_task(text, total=total)
        yield lambda done: self._bars.update(task, completed=done)
        self._bars.remove_task(task)


def _count(recordings: Recordings) -> int:
    return count_lines([session.path for session in recordings.sessions])
