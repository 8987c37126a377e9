"""Patterns of causes: only `*` is special in them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core.inhibition import fits

_PLAIN = st.text().filter(lambda text: "*" not in text) | st.text(alphabet="[]?!-a:", max_size=6)


@given(_PLAIN, _PLAIN)
def test_a_cause_without_a_star_fits_itself_alone(one: str, other: str) -> None:
    assert fits(one, [one])
    assert fits(one, [other]) == (one == other)


@pytest.mark.parametrize(
    "cause", ["listen:tcp:[::1]:4444", "file:/srv/[a]", "process:what?", "unit:[!x]"]
)
def test_brackets_and_question_marks_stand_for_themselves(cause: str) -> None:
    assert fits(cause, [cause])
    assert not fits("listen:tcp:1:4444", ["listen:tcp:[::1]:4444"])
    assert fits(cause, [cause[:-2] + "*"])


@given(st.text(alphabet="ab\n[", max_size=8), st.text(alphabet="ab*\n[", max_size=6))
def test_a_star_stands_for_any_letters_at_all(cause: str, pattern: str) -> None:
    oracle = ".*".join(re.escape(part) for part in pattern.split("*"))
    assert fits(cause, [pattern]) == bool(re.fullmatch(oracle, cause, re.DOTALL))


def test_one_fitting_pattern_is_enough_and_none_fits_nothing() -> None:
    assert fits("cron:x", ["unit:*", "cron:*"])
    assert not fits("cron:x", [])
