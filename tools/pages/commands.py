"""Every command of the `vedette` program with its arguments and options, from the program itself."""

from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pages.table import said, table

from vedette.app.cli.main import app

__all__ = ["commands"]

_WORDS = {str: "text", int: "whole number", float: "number", Path: "path"}


def commands() -> str:
    """The chapter on the command line."""
    head = (
        "## Commands\n\nExit codes: 0 done, 1 failed, 2 wrong use or settings, 3 an extra is missing. "
        "Commands that ask a server take it from `VEDETTE_URL`, `VEDETTE_TOKEN` and `VEDETTE_CA`.\n"
    )
    parts = [head, *(_command(path, command) for path, command in _tree("vedette", _root()))]
    return "\n".join(parts)


def _root() -> Any:
    return typer.main.get_command(app)


def _tree(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children or command.invoke_without_command or command.params:
        yield path, command
    for name in sorted(children):
        yield from _tree(f"{path} {name}", children[name])


def _command(path: str, command: Any) -> str:
    text = said(path, command.callback.__doc__ or command.help)
    rows = [_parameter(path, one) for one in command.params if not one.hidden]
    words = f"### {path}\n\n{text}\n"
    return words + "\n" + table(("parameter", "value", "default", "what"), rows) if rows else words


def _parameter(path: str, parameter: Any) -> list[str]:
    is_argument = parameter.opts == [parameter.name]
    name = parameter.name.upper() if is_argument else ", ".join(parameter.opts)
    many = " (may be repeated)" if parameter.multiple or parameter.nargs == -1 else ""
    kind = "" if getattr(parameter, "is_flag", False) else _kind(parameter)
    return [
        f"`{name}`",
        kind + many,
        "required" if parameter.required else _default(parameter.default),
        said(f"{path} {name}", parameter.help),
    ]


def _kind(parameter: Any) -> str:
    annotation = parameter.type_descriptor.annotation
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if get_origin(annotation) is list:
        return _WORDS[get_args(annotation)[0]]
    return _WORDS[annotation]


def _default(value: Any) -> str:
    return "" if value is None or value is False or value == "" else f"`{value}`"
