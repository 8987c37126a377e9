"""One noun a file, short functions: the hard bounds of the house."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "vedette").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
HARD_FILE, HARD_FUNCTION = 400, 60
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def _functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT / "src")))
def test_a_file_and_its_functions_stay_within_the_hard_bounds(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= HARD_FILE
    too_long = {name: size for name, size in _functions(path) if size > HARD_FUNCTION}
    assert not too_long


def test_a_file_of_tests_stays_within_the_hard_bound() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in TESTS}
    assert not {str(path): size for path, size in sizes.items() if size > HARD_FILE}


def test_no_module_is_named_for_nothing() -> None:
    assert not [path for path in (*SOURCES, *TESTS) if path.stem in BANNED_NAMES]


def test_no_file_under_test_is_left_out() -> None:
    assert len(SOURCES) > 10
    assert Path(__file__) in TESTS
