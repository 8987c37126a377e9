"""Markdown tables, and the refusal to write a row that says nothing."""

from collections.abc import Iterable, Sequence

__all__ = ["Undocumented", "said", "table"]


class Undocumented(Exception):  # noqa: N818 - says what it is
    """Something has no description where it is defined."""


def said(what: str, text: str | None) -> str:
    """The description of a thing, on one line.

    Raises:
        Undocumented: there is none.
    """
    line = " ".join((text or "").split())
    if not line:
        raise Undocumented(f"{what} has no description: write one where it is defined")
    return line


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; pipes in cells are escaped."""
    lines = [_row(columns), _row(["---"] * len(columns))]
    lines += [_row(row) for row in rows]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
