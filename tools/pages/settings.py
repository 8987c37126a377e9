"""Settings of the server and of the agent, from their own types."""

from collections.abc import Iterator
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta
from pages.table import said, table

from vedette.agent import AgentSettings
from vedette.app.settings import Settings

__all__ = ["agent_settings", "server_settings"]

_COLUMNS = ("setting", "variable", "type", "default", "what")
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false"}


def server_settings() -> str:
    """The chapter on the server's settings."""
    hints = get_type_hints(Settings, include_extras=True)
    top, sections = [], []
    for field in msgspec.structs.fields(Settings):
        if _is_table(hints[field.name]):
            sections.append(_section(field.name, hints[field.name]))
        elif get_origin(hints[field.name]) is dict:
            sections.append(_section(f"{field.name}.NAME", get_args(hints[field.name])[1]))
        else:
            top.append(field.name)
    rows = [row for row in _rows(Settings, "", "VEDETTE_") if row[0].strip("`") in top]
    return (
        "## Server settings\n\nOne TOML file, then the environment. A list in a variable is "
        "separated by commas; a setting with `_file` appended, or a variable with `_FILE`, names a file that holds the "
        "value.\n\n" + "\n".join([table(_COLUMNS, rows), *sections])
    )


def agent_settings() -> str:
    """The chapter on the agent's settings."""
    hints = get_type_hints(AgentSettings, include_extras=True)
    sections = [
        _section(field.name, hints[field.name], "VEDETTE_AGENT_")
        for field in msgspec.structs.fields(AgentSettings)
        if _is_table(hints[field.name])
    ]
    return (
        "## Agent settings\n\nOne TOML file (`/etc/vedette/agent.toml`), then the environment. "
        "Labels in a variable are written `role=web,env=prod`.\n\n"
        + "\n".join([table(_COLUMNS, _rows(AgentSettings, "", "VEDETTE_AGENT_")), *sections])
    )


def _section(name: str, section: type[msgspec.Struct], variable: str = "VEDETTE_") -> str:
    title = said(f"section {name}", section.__doc__)
    rows = _rows(section, f"{name}.", f"{variable}{name.upper().replace('.', '__')}__")
    return f"### [{name}]\n\n{title}\n\n{table(_COLUMNS, rows)}"


def _rows(section: type[msgspec.Struct], prefix: str, variable: str) -> Iterator[list[str]]:
    hints = get_type_hints(section, include_extras=True)
    for field in msgspec.structs.fields(section):
        hint, name = hints[field.name], f"{prefix}{field.name}"
        if _is_table(hint) or (get_origin(hint) is dict and _is_table(get_args(hint)[1])):
            continue
        yield [
            f"`{name}`",
            f"`{variable}{field.name.upper()}`",
            _type(hint),
            _default(field),
            said(f"setting {name}", _description(hint)),
        ]


def _is_table(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


def _description(hint: Any) -> str | None:
    metas = getattr(hint, "__metadata__", ())
    return next((meta.description for meta in metas if meta.description), None)


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(inner[0]) + _bounds(hint.__metadata__)
    chosen = isinstance(hint, type) and issubclass(hint, StrEnum)
    if chosen or origin is Literal:
        return " or ".join(f"`{value}`" for value in (hint if chosen else inner))
    if origin in {Union, UnionType}:
        return " or ".join(_type(one) for one in inner if one is not type(None))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return "table of text"
    return _WORDS[hint]


def _bounds(metas: tuple[Meta, ...]) -> str:
    least = next((meta.ge for meta in metas if meta.ge is not None), None)
    most = next((meta.le for meta in metas if meta.le is not None), None)
    if least is None:
        return ""
    return f", {least:,} or more" if most is None else f", {least:,} to {most:,}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    given = field.default is not msgspec.NODEFAULT
    value = field.default if given else field.default_factory()
    return "none" if value is None else f"`{msgspec.json.encode(value).decode()}`"
