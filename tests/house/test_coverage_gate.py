"""Where all is to be covered, one branch that is not is too many."""

import json
import runpy
import sys
from pathlib import Path

import pytest

GATE = Path(__file__).parents[2] / "tools" / "coverage_gate.py"
FLOORS: dict[str, float] = json.loads(GATE.with_name("coverage_floor.json").read_text())
MANY = 100_000


def gate(report: Path, monkeypatch: pytest.MonkeyPatch, **missing: int) -> object:
    """What the gate ends with where of each room's branches so many are missing."""
    rooms = {
        f"src/vedette/{room}/one.py": {
            "summary": {
                "covered_lines": MANY,
                "num_statements": MANY,
                "covered_branches": MANY - missing.get(room, 0),
                "num_branches": MANY,
            }
        }
        for room in FLOORS
    }
    report.write_text(json.dumps({"files": rooms}))
    monkeypatch.setattr(sys, "argv", [str(GATE), str(report)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(GATE), run_name="__main__")
    return ended.value.code


def test_it_passes_where_all_is_covered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gate(tmp_path / "coverage.json", monkeypatch) == 0


@pytest.mark.parametrize("room", ["decide", "respond"])
def test_one_branch_that_is_missing_is_not_rounded_away(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    room: str,
) -> None:
    assert gate(tmp_path / "coverage.json", monkeypatch, **{room: 1}) == 1
    (line,) = [one for one in capsys.readouterr().out.splitlines() if "BELOW" in one]
    assert line.split() == [room, "99.99", "%", "100.0", "BELOW"]
