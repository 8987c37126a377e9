"""The Makefile names the files whose tests run apart from the others: none may lie elsewhere, where nothing would run it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def _named(variable: str) -> list[Path]:
    found = re.search(rf"^{variable} := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found, f"no {variable} in the Makefile"
    return [ROOT / one for one in found[1].split()]


@pytest.mark.parametrize(("mark", "variable"), [("alone", "ALONE"), ("faults", "FAULTS")])
def test_what_runs_apart_lies_where_make_looks_for_it(mark: str, variable: str) -> None:
    named = _named(variable)
    assert all(path.exists() for path in named)
    marked = [path for path in TESTS if f"mark.{mark}" in path.read_text()]
    assert marked
    assert not [path for path in marked if not any(path.is_relative_to(one) for one in named)]
