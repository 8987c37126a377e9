"""Who is on call: what was applied last; nobody until then."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from vedette.app.applied import AppliedText
from vedette.app.destinations import destinations_of
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.app.wiring import parse_oncall
from vedette.console import OnCallText
from vedette.core import Clock, Conflict, Duty, Opening, TenantId
from vedette.decide import OnCall
from vedette.respond import schemas
from vedette.store import Store

__all__ = ["OnCallBook"]


class OnCallBook:
    """All processes follow an applied text within two seconds."""

    def __init__(
        self, settings: Settings, store: Store, policies: PolicyBook, clock: Clock
    ) -> None:
        self._destinations = destinations_of(settings)
        self._store = store
        self._policies = policies
        self._texts: AppliedText[OnCall] = AppliedText(
            store.oncall, clock, parse_oncall, OnCall.empty(kinds=schemas())
        )

    def of(self, tenant: TenantId) -> OnCall:
        """The tenant's document: the one applied last that this version can read."""
        return self._texts.look(tenant).parsed

    def fault(self, tenant: TenantId) -> str:
        """What is wrong with the one applied last, where this version can't read it; empty when it can."""
        return self._texts.look(tenant).fault

    def current(self, tenant: TenantId) -> OnCallText:
        """Its text, and who applied it and when."""
        found = self._texts.look(tenant)
        oncall, applied = found.parsed, found.applied
        return OnCallText(
            version=oncall.version,
            text=oncall.text,
            since=applied.applied_at if applied else None,
            by=applied.applied_by if applied else "",
            chains=tuple(oncall.chains.values()),
            fault=found.fault,
        )

    def duties(self, tenant: TenantId, at: datetime) -> Sequence[Duty]:
        """Who is on duty at a moment, by schedule."""
        return self.of(tenant).duties(at)

    def openings(self, tenant: TenantId, at: datetime) -> Sequence[Opening]:
        """Which hours are open at a moment."""
        return self.of(tenant).openings(at)

    def check(self, tenant: TenantId, text: str) -> OnCallText:
        """What would be in force.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (chain-in-use) it lacks a chain that policies start or that is on its way.
        """
        oncall = self._checked(tenant, text)
        return OnCallText(
            version=oncall.version,
            text=text,
            chains=tuple(oncall.chains.values()),
            warnings=tuple(map(str, oncall.warnings)),
        )

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> OnCallText:
        """Puts a text in force, whole or not at all; errors as of `check`, and Conflict (applied-meanwhile): somebody was faster."""
        seen = {
            "policy": self._policies.afresh(tenant).last,
            "oncall": self._texts.afresh(tenant).last,
        }
        oncall = self._checked(tenant, text)
        self._texts.put(tenant, oncall.version, text, actor=actor, reason=reason, seen=seen)
        return replace(self.current(tenant), warnings=tuple(map(str, oncall.warnings)))

    def _checked(self, tenant: TenantId, text: str) -> OnCall:
        oncall, now = parse_oncall(text, self._destinations), self.of(tenant).chains.keys()
        started = self._policies.of(tenant).chains
        running = self._store.escalations.running_chains(tenant)
        for chains, whose in ((started, "policies start"), (running, "escalations are in")):
            lost = sorted((chains & now) - oncall.chains.keys())
            if lost:
                raise Conflict(
                    f"{whose} chain {', '.join(lost)}, which this text lacks", kind="chain-in-use"
                )
        return oncall
