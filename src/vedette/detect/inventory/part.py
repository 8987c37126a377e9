"""What the model bundle says of facts in general."""

from math import log
from typing import Any

import msgspec

__all__ = ["InventoryPart"]


class InventoryPart(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over a fleet's normal life.

    `days` are the host-days it was made from, `bursts` the changes seen in them by evidence, `hosts` their
    hosts, and `holders` how many of these know a fact, by its fingerprint (two or more).
    """

    days: float = 0.0
    bursts: dict[str, int] = {}
    hosts: int = 0
    holders: dict[int, int] = {}

    @classmethod
    def load(cls, raw: Any) -> "InventoryPart":
        """Raises msgspec.ValidationError (a ValueError) when it is not one."""
        return msgspec.convert(raw, cls)

    def familiarity(self, fact: int) -> float:
        """Nats to take off a fact that other hosts hold as normal: none for one that nobody has."""
        holders = self.holders.get(fact, 0)
        return log(1.0 + 10.0 * holders) if holders else 0.0
