"""What hosts say is shown on a terminal as text, whatever it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.app.cli.tables import plain, print_page, print_thing

HOSTILE = [
    "[/x]",
    "[red]x",
    "[link=https://evil.test]x[/link]",
    "a\x1b[31mb",
    "\x9b31m",
    "a\nb\x07",
]


def test_markup_and_escapes_reach_the_terminal_as_letters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    items = [{"name": name, "n": 1} for name in HOSTILE]
    print_page({"items": items, "next": None}, ("name", "n"), empty="none")
    for item in items:
        print_thing(item)
    told = capsys.readouterr().out
    assert "\x1b" not in told
    assert "\x9b" not in told
    assert "[/x]" in told
    assert "[link=https://evil.test]" in told


@given(st.text())
def test_nothing_that_steers_a_terminal_is_left(text: str) -> None:
    assert plain(text).isprintable()
