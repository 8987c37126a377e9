"""What holds actions back beyond their policy: how many hosts may be acted on, and the switch that stops all of it."""

import math
from datetime import datetime
from enum import StrEnum

from vedette.core.action import Action
from vedette.core.ids import ActionId, TenantId
from vedette.core.record import Record

__all__ = ["Breaker", "Limits", "Scope", "Switch", "scopes_of"]


class Scope(StrEnum):
    """What hosts have in common that are counted together: their tenant, their cohort, the model that judged them."""

    TENANT = "tenant"
    COHORT = "cohort"
    MODEL = "model"


def scopes_of(action: Action) -> tuple[tuple[Scope, str], ...]:
    """In which scopes an action's host is counted, with the key of each. One of no cohort or model is counted in none of these."""
    named = ((Scope.COHORT, action.cohort), (Scope.MODEL, action.model))
    return ((Scope.TENANT, ""), *((scope, key) for scope, key in named if key))


class Limits(Record, frozen=True, kw_only=True):
    """Shares (0..1) of the hosts in each scope that disruptive actions may touch within `per_seconds`.

    `least` hosts are always allowed: a share of a small fleet would be none. A host that is acted on already, or under a
    lease still, counts once.
    """

    tenant: float = 0.05
    cohort: float = 0.25
    model: float = 0.05
    least: int = 1
    per_seconds: float = 3_600.0

    def wider_than(self, other: "Limits") -> bool:
        """Whether any of them lets more hosts be touched than the other's."""
        return (
            self.tenant > other.tenant
            or self.cohort > other.cohort
            or self.model > other.model
            or self.least > other.least
            or self.per_seconds < other.per_seconds
        )

    def most(self, scope: Scope, hosts: int) -> int:
        """How many of so many hosts."""
        share: float = getattr(self, scope.value)
        return max(self.least, math.floor(share * hosts + 1e-9))


class Breaker(Record, frozen=True, kw_only=True):
    """A limit that was reached, and is open until a person resets it.

    While it is open no policy acts by itself in its scope. `key` names the cohort or model; `acted` of `hosts` hosts had
    been acted on, `most` was the limit, `action` was held back by it.
    """

    tenant: TenantId
    scope: Scope
    key: str
    tripped_at: datetime
    acted: int
    hosts: int
    most: int
    action: ActionId
    reset_at: datetime | None = None
    reset_by: str = ""
    reset_why: str = ""

    @property
    def words(self) -> str:
        """What it says to people."""
        where = "the fleet" if self.scope is Scope.TENANT else f"{self.scope} {self.key or 'none'}"
        return f"{self.acted} of {self.hosts} hosts of {where} were acted on within its time; the limit is {self.most}"


class Switch(Record, frozen=True, kw_only=True):
    """While it is thrown nothing disruptive begins or is renewed; what is in force can be released. `tenant` None: for all."""

    tenant: TenantId | None
    thrown_at: datetime
    thrown_by: str
    reason: str
