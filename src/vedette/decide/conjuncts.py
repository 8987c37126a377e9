"""A condition taken apart: its parts joined by `&&`, which values of which things they need, and what certainly holds by them.

It is read from the words, and only where that is sound: what is not understood is one part that is like itself alone.
"""

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["Conjuncts", "label_of"]

_THING: Final = r"""[a-z][\w.]*(?:\[(?:"[^"\\]*"|'[^'\\]*')\])?"""
_TEXT: Final = r"""(?:"[^"\\]*"|'[^'\\]*')"""
_COMPARED: Final = re.compile(
    rf"^(?:(?P<left>{_THING})\s*(?P<sign>[=!]=)\s*(?P<text>{_TEXT})"
    rf"|(?P<before>{_TEXT})\s*(?P<turned>[=!]=)\s*(?P<right>{_THING}))$"
)
_AMONG: Final = re.compile(rf"^({_THING})\s+in\s+\[([^\[\]]*)\]$")
_WORD: Final = re.compile(rf"\s*({_TEXT})\s*(?:,|$)")
# An equality of two plain things or numbers: which of them stands first makes no difference.
_EVEN: Final = re.compile(r"^(-?[\w.]+)\s*==\s*(-?[\w.]+)$")
# Texts whose ends are not those of plain ones (CEL's raw, bytes and triple-quoted): what they are in is not taken apart.
_TOKEN: Final = re.compile(
    r"""(?P<odd>[rRbB]{1,2}(?=["'])|"{3}|'{3})|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?P<space>\s+)|\w+|.""",
    re.DOTALL,
)
_LABEL: Final = re.compile(r"""^host\.labels\[["'](.*)["']\]$""")
_TIMELY: Final = re.compile(r"\btime\b")
_ALWAYS: Final = "true"


class Conjuncts:
    """What one condition says, its `time` being in that zone.

    `needs` are the values of things that it can't do without, `bars` those that it can't be with; `parts` are those that all
    hold, each in one form, with the thing and the values that it asks for, where it does that.
    """

    def __init__(self, when: str, timezone: str) -> None:
        self.needs: dict[str, set[str]] = {}
        self.bars: dict[str, set[str]] = {}
        self.zone = timezone
        self.parts: dict[str, tuple[str, set[str]] | None] = {}
        for part in list(_split(when)) or [_plain(when)]:
            self._take(part)

    def holds_with(self, other: "Conjuncts") -> bool:
        """Whether this certainly holds wherever the other does."""
        return all(
            self._follows(part, values, other)
            for part, values in self.parts.items()
            if part != _ALWAYS
        )

    def apart(self, other: "Conjuncts") -> bool:
        """Whether the two certainly never hold at one moment for one host."""
        if any(
            self.needs[what].isdisjoint(other.needs[what])
            for what in self.needs.keys() & other.needs.keys()
        ):
            return True
        return any(
            one.needs[what] <= two.bars[what]
            for one, two in ((self, other), (other, self))
            for what in one.needs.keys() & two.bars.keys()
        )

    def within(self, label: str, values: tuple[str, ...]) -> set[str]:
        """The values of that label which it needs, where all of them are among these; else none."""
        needed = self.needs.get(
            label_of(label), self.needs.get("host.role", set()) if label == "role" else set()
        )
        return needed if needed <= set(values) else set()

    def _take(self, part: str) -> None:
        values: tuple[str, set[str]] | None = None
        if (bar := _compared(part, "!=")) is not None:
            what, barred = bar
            self.bars[what] = self.bars.get(what, set()) | barred
        elif (values := _compared(part, "==") or _among(part)) is not None:
            what, needed = values
            self.needs[what] = self.needs[what] & needed if what in self.needs else needed
        elif even := _EVEN.match(part):
            part = " == ".join(sorted(even.groups()))
        self.parts[part] = values

    def _follows(self, part: str, values: tuple[str, set[str]] | None, other: "Conjuncts") -> bool:
        if values is not None:
            needed = other.needs.get(values[0], set())
            return bool(needed) and needed <= values[1]
        timely = self.zone != other.zone and _TIMELY.search(part)
        return part in other.parts and not timely


def label_of(name: str) -> str:
    """The thing that a label of the host is."""
    return f"host.labels[{name}]"


def _compared(part: str, sign: str) -> tuple[str, set[str]] | None:
    """A thing and a text with that sign between them, whichever stands first."""
    found = _COMPARED.match(part)
    if found is None or (found["sign"] or found["turned"]) != sign:
        return None
    return _thing(found["left"] or found["right"]), {(found["text"] or found["before"])[1:-1]}


def _among(part: str) -> tuple[str, set[str]] | None:
    """A thing that is one of some texts; None where something else is among them."""
    found = _AMONG.match(part)
    if found is None:
        return None
    words = list(_WORD.finditer(found[2]))
    if "".join(word[0] for word in words) != found[2]:
        return None
    return _thing(found[1]), {word[1][1:-1] for word in words}


def _thing(name: str) -> str:
    label = _LABEL.match(name)
    return label_of(label[1]) if label else name


def _split(when: str) -> Iterator[str]:
    """What is joined by && at the top; nothing where something else may join it."""
    if _odd(when):
        return
    depth, start, quote, parts = 0, 0, "", []
    index = 0
    while index < len(when):
        letter = when[index]
        if quote:
            index += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif not depth and when.startswith(("||", "?", "//"), index):
            return
        elif not depth and when.startswith("&&", index):
            parts.append(when[start:index])
            start = index + 2
        index += 1
    yield from (_plain(part) for part in (*parts, when[start:]))


def _odd(when: str) -> bool:
    return any(token["odd"] for token in _TOKEN.finditer(when))


def _plain(when: str) -> str:
    """With single spaces between words; those within texts stay as they are."""
    if _odd(when):
        return when
    return "".join(" " if token["space"] else token[0] for token in _TOKEN.finditer(when)).strip()
