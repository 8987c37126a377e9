"""How lists and single things are printed: a table for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["plain", "print_json", "print_page", "print_thing", "print_warnings"]


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(msgspec.json.encode(value).decode())


def print_page(
    page: dict[str, Any], columns: Sequence[str], *, empty: str, as_json: bool = False
) -> None:
    """A page of things as a table that says how to get the next one, or as JSON."""
    if as_json:
        print_json(page)
        return
    # A pipe has no width: nothing is folded there. Ids are never folded, so that they can be copied.
    console = Console(width=None if sys.stdout.isatty() else 1000)
    if not page["items"]:
        console.print(empty, markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        whole = column == "id"
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=whole)
    for item in page["items"]:
        table.add_row(*(Text(_cell(item.get(column))) for column in columns))
    console.print(table)
    if page.get("next"):
        Console(stderr=True).print(f"more: --after {page['next']}", markup=False)


def print_thing(thing: dict[str, Any], *, as_json: bool = False) -> None:
    """One thing, a line per field, nested fields as JSON; or all of it as JSON."""
    if as_json:
        print_json(thing)
        return
    width = max(map(len, thing), default=0)
    for name, value in thing.items():
        typer.echo(f"{name.replace('_', ' '):<{width}}  {_cell(value)}")


def print_warnings(warnings: Iterable[str]) -> None:
    """What may be wrong with what was done all the same, on standard error."""
    for words in warnings:
        typer.echo(f"warning: {plain(words)}", err=True)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, dict | list | tuple):
        return plain(msgspec.json.encode(value).decode())
    return plain(str(value))


def plain(text: str) -> str:
    """The text with what steers a terminal made visible: hosts choose names, and terminals obey escape sequences."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )
