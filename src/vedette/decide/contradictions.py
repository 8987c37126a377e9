"""Policies that contradict: what is certain is an error, what may be is a warning, each with the place of both.

Whether two conditions can hold at once can't be decided of CEL in general. What is known here: a condition without `when` always
holds; the same parts joined by `&&` hold together, in whatever order; a thing that must have one of some values has one of more; and
conditions that each need another value of the same thing never hold at once. So what is called apart is apart, and what is said to
mean all hosts of another does.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any, NamedTuple

import yaml

from vedette.core import Mode, Record
from vedette.decide import document
from vedette.decide.conjuncts import Conjuncts
from vedette.decide.policy import Guards, Policy, Step

__all__ = ["Placed", "Warned", "check"]

# Kinds of which a host takes one or the other.
_EITHER = frozenset({"shutdown", "reboot"})
_HOW_LONG = frozenset({"lease", "at_most", "grace"})
# From writing down to acting: where two policies mean one host, the one that goes further is what happens.
_FURTHER = (Mode.OBSERVE, Mode.APPROVE, Mode.AUTO)


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
    conjuncts = _conjuncts(one.policy)
    for label, values in one.policy.guards.protected.items():
        if needed := conjuncts.within(label, values):
            raise document.wrong(
                one.place("when"),
                f"it needs a host with {label}: {', '.join(sorted(needed))}, which is protected at "
                f"{_where(one.place('within', 'protected'))}: the policy would never act",
            )


def _between(first: Placed, second: Placed) -> Iterator[Warned]:
    if set(first.policy.on).isdisjoint(second.policy.on) or _apart(first.policy, second.policy):
        return
    certain = _covers(first.policy, second.policy) and _covers(second.policy, first.policy)
    for _, before in _acting(first.policy):
        for index, after in _acting(second.policy):
            why = _clash(first.policy, before, second.policy, after)
            if not why:
                continue
            place = second.place("then", index)
            words = f"policy {second.policy.name} {why} policy {first.policy.name}, at {_where(first.node)}"
            if certain:
                raise document.wrong(place, f"{words}, on the same hosts at the same moment")
            if before.kind == after.kind and _target(before) == _target(after):
                _in_vain(first, second, place)
            yield Warned(
                line=place.start_mark.line + 1,
                column=place.start_mark.column + 1,
                text=f"{words}, where both conditions hold; {_outcome(first.policy, second.policy)}",
            )


def _in_vain(first: Placed, second: Placed, place: yaml.Node) -> None:
    """One that is to do less than another which does the same to all of its hosts: it would be acted on there all the same."""
    for less, more in ((first, second), (second, first)):
        narrow, wide = less.policy, more.policy
        if _FURTHER.index(narrow.mode) < _FURTHER.index(wide.mode) and (
            set(narrow.on) <= set(wide.on)
            and _covers(wide, narrow)
            and _as_soon(wide.guards, narrow.guards)
            and wide.guards.cooldown_seconds <= narrow.guards.cooldown_seconds
        ):
            raise document.wrong(
                place,
                f"policy {narrow.name}, at {_where(less.node)}, is in mode {narrow.mode}, and policy {wide.name}, at "
                f"{_where(more.node)}, does the same in mode {wide.mode} on all of its hosts, so that it would be in vain: "
                f"leave these hosts out of policy {wide.name}, by its `when` or `protected`",
            )


def _target(step: Step) -> dict[str, Any]:
    """What it is done to, and how; not for how long."""
    return {name: value for name, value in step.parameters.items() if name not in _HOW_LONG}


def _covers(wide: Policy, narrow: Policy) -> bool:
    """Whether the one certainly means every host that the other does."""
    return _conjuncts(wide).holds_with(_conjuncts(narrow)) and all(
        set(values) <= set(narrow.guards.protected.get(label, ()))
        for label, values in wide.guards.protected.items()
    )


def _as_soon(wide: Guards, narrow: Guards) -> bool:
    """Whether the one waits for no more snapshots than the other. To ask at once and act later contradicts nothing."""
    if wide.confirm == 1:
        return True
    same = (wide.confirm, wide.lately, wide.experts)
    return same == (narrow.confirm, narrow.lately, narrow.experts)


def _outcome(one: Policy, other: Policy) -> str:
    if one.mode is other.mode:
        return "only one of the two is carried out then"
    further = max(one, other, key=lambda policy: _FURTHER.index(policy.mode))
    return f"what policy {further.name} does in mode {further.mode} is what happens then"


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
    mine, theirs = _conjuncts(one), _conjuncts(other)
    return mine.apart(theirs) or any(
        conjuncts.within(label, values)
        for conjuncts, guarded in ((mine, other), (theirs, one))
        for label, values in guarded.guards.protected.items()
    )


def _conjuncts(policy: Policy) -> Conjuncts:
    return _taken_apart(policy.when, policy.timezone)


@lru_cache(maxsize=256)
def _taken_apart(when: str, timezone: str) -> Conjuncts:
    """Once for each policy, not for each pair of them."""
    return Conjuncts(when, timezone)


def _where(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}"
