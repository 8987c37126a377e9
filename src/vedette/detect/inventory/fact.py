"""One row of a table seen as a thing with a life."""

from typing import Any, NamedTuple

from vedette.core import Row

__all__ = ["WORD", "Fact", "number", "text"]

WORD = 2**63
"""What a machine's word holds is below it."""


class Fact(NamedTuple):
    """`key` says which thing it is, `value` what may change about it; neither ever holds a process id.

    `marks` are evidence names of the hostile table, strongest wins; `changed` the mark of a known key with another
    value (empty: the same marks). `watch` names the evidence of its vanishing, or is empty.
    """

    kind: str
    key: str
    value: str
    marks: tuple[str, ...]
    subject: str
    shown: str
    changed: str = ""
    watch: str = ""
    deed: str = ""


def text(row: Row, column: str) -> str:
    """The cell as text; a missing one or null is empty."""
    cell: Any = row.get(column)
    return "" if cell is None else str(cell)


def number(row: Row, column: str, default: int = -1) -> int:
    """The cell as a whole number, `default` when it is none that a machine's word holds."""
    cell: Any = row.get(column)
    try:
        found = int(cell)
    except (TypeError, ValueError, OverflowError):
        return default
    return found if abs(found) < WORD else default
