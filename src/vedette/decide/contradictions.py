"""Policies that contradict: what is certain is an error, what may be is a warning, each with the place of both.

Whether two conditions can hold at once can't be decided of CEL in general. What is known here: a condition without `when` always
holds; the same words hold together; and conditions that each need another value of the same thing never do. That is read from
the parts joined by `&&`, so it is sound: what is called apart is apart.
"""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import yaml

from vedette.core import Record
from vedette.decide import document
from vedette.decide.policy import Policy, Step

__all__ = ["Placed", "Warned", "check"]

# Kinds of which a host takes one or the other.
_EITHER = frozenset({"shutdown", "reboot"})
_IS = re.compile(
    r"""^([a-z][\w.]*(?:\[(?:"[^"\\]*"|'[^'\\]*')\])?)\s*==\s*(?:"([^"\\]*)"|'([^'\\]*)')$"""
)
_AMONG = re.compile(r"""^([a-z][\w.]*(?:\[(?:"[^"\\]*"|'[^'\\]*')\])?)\s+in\s+\[([^\[\]]*)\]$""")
_WORD = re.compile(r"""\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*(?:,|$)""")
# Texts whose ends are not those of plain ones (CEL's raw, bytes and triple-quoted): what they are in is not taken apart.
_TOKEN = re.compile(
    r"""(?P<odd>[rRbB]{1,2}(?=["'])|"{3}|'{3})|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|(?P<space>\s+)|\w+|.""",
    re.DOTALL,
)
_LABEL = re.compile(r"""^host\.labels\[["'](.*)["']\]$""")


class Placed(NamedTuple):
    """A policy, and where in the document it and its steps stand."""

    policy: Policy
    node: yaml.Node

    def place(self, *path: str | int) -> yaml.Node:
        """The node of one of its parts."""
        return document.at_path(self.node, path)


class Warned(Record, frozen=True, kw_only=True):
    """What may be wrong, and where (both from 1)."""

    document: str = "policies"
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        return f"{self.document}, line {self.line}, column {self.column}: {self.text}"


def check(policies: list[Placed]) -> tuple[Warned, ...]:
    """What may contradict.

    Raises:
        InvalidInput: what certainly does, with line and column (and those of the other in its words).
    """
    for one in policies:
        _within_itself(one)
        _never_acts(one)
    return tuple(
        warned for first, second in combinations(policies, 2) for warned in _between(first, second)
    )


def _within_itself(one: Placed) -> None:
    acting = list(_acting(one.policy))
    for (first, before), (second, after) in combinations(acting, 2):
        why = ""
        if before.kind == after.kind:
            why = f"{after.kind} is there already"
        elif {before.kind, after.kind} == _EITHER:
            why = f"{after.kind} and {before.kind} undo each other"
        if why:
            raise document.wrong(
                one.place("then", second),
                f"{why}, at {_where(one.place('then', first))}: one policy does one of it to a host",
            )


def _never_acts(one: Placed) -> None:
    """A policy whose condition needs a host that its own guard protects."""
    needs = _needs(one.policy.when)
    for label, values in one.policy.guards.protected.items():
        needed = needs.get(_label(label), needs.get("host.role") if label == "role" else None)
        if needed and needed <= set(values):
            raise document.wrong(
                one.place("when"),
                f"it needs a host with {label}: {', '.join(sorted(needed))}, which is protected at "
                f"{_where(one.place('within', 'protected'))}: the policy would never act",
            )


def _between(first: Placed, second: Placed) -> Iterator[Warned]:
    if set(first.policy.on).isdisjoint(second.policy.on) or _apart(first.policy, second.policy):
        return
    certain = _plain(first.policy.when) == _plain(second.policy.when) and (
        first.policy.guards.protected == second.policy.guards.protected
    )
    for _, before in _acting(first.policy):
        for index, after in _acting(second.policy):
            why = _clash(first.policy, before, second.policy, after)
            if not why:
                continue
            place = second.place("then", index)
            words = f"policy {second.policy.name} {why} policy {first.policy.name}, at {_where(first.node)}"
            if certain:
                raise document.wrong(place, f"{words}, on the same hosts at the same moment")
            yield Warned(
                line=place.start_mark.line + 1,
                column=place.start_mark.column + 1,
                text=f"{words}, where both conditions hold; only one of the two is carried out then",
            )


def _clash(one: Policy, before: Step, other: Policy, after: Step) -> str:
    if {before.kind, after.kind} == _EITHER:
        return f"does {after.kind} and not {before.kind} as"
    if before.kind != after.kind:
        return ""
    if before.parameters != after.parameters:
        return f"does {after.kind} with other parameters than"
    return (
        f"does {after.kind} in mode {other.mode} and not {one.mode} as"
        if one.mode is not other.mode
        else ""
    )


def _acting(policy: Policy) -> Iterator[tuple[int, Step]]:
    """What takes something away from hosts. A dry run contradicts nothing."""
    for index, step in enumerate(policy.then):
        if step.disruptive and not step.dry_run:
            yield index, step


def _apart(one: Policy, other: Policy) -> bool:
    """Whether no host can be meant by both at one moment."""
    mine, theirs = _needs(one.when), _needs(other.when)
    if any(mine[what].isdisjoint(theirs[what]) for what in mine.keys() & theirs.keys()):
        return True
    for needs, guarded in ((mine, other), (theirs, one)):
        for label, values in guarded.guards.protected.items():
            needed = needs.get(_label(label), needs.get("host.role") if label == "role" else None)
            if needed and needed <= set(values):
                return True
    return False


def _label(name: str) -> str:
    return f"host.labels[{name}]"


def _needs(when: str) -> dict[str, set[str]]:
    """Which values of which things the condition can't do without."""
    found: dict[str, set[str]] = {}
    for part in _parts(when):
        if one := _IS.match(part):
            what, values = one[1], {one[2] if one[2] is not None else one[3]}
        elif some := _AMONG.match(part):
            words = list(_WORD.finditer(some[2]))
            if "".join(word[0] for word in words) != some[2]:
                continue
            what, values = some[1], {w[1] if w[1] is not None else w[2] for w in words}
        else:
            continue
        if label := _LABEL.match(what):
            what = _label(label[1])
        found[what] = found[what] & values if what in found else values
    return found


def _parts(when: str) -> Iterator[str]:
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


def _where(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
