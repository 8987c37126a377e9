"""Decisions are spoken of by their numbers: each has its own, and says it itself."""

import re
from pathlib import Path

FOUND = sorted((Path(__file__).parents[2] / "docs" / "decisions").glob("*.md"))


def test_each_decision_has_a_number_of_its_own_and_says_it() -> None:
    numbers = [int(path.name.split("-")[0]) for path in FOUND]
    assert len(set(numbers)) == len(numbers) > 0
    said = [re.match(r"# ([0-9]+)[.:] ", path.read_text()) for path in FOUND]
    assert [int(one[1]) if one else None for one in said] == numbers
