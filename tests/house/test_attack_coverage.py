"""docs/attack-coverage.md says what the detector finds now, and every technique of the matrix stands on it."""

from pathlib import Path

import pytest
from tests.detect.coverage.entries import ENTRIES
from tests.detect.coverage.matrix import LINUX, TRACELESS
from tests.detect.coverage.page import PAGE, rendered

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page() -> str:
    return rendered()


def test_the_page_is_up_to_date(page: str) -> None:
    assert (ROOT / "docs" / PAGE).read_text() == page, "run `make docs`"


def test_every_technique_stands_on_the_page(page: str) -> None:
    parts = {one for one in LINUX if f"| {one} |" not in page and f"| {one}." not in page}
    assert parts == set()


def test_what_is_called_traceless_is_in_the_matrix_and_is_not_found() -> None:
    assert TRACELESS.keys() <= LINUX.keys()
    assert TRACELESS.keys().isdisjoint(entry.id for entry in ENTRIES)
