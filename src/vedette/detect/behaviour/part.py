"""What the model bundle says of processes in general."""

from collections import Counter
from functools import cached_property
from math import log
from typing import Any

import msgspec

from vedette.detect.behaviour.hostile import SOFT

__all__ = ["BehaviourPart"]

_WEIGHT = 60.0  # shapes that a prior is worth, at each level of the tree


class BehaviourPart(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """Counts over a fleet's normal life.

    `days` are the host-days it was made from and `hosts` their hosts; `marks` the new shapes in them by strongest
    mark; `counts` the shapes by attribute, account class and value; `holders` how many hosts know a shape, by its
    fingerprint (two or more).
    """

    days: float = 0.0
    hosts: int = 0
    marks: dict[str, int] = {}
    counts: dict[str, dict[str, dict[str, int]]] = {}
    holders: dict[int, int] = {}

    @classmethod
    def load(cls, raw: Any) -> "BehaviourPart":
        """Raises msgspec.ValidationError (a ValueError) when it is not one."""
        return msgspec.convert(raw, cls)

    @cached_property
    def _sums(self) -> dict[str, tuple[Counter[str], int]]:
        """By attribute: the counts of its values over all account classes, and of all values."""
        sums = {}
        for attribute in SOFT:
            values: Counter[str] = Counter()
            for tree in self.counts.get(attribute, {}).values():
                values.update(tree)
            sums[attribute] = values, values.total()
        return sums

    def lean(self, attribute: str, account: str, value: str) -> float:
        """ln(hostile / normal) of one attribute's value for an account class: a tree of smoothed counts."""
        hostile, prior = SOFT[attribute]
        everywhere, total = self._sums[attribute]
        usual = (everywhere.get(value, 0) + _WEIGHT * prior[value]) / (total + _WEIGHT)
        here = self.counts.get(attribute, {}).get(account, {})
        normal = (here.get(value, 0) + _WEIGHT * usual) / (sum(here.values()) + _WEIGHT)
        return log(hostile[value] / normal)

    def familiarity(self, shape: int) -> float:
        """Nats to take off a shape that other hosts know: none for one that nobody has."""
        holders = self.holders.get(shape, 0)
        return log(1.0 + 10.0 * holders) if holders else 0.0
