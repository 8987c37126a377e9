"""Reads YAML into plain values without losing where each stood, and without YAML's traps.

Anchors, aliases and tags are refused (so nothing can be expanded or constructed), size, depth and count are bounded,
and a key is always text, so that `on:` is not the boolean it is in YAML 1.1.
"""

import math
import re
from collections.abc import Callable, Collection
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

from vedette.core import InvalidInput, TooLarge

__all__ = [
    "MAX_BYTES",
    "at_path",
    "choice",
    "compose",
    "entries",
    "fields",
    "flag",
    "inside",
    "items",
    "named",
    "plain",
    "seconds",
    "share",
    "text",
    "whole",
    "words",
    "wrong",
]

MAX_BYTES = 64 * 1024
_MAX_DEPTH = 12
_MAX_EVENTS = 20_000
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
_DURATION = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null")}


def compose(source: str) -> yaml.Node:
    """The document's one root node.

    Raises:
        TooLarge: over the bound of bytes, depth or count.
        InvalidInput: not YAML, empty, more than one document, or with anchors or aliases.
    """
    if len(source.encode("utf-8", "replace")) > MAX_BYTES:
        raise TooLarge(f"policies may have {MAX_BYTES} bytes in all")
    try:
        _scan(source)
        root: yaml.Node | None = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _placed(error.problem_mark, f"not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"policies are not YAML: {error}", kind="invalid-policy") from error
    if root is None:
        raise _placed(None, "nothing is written here")
    return root


def wrong(node: yaml.Node, detail: str) -> InvalidInput:
    """The error that names the node's place."""
    return _placed(node.start_mark, detail)


def inside(node: yaml.Node, line: int, column: int, detail: str) -> InvalidInput:
    """The error that names a place within a scalar's own text, as far as YAML's folding lets it be known."""
    mark, style = node.start_mark, getattr(node, "style", None)
    if style == "|":
        lines = str(mark.buffer).rstrip("\0").split("\n")
        # YAML breaks lines at more characters than the newline; the place is then a guess, but within the text.
        number = min(mark.line + line, len(lines) - 1)
        indent = len(lines[number]) - len(node.value.split("\n")[line - 1])
        return _at(number + 1, max(indent, 0) + column, detail)
    if style == ">" or line > 1:
        return wrong(node, detail)
    return _at(mark.line + 1, mark.column + column + (1 if style else 0), detail)


def fields(
    node: yaml.Node, what: str, *, required: Collection[str], optional: Collection[str] = ()
) -> dict[str, yaml.Node]:
    """A mapping's values by key; unknown, doubled and missing keys are errors."""
    known = [*required, *optional]
    found: dict[str, yaml.Node] = {}
    for key, value in _pairs(node, what):
        if key.value not in known:
            raise wrong(key, f"{what} has no {key.value!r}; it may have {', '.join(known)}")
        found[key.value] = value
    for name in required:
        if name not in found:
            raise wrong(node, f"{what} needs {name!r}")
    return found


def entries(
    node: yaml.Node,
    what: str,
    *,
    most: int,
    key: Callable[[yaml.Node, str], object] | None = None,
) -> list[tuple[yaml.Node, yaml.Node]]:
    """A mapping of names of one's own to values, not empty; a name's node and its value's. `key` checks what is no name."""
    found = _pairs(node, what)
    if not 1 <= len(found) <= most:
        raise wrong(node, f"{what} must have 1 to {most} entries, not {len(found)}")
    for name, _ in found:
        (key or named)(name, f"a name in {what}")
    return found


def items(node: yaml.Node, what: str, *, most: int) -> list[yaml.Node]:
    """The nodes of a list that is not empty."""
    if not isinstance(node, yaml.SequenceNode):
        raise wrong(node, f"{what} must be a list")
    if not 1 <= len(node.value) <= most:
        raise wrong(node, f"{what} must have 1 to {most} entries, not {len(node.value)}")
    return list(node.value)


def text(node: yaml.Node, what: str) -> str:
    """A string that is not empty."""
    value = plain(node)
    if not isinstance(value, str) or not value.strip():
        raise wrong(node, f"{what} must be text")
    return value


def words(node: yaml.Node, what: str) -> str:
    """A scalar as it is written, whatever YAML takes it for: 09:00 and 2026-01-05 need no quotes."""
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise wrong(node, f"{what} must be text")
    return str(node.value)


def named(node: yaml.Node, what: str) -> str:
    """A name: letters, digits, dots, hyphens and underscores, 64 at most."""
    if not isinstance(node, yaml.ScalarNode) or _NAME.fullmatch(node.value) is None:
        raise wrong(
            node, f"{what} must be letters, digits, dots, hyphens and underscores, 64 at most"
        )
    return str(node.value)


def choice(node: yaml.Node, what: str, allowed: Collection[str]) -> str:
    """One of the allowed words."""
    # `on` and `off` are booleans to YAML 1.1; the words as written are what counts.
    if isinstance(node, yaml.ScalarNode) and node.value in allowed:
        return str(node.value)
    raise wrong(node, f"{what} must be one of {', '.join(allowed)}")


def flag(node: yaml.Node, what: str) -> bool:
    """True or false."""
    value = plain(node)
    if not isinstance(value, bool):
        raise wrong(node, f"{what} must be true or false")
    return value


def whole(node: yaml.Node, what: str, *, least: int, most: int) -> int:
    """An integer within bounds."""
    value = plain(node)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise wrong(node, f"{what} must be a whole number from {least} to {most}")
    return value


def seconds(node: yaml.Node, what: str, *, most: float, least: float | None = None) -> float:
    """A duration such as 30s, 15m, 1h or 2d, in seconds; 0s only where `least` lets it be."""
    value = plain(node)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise wrong(node, f"{what} must be a duration such as 30s, 15m, 1h or 2d")
    length = float(int(found[1]) * _UNITS[found[2]])
    if least is None and not 0 < length <= most:
        raise wrong(node, f"{what} must be above 0 and at most {most / 86_400:g} days")
    if least is not None and not least <= length <= most:
        raise wrong(node, f"{what} must be from {least / 60:g} to {most / 60:g} minutes")
    return length


def share(node: yaml.Node, what: str) -> float:
    """A share such as 5%, above 0 and at most 100%, as a number from 0 to 1."""
    value = plain(node)
    found = _SHARE.fullmatch(value) if isinstance(value, str) else None
    part = float(found[1]) / 100 if found else 0.0
    if not 0 < part <= 1:
        raise wrong(node, f"{what} must be a share such as 5%, above 0% and at most 100%")
    return part


def plain(node: yaml.Node) -> Any:
    """The node as plain JSON types."""
    if isinstance(node, yaml.MappingNode):
        return {key.value: plain(value) for key, value in _pairs(node, "this")}
    if isinstance(node, yaml.SequenceNode):
        return [plain(value) for value in node.value]
    if node.tag not in _TAGS or (":" in node.value and not node.tag.endswith(":str")):
        raise wrong(node, f"{node.value!r} means something special to YAML; put it in quotes")
    try:
        value = SafeConstructor().construct_object(node)
    except ValueError as error:
        raise wrong(node, f"not a number that can be kept: {error}") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(node, "numbers must be finite")
    return value


def at_path(node: yaml.Node, path: Collection[Any]) -> yaml.Node:
    """The node that the path of keys and indexes leads to, or the last one on the way that is there."""
    for step in path:
        if isinstance(node, yaml.MappingNode):
            found = [value for key, value in node.value if key.value == step]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            found = node.value[step : step + 1]
        else:
            found = []
        if not found:
            return node
        node = found[0]
    return node


def _scan(source: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(source, Loader=yaml.SafeLoader)):
        if getattr(event, "anchor", None) is not None:
            raise _placed(event.start_mark, "anchors and aliases are not taken; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH or count > _MAX_EVENTS:
            raise _placed(event.start_mark, "nested too deep or too long", TooLarge)


def _pairs(node: yaml.Node, what: str) -> list[tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise wrong(node, f"{what} must be a mapping of names to values")
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise wrong(key, "a name must be plain text")
        if key.value in seen:
            raise wrong(key, f"{key.value!r} is given twice")
        seen.add(key.value)
    return list(node.value)


def _placed(mark: Any, detail: str, error: type[InvalidInput] = InvalidInput) -> InvalidInput:
    return _at(mark.line + 1, mark.column + 1, detail, error) if mark else _at(1, 1, detail, error)


def _at(
    line: int, column: int, detail: str, error: type[InvalidInput] = InvalidInput
) -> InvalidInput:
    return error(
        f"policies, line {line}, column {column}: {detail}",
        kind="invalid-policy",
        line=line,
        column=column,
    )
