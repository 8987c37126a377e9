"""The syntax tree of a CEL expression, macros expanded, as its own parser understood it: what a bound of cost goes by.

The library gives the tree only as `cel.expr.CheckedExpr` in protobuf's wire form; the few fields that are needed are read here.
"""

from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import Any, NamedTuple

__all__ = ["Node", "Place", "Walk", "parsed"]

_Message = dict[int, list[Any]]

_VARINT, _FIXED = 0, 1


class Place(NamedTuple):
    """Where in the text, both from 1."""

    line: int
    column: int


class Walk(NamedTuple):
    """What a macro stands for: a loop over a list or a map's keys."""

    name: str
    over: "Node"
    first: "Node"
    steps: tuple["Node", ...]
    result: "Node"


class Node(NamedTuple):
    """One expression.

    `kind` is a variable (`name`), a field of `parts` (`name`), a call of `name` on `parts` (what it is a method of first), a
    list or map of `parts`, a message of protobuf (`name`), a `walk`, or a constant: then `value` has its text or whole number, and None for any other.
    """

    kind: str
    place: Place
    name: str = ""
    parts: tuple["Node", ...] = ()
    value: str | int | None = None
    walk: Walk | None = None


def parsed(checked: bytes, text: str) -> Node:
    """The tree of what `cel.Expression.serialize` gave for this text."""
    found = _read(_read(checked)[2][0])
    source = _read(found[5][0])
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    places: dict[int, Place] = {}
    for entry in map(_read, source[4]):
        offset = entry[2][0]
        line = sum(start <= offset for start in starts)
        places[entry[1][0]] = Place(line, offset - starts[line - 1] + 1)
    return _Reader(places).node(found[4][0])


class _Reader:
    def __init__(self, places: dict[int, Place]) -> None:
        self._places = places
        self._kinds: dict[int, Callable[[Place, _Message], Node]] = {
            3: lambda place, of: Node("constant", place, value=_constant(of)),
            4: lambda place, of: Node("variable", place, name=of[1][0].decode()),
            5: lambda place, of: Node("field", place, of[2][0].decode(), self._nodes(of[1])),
            6: self._call,
            7: lambda place, of: Node("list", place, parts=self._nodes(of.get(1, ()))),
            8: self._map,
            9: self._loop,
        }

    def node(self, raw: bytes) -> Node:
        fields = _read(raw)
        place = self._places.get(fields[2][0], Place(1, 1))
        kind, (inner,) = next(pair for pair in fields.items() if pair[0] in self._kinds)
        return self._kinds[kind](place, _read(inner))

    def _call(self, place: Place, of: _Message) -> Node:
        parts = self._nodes([*of.get(1, ()), *of.get(3, ())])
        return Node("call", place, of[2][0].decode(), parts)

    def _map(self, place: Place, of: _Message) -> Node:
        if 1 in of:
            return Node("message", place, of[1][0].decode())
        entries = map(_read, of.get(2, ()))
        parts = self._nodes([one for entry in entries for one in (*entry[3], *entry[4])])
        return Node("map", place, parts=parts)

    def _loop(self, place: Place, of: _Message) -> Node:
        over, first, condition, step, result = self._nodes(of[one][0] for one in (2, 4, 5, 6, 7))
        walk = Walk(of[1][0].decode(), over, first, (condition, step), result)
        return Node("walk", place, of[3][0].decode(), walk=walk)

    def _nodes(self, raw: Iterable[bytes]) -> tuple[Node, ...]:
        return tuple(self.node(one) for one in raw)


def _constant(of: _Message) -> str | int | None:
    if 6 in of:
        return str(of[6][0], "utf-8")
    return next((int(of[number][0]) for number in (3, 4) if number in of), None)


def _read(raw: bytes) -> _Message:
    """A message's fields by number."""
    found: _Message = {}
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(raw):
        key = number()
        form = key & 7
        if form == _VARINT:
            found.setdefault(key >> 3, []).append(number())
            continue
        size = 8 if form == _FIXED else number()
        found.setdefault(key >> 3, []).append(raw[at : at + size])
        at += size
    return found
