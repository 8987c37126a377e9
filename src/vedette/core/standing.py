"""How hosts stand between snapshots: that some fell silent or were heard again, and what is answered to it."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from vedette.core.action import Action
from vedette.core.host import Host
from vedette.core.ids import HostId, TenantId
from vedette.core.record import Record

__all__ = ["Answer", "StandingPolicy", "Turn"]


class Turn(Record, frozen=True, kw_only=True):
    """Hosts of one tenant that fell silent, or were heard again, in one transaction.

    `hosts` bear the silence that began or ended in `silent_since`. `recent` counts the tenant's hosts that turned the
    same way within the last ten minutes, these included; `fleet` all that it watches. `told` is the highest count that
    each policy has told of in that time for the fleet as a whole; `last` when each policy last answered for a host.
    """

    tenant: TenantId
    trigger: Literal["silent", "heard"]
    at: datetime
    hosts: tuple[Host, ...]
    recent: int
    fleet: int
    told: dict[str, int] = {}
    last: dict[tuple[HostId, str], datetime] = {}


class Answer(Record, frozen=True, kw_only=True):
    """What the policies make of a turn: actions, and why a host's was held back."""

    actions: tuple[Action, ...] = ()
    held: tuple[tuple[HostId, str], ...] = ()


StandingPolicy = Callable[[Turn], Answer]
"""Answers a turn within the transaction that makes it; it must have no effect of its own."""
