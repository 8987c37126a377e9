"""Two texts compared, line by line, for people."""

import difflib
from collections.abc import Sequence

from vedette.core import Record

__all__ = ["Line", "compare", "place"]

_LOOKS = {"+": "added", "-": "gone", "@": "hunk"}
_AROUND = 2


class Line(Record, frozen=True, kw_only=True):
    """`look` is added, gone, hunk or same; `number` is 0 where it is not numbered."""

    look: str
    text: str
    number: int = 0


def compare(before: str, after: str) -> tuple[Line, ...]:
    """As a unified diff without its head; empty where they are equal."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    return tuple(
        Line(look=_LOOKS.get(line[:1], "same"), text=line)
        for line in lines
        if not line.startswith(("---", "+++"))
    )


def place(text: str, line: int, column: int) -> Sequence[Line]:
    """The lines around a place, with a mark under its column. What is not there shows nothing."""
    lines = text.splitlines()
    if not 1 <= line <= len(lines):
        return ()
    first, last = max(1, line - _AROUND), min(len(lines), line + _AROUND)
    shown: list[Line] = []
    for number in range(first, last + 1):
        look = "gone" if number == line else "same"
        shown.append(Line(look=look, text=lines[number - 1], number=number))
        if number == line:
            shown.append(Line(look="mark", text=" " * max(0, column - 1) + "^"))
    return tuple(shown)
