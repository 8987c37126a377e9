"""What a condition can cost at most, by its syntax tree and the most that each variable can hold: nothing is run for it.

The unit is about a microsecond on an ordinary core, mostly less. RE2 is linear in the text, yet builds a pattern's program anew
at every call; so patterns are constants, and weigh by their size (see `pattern`).
"""

from collections.abc import Mapping
from typing import NamedTuple

from vedette.core import InvalidInput
from vedette.decide.pattern import banned, weigh
from vedette.decide.syntax import Node, Place, Walk

__all__ = [
    "MAX_COST",
    "MAX_PATTERN",
    "MAX_TEXT_COST",
    "MAX_WALKS",
    "SCALAR",
    "Budget",
    "Shape",
    "bounded",
]

MAX_COST = 20_000
MAX_TEXT_COST = 200_000
MAX_WALKS = 3
MAX_PATTERN = 200

# Of each iteration, so that the evaluator's own limit of 10,000 is never met.
_TURN = 3.0
_CALL = 0.5
_BYTE = 0.001
_ELEMENT = 0.5
# The evaluator copies a list that it makes at each element.
_COPIED = 0.06
_PAIR = 0.0001
_BUILD = 15.0
_BUILT = 2.0
_MATCHED = 0.0003
# RE2 keeps states of a text's every place, up to its memory's bound: large patterns take more than their size says.
_STATES = 0.000_012
_YIELDS_PARTS = frozenset({"_+_", "_?_:_", "_[_]", "dyn", "string", "bytes"})


class Shape(NamedTuple):
    """The most that a value can be: bytes of a text, or elements of a list or map."""

    length: int
    item: "Shape | None" = None

    @property
    def size(self) -> int:
        """All bytes of it."""
        return self.length * self.item.size if self.item else self.length

    @property
    def elements(self) -> int:
        """All single values in it."""
        return self.length * self.item.elements if self.item else 1

    def joined(self, other: "Shape", length: int) -> "Shape":
        """What holds so many of the elements of either."""
        items = [one for one in (self.item, other.item) if one]
        if len(items) == 2:
            return Shape(length, items[0].joined(items[1], max(items[0].length, items[1].length)))
        return Shape(length, items[0] if items else None)


SCALAR = Shape(48)


def bounded(tree: Node, variables: Mapping[str, Shape]) -> tuple[float, list[Node]]:
    """The most it costs, and its calls whose meaning is in a constant text.

    Raises:
        InvalidInput: that is more than MAX_COST, or it walks more than MAX_WALKS times, or a pattern is not a
            constant one or may not be used. The extensions are `line` and `column`.
    """
    weigher = _Weigher()
    cost, _ = weigher.weigh(tree, dict(variables))
    return cost, weigher.texts


class Budget:
    """What the conditions of one text may cost together that one event asks, one after another. `event` are its words."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._spent = 0.0

    def spend(self, cost: float, times: int) -> str:
        """Takes a condition that is asked so many times of one event. Says what is wrong; empty while all are within MAX_TEXT_COST."""
        self._spent += cost * times
        if self._spent <= MAX_TEXT_COST:
            return ""
        return (
            f"up to here the conditions may cost {self._spent:,.0f} steps for {self._event}, and those of a text "
            f"{MAX_TEXT_COST:,}: shorten patterns and walks, or join policies"
        )


class _Weigher:
    def __init__(self) -> None:
        self.texts: list[Node] = []
        self._walks = 0

    def weigh(self, node: Node, known: dict[str, Shape]) -> tuple[float, Shape]:
        cost, shape = self._walk(node, node.walk, known) if node.walk else self._plain(node, known)
        if cost > MAX_COST:
            raise wrong(
                f"this may cost {cost:,.0f} steps, and a condition {MAX_COST:,}: shorten lists, walks or patterns",
                node.place,
            )
        return cost, shape

    def _plain(self, node: Node, known: dict[str, Shape]) -> tuple[float, Shape]:
        if node.kind == "variable":
            return _CALL, known.get(node.name.removeprefix("."), SCALAR)
        if node.kind == "constant":
            text = isinstance(node.value, str)
            return _CALL, Shape(len(str(node.value).encode())) if text else SCALAR
        if node.kind == "message":
            raise wrong("a condition may not build messages", node.place)
        found = [self.weigh(part, known) for part in node.parts]
        shapes = [shape for _, shape in found]
        cost = _CALL + sum(cost for cost, _ in found)
        if node.kind == "field":
            return cost, shapes[0].item or SCALAR
        if node.kind == "call":
            return cost + self._own(node, shapes), _given(node.name, shapes)
        inner = Shape(0)
        for shape in shapes:
            inner = inner.joined(shape, max(inner.length, shape.length))
        return cost, Shape(len(shapes), inner)

    def _own(self, node: Node, shapes: list[Shape]) -> float:
        """What the call costs beside its parts."""
        if node.name == "matches":
            return self._match(node, shapes[0])
        if node.name in ("_/_", "_%_") and node.parts[1].value == 0:
            raise wrong("a division by zero has no value", node.place)
        if isinstance(node.parts[0].value, str):
            self.texts.append(node)
        if node.name == "contains":
            return _PAIR * shapes[0].size * shapes[1].size
        return sum(_BYTE * shape.size + _ELEMENT * shape.elements for shape in shapes)

    def _match(self, node: Node, text: Shape) -> float:
        pattern = node.parts[1]
        if not isinstance(pattern.value, str):
            raise wrong("a pattern must be one literal text", pattern.place)
        if len(pattern.value) > MAX_PATTERN:
            raise wrong(
                f"a pattern may have {MAX_PATTERN} characters; this one has {len(pattern.value)}",
                pattern.place,
            )
        if bad := banned(pattern.value):
            raise wrong(f"a pattern may not have {bad}: write the letters out", pattern.place)
        self.texts.append(node)
        size = weigh(pattern.value)
        return _BUILD + size * (_BUILT + text.size * (_MATCHED + _STATES * size))

    def _walk(self, node: Node, walk: Walk, known: dict[str, Shape]) -> tuple[float, Shape]:
        self._walks += 1
        if self._walks > MAX_WALKS:
            raise wrong(f"a condition may walk lists {MAX_WALKS} times", node.place)
        cost, over = self.weigh(walk.over, known)
        _, first = self.weigh(walk.first, known)
        inner = known | {walk.name: over.item or SCALAR, node.name: first}
        found = [self.weigh(step, inner) for step in walk.steps]
        # A step of `map` and `filter` adds one element to what was before; other walks gather a number or a bool.
        step = found[-1][1]
        lists = walk.first.kind == "list"
        gathered = Shape(over.length * step.length, step.item) if lists else SCALAR
        turns = over.length * (_TURN + sum(cost for cost, _ in found))
        turns += lists * _COPIED * over.length * gathered.length
        after, shape = self.weigh(walk.result, inner | {node.name: gathered})
        return cost + turns + after, shape


def _given(name: str, shapes: list[Shape]) -> Shape:
    if name not in _YIELDS_PARTS:
        return SCALAR
    if name == "_[_]":
        return shapes[0].item or SCALAR
    if name == "_?_:_":
        return shapes[1].joined(shapes[2], max(shapes[1].length, shapes[2].length))
    if name == "_+_":
        return shapes[0].joined(shapes[1], shapes[0].length + shapes[1].length)
    return shapes[0]


def wrong(detail: str, place: Place) -> InvalidInput:
    """What is to be told of this place."""
    return InvalidInput(detail, line=place.line, column=place.column)
