"""`vedette bench metrics` over small made-up series."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vedette.app.bench.metrics import run as bench
from vedette.app.bench.metrics.baselines import BASELINES
from vedette.app.bench.metrics.budget import MONTH, budget_row
from vedette.app.bench.metrics.ours import Watched, watch
from vedette.app.bench.metrics.series import Series, read_series
from vedette.app.cli.main import main
from vedette.detect import REFERENCE
from vedette.learn import Blame

Bench = Callable[..., dict[str, Any]]
ROWS = 720


def made_up(seed: int, *, labelled: bool = True, size: int = 4) -> dict[str, Any]:
    """A calm series; in test, the first two metrics jump for 30 rows."""
    rng = np.random.default_rng(seed)
    label = np.zeros(ROWS, np.uint8)
    test = rng.normal(size=(ROWS, size))
    if labelled:
        label[600:630] = 1
        test[600:630, :2] += 12.0
    return {"train": rng.normal(size=(ROWS, size)), "test": test, "label": label}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two labelled series of one layout, and one of another without an event."""
    np.savez(tmp_path / "a.npz", **made_up(1))
    np.savez(tmp_path / "b.npz", **made_up(2))
    np.savez(tmp_path / "quiet.npz", **made_up(3, labelled=False, size=3))
    (tmp_path / "interpretation").mkdir()
    (tmp_path / "interpretation" / "a.txt").write_text("600-630:1,2\n")
    return tmp_path


def cut(seed: int) -> dict[str, Any]:
    """No more of it than is needed around its event."""
    whole = made_up(seed)
    rows = {name: whole[name][480:680] for name in ("test", "label")}
    return {"train": whole["train"][:60], **rows}


@pytest.fixture
def short(tmp_path: Path) -> Path:
    """One short series with an event."""
    np.savez(tmp_path / "a.npz", **cut(1))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    """The command's JSON object; with `code`, its error."""

    def run(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        monkeypatch.setattr("sys.argv", ["vedette", "bench", "metrics", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        assert (end.value.code or 0) == code, said.err
        if code:
            return {"error": said.err}
        found: dict[str, Any] = json.loads(said.out)
        return found | {"tables": said.err}

    return run


@pytest.mark.parametrize("warmup", ["none", "train"])
def test_a_jump_is_ranked_first_found_and_blamed_on_its_metrics(
    folder: Path, run: Bench, warmup: str, tmp_path: Path
) -> None:
    out = tmp_path / "scores"
    told = run(
        folder, "--warmup", warmup, "--baselines", "zscore", "--scores", out, "--budgets", "10"
    )
    ours = told["detectors"]["vedette"]
    assert told["series"] == 3
    assert set(told["detectors"]) == {"vedette", "zscore"}
    assert ours["auroc"] > 0.95
    assert ours["vus_pr"] > 0.5
    assert ours["auroc_interval"][0] <= ours["auroc"] <= ours["auroc_interval"][1]
    assert ours["state_bytes"] > 0
    assert ours["cpu_us_per_row"] > 0
    assert ours["best_events"]["found"] == ours["best_events"]["events"] == 2
    assert [row["budget"] for row in ours["events"]] == [REFERENCE, 30.0]
    assert told["responsible"]["vedette"]["hit_rate_100"] == 1.0
    assert told["responsible"]["chance"]["hit_rate_100"] == 0.5
    assert [row["asked"] for row in told["budgets"]] == [10.0]
    for name in ("a", "b", "quiet"):
        scores = np.load(out / f"{name}.npy")
        assert scores.shape == (ROWS,)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()


def test_labels_of_one_kind_are_said_to_have_no_ranking(short: Path, run: Bench) -> None:
    np.savez(short / "quiet.npz", **{name: rows[:60] for name, rows in made_up(3).items()})
    told = run(short, "--baselines", "none", "--budgets", "none")
    assert told["without_ranking"] == ["quiet"]
    assert told["detectors"]["vedette"]["series"]["quiet"]["vus_pr"] is None
    assert "no ranking is defined: quiet" in told["tables"]
    (short / "a.npz").unlink()
    alone = run(short, "--baselines", "none", "--budgets", "none")
    assert alone["detectors"]["vedette"]["vus_pr"] is None
    assert "undefined" in alone["tables"]


def test_every_baseline_that_is_installed_gives_finite_scores(folder: Path, run: Bench) -> None:
    (folder / "quiet.npz").unlink()
    told = run(folder, "--warmup", "none", "--budgets", "none")
    names = set(told["detectors"]) | set(told["not_installed"])
    assert names == {"vedette", *BASELINES}
    for name, row in told["detectors"].items():
        assert row["auroc"] > 0.6, name
        assert row["state_bytes"] > 0
    assert "LOOKS AHEAD" in told["detectors"].get("ecod", {"note": "LOOKS AHEAD"})["note"]


def test_workers_give_the_very_figures_that_one_process_gives(short: Path, run: Bench) -> None:
    np.savez(short / "b.npz", **cut(2))
    options = (short, "--baselines", "zscore", "--budgets", "none")
    alone, shared = run(*options), run(*options, "--jobs", "2")
    for name in ("vedette", "zscore"):
        assert alone["detectors"][name]["series"] == shared["detectors"][name]["series"]


def test_a_missing_package_is_shown_and_the_run_goes_on(
    short: Path, run: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bench, "find_spec", lambda name: None if name == "krcf" else find_spec(name)
    )
    told = run(short, "--baselines", "rcf,zscore", "--budgets", "none")
    assert told["not_installed"] == ["rcf"]
    assert set(told["detectors"]) == {"vedette", "zscore"}
    assert "not installed" in told["tables"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--baselines", "magic"), "no baseline 'magic'"),
        (("--budgets", "1,many"), "is not a list of numbers"),
        (("--budgets", "0"), "is not a list of numbers"),
    ],
)
def test_wrong_options_are_told_in_a_line(
    folder: Path, run: Bench, options: tuple[str, ...], message: str
) -> None:
    assert message in run(folder, *options, code=2)["error"]


def test_a_folder_without_series_is_told(tmp_path: Path, run: Bench) -> None:
    assert "has no .npz file" in run(tmp_path, code=2)["error"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.zeros(5)}, "5 labels for 720 rows"),
        ({"label": np.full(ROWS, 2)}, "other values than 0 and 1"),
        ({"train": np.zeros((4, 9))}, "does not go with test's"),
        ({"test": np.zeros(7)}, "not (rows, metrics)"),
        ({"test": np.array([[None, {}]])}, "can't be read"),
    ],
)
def test_a_wrong_file_is_told_by_name(
    tmp_path: Path, run: Bench, change: dict[str, Any], message: str
) -> None:
    np.savez(tmp_path / "x.npz", **(made_up(1) | change))
    error = run(tmp_path, code=2)["error"]
    assert "x.npz" in error
    assert message in error


def test_a_file_without_test_rows_or_that_is_no_archive_is_told(tmp_path: Path, run: Bench) -> None:
    np.savez(tmp_path / "x.npz", train=np.zeros((3, 2)))
    assert "test" in run(tmp_path, code=2)["error"]
    (tmp_path / "x.npz").write_bytes(b"no archive")
    assert "can't be read" in run(tmp_path, code=2)["error"]


@pytest.mark.parametrize("line", ["nonsense", "1-2:x", "5000-5001:1", "1-2:9"])
def test_a_wrong_interpretation_is_told(folder: Path, run: Bench, line: str) -> None:
    (folder / "interpretation" / "a.txt").write_text(line)
    assert "a.txt" in run(folder, code=2)["error"]


def test_missing_values_are_looked_past(tmp_path: Path, run: Bench) -> None:
    series = made_up(1)
    series["test"][100:140, 1] = np.nan
    series["test"][300] = np.nan
    np.savez(tmp_path / "x.npz", **series)
    told = run(tmp_path, "--baselines", "zscore", "--budgets", "none", "--scores", tmp_path / "s")
    assert told["detectors"]["vedette"]["auroc"] > 0.95
    assert np.isfinite(np.load(tmp_path / "s" / "x.npy")).all()


def test_a_series_alone_scores_as_it_does_beside_others_of_other_lengths() -> None:
    long, short = made_up(1), made_up(2)
    series = [
        Series(name="long", train=long["train"], test=long["test"], label=long["label"] != 0),
        Series(
            name="short",
            train=short["train"][:100],
            test=short["test"][:500],
            label=short["label"][:500] != 0,
            blamed=(Blame(first=10, last=12, metrics=(0,)),),
        ),
    ]
    together = watch(series, "train", per_month=10.0, blame=True)
    assert [len(one.score) for one in together] == [2 * ROWS, 600]
    assert [one.before for one in together] == [ROWS, 100]
    assert together[1].shares[0].sum() > 0.0
    alone = watch(series[:1], "train", per_month=10.0)
    assert np.allclose(alone[0].score, together[0].score, atol=1e-5)


def test_only_incidents_that_open_away_from_labels_count_against_the_budget() -> None:
    label = np.zeros(5000, np.bool_)
    label[1000:1100] = True
    series = Series(name="x", train=np.zeros((2000, 1)), test=np.zeros((5000, 1)), label=label)
    alarm = np.zeros(7000, np.bool_)
    for row in (50, 70, 500, 2000 + 995, 2000 + 1020, 2000 + 1125, 2000 + 1140, 2000 + 3000):
        alarm[row] = True
    seen = Watched(
        score=np.zeros(7000), alarm=alarm, before=2000, cpu_us=0.0, state_bytes=0, shares=[]
    )
    found = budget_row(10.0, [series], [seen])
    assert found.incidents == 3, "rows 50 and 70 are one; what opened beside the event is none"
    assert found.host_months == round((7000 - 140) / MONTH, 3)
    assert found.interval[0] < found.came < found.interval[1]
    assert found.hosts_with_any == 1


def test_files_are_read_by_name_with_what_is_to_blame(folder: Path) -> None:
    series = read_series(folder)
    assert [one.name for one in series] == ["a", "b", "quiet"]
    assert series[0].blamed == (Blame(first=600, last=629, metrics=(0, 1)),)
