"""Which policies are in force: what was applied last, or else the settings' file."""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from vedette.app.applied import AppliedText
from vedette.app.backtesting import backtest
from vedette.app.destinations import destinations_of
from vedette.app.reach import unreached
from vedette.app.settings import Settings
from vedette.app.wiring import load_policies, parse_oncall, parse_policies
from vedette.console import Draft, PolicyText
from vedette.core import Backtest, Clock, Conflict, Host, InvalidInput, Mode, TenantId
from vedette.decide import Policy, PolicySet
from vedette.respond import CAUSE, schemas
from vedette.store import Store

__all__ = ["MOST_VERDICTS", "PolicyBook"]

MOST_VERDICTS: Final = 100_000
"""How many verdicts a back-test that people ask for from afar goes over."""


class PolicyBook:
    """All processes follow an applied text within two seconds."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._destinations = destinations_of(settings)
        self._store = store
        self._clock = clock
        self._trying = threading.Lock()
        # Whom it tells, and which chains it starts, was checked when it was applied. What was taken out since is named by its
        # actions' failure; it must not take all policies out of force.
        self._texts: AppliedText[PolicySet] = AppliedText(
            store.policies, clock, parse_policies, load_policies(settings)
        )

    def of(self, tenant: TenantId) -> PolicySet:
        """The tenant's policies.

        Raises:
            InvalidInput: what was applied is not understood by this version, and nothing that is was known before.
        """
        return self._texts.look(tenant)[0]

    def current(self, tenant: TenantId) -> PolicyText:
        """Their text, who applied it and when, and how they did over history."""
        policies, applied = self._texts.look(tenant)
        return PolicyText(
            version=policies.version,
            text=policies.text,
            since=applied.applied_at if applied else None,
            by=applied.applied_by if applied else "",
            limits=policies.limits,
            backtest=self._store.policies.backtest(tenant, policies.version),
        )

    def draft(
        self, host: Host, kind: str, parameters: Mapping[str, Any], *, dry_run: bool
    ) -> Draft:
        """An action that a person would have done to a host.

        Raises:
            InvalidInput: there is no such kind, or its parameters are wrong.
            Conflict: (host-protected) a policy in force that does the same protects this host.
        """
        schema = schemas(self._destinations).get(kind)
        if schema is None:
            raise InvalidInput(f"there is no action {kind!r}")
        for policy in self.of(host.tenant).policies:
            if kind not in {step.kind for step in policy.then}:
                continue
            for label, values in policy.guards.protected.items():
                if host.labels.get(label) in values:
                    raise Conflict(
                        f"policy {policy.name} protects hosts with {label}: {host.labels[label]} from {kind}",
                        kind="host-protected",
                    )
        checked = schema.check(parameters, dry_run=dry_run)
        if CAUSE in checked.values():
            raise InvalidInput(
                f"{kind} is about what a verdict's reasons name, so only a policy proposes it"
            )
        return Draft(
            parameters=checked,
            disruptive=schema.disruptive,
            lease_seconds=float(checked.get("lease", 0.0)),
            most_seconds=float(checked.get("at_most", 0.0)),
            grace_seconds=float(checked.get("grace", 0.0)),
        )

    def check(self, tenant: TenantId, text: str) -> PolicyText:
        """What the text would be in force, and what is to be known of it; nothing changes.

        Raises:
            InvalidInput: it is wrong: where, and why.
        """
        policies = self._parsed(tenant, text)
        return PolicyText(
            version=policies.version,
            text=policies.text,
            limits=policies.limits,
            backtest=self._store.policies.backtest(tenant, policies.version),
            warnings=self._warned(tenant, policies),
            untried=self._untried(tenant, policies),
        )

    def backtest(
        self, tenant: TenantId, text: str, *, since: datetime, until: datetime, actor: str
    ) -> Backtest:
        """What the text would have done to snapshots taken within `since` and before `until`; kept, but not in force.

        One at a time in this process, and over a bounded history: it runs beside what serves people and hosts.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (backtest-running) another is on its way; (history-too-long) the server's own command line can do it.
        """
        policies = self._parsed(tenant, text)
        count = sum(self._store.verdicts.counts(tenant, since=since, until=until).values())
        if count > MOST_VERDICTS:
            raise Conflict(
                f"there are {count} verdicts in that time, and {MOST_VERDICTS} at most are tried from here; "
                "choose a shorter time, or run `vedette policy backtest FILE` on the server",
                kind="history-too-long",
            )
        if not self._trying.acquire(blocking=False):
            raise Conflict(
                "another back-test is running; try again when it has ended",
                kind="backtest-running",
            )
        try:
            return backtest(
                self._store, self._clock, tenant, policies, since=since, until=until, actor=actor
            )
        finally:
            self._trying.release()

    def _untried(self, tenant: TenantId, policies: PolicySet) -> tuple[str, ...]:
        """Policies that would act on hosts by themselves as none does now, while this very text was never tried."""
        tried = self._store.policies.backtest(tenant, policies.version)
        if tried is not None and tried.verdicts:
            return ()
        return tuple(sorted({name for name, *_ in _alone(policies) - _alone(self.of(tenant))}))

    def _parsed(self, tenant: TenantId, text: str) -> PolicySet:
        oncall = self._store.oncall.current(tenant)
        chains = parse_oncall(oncall.text).chains if oncall else ()
        return parse_policies(text, self._destinations, chains=chains)

    def _warned(self, tenant: TenantId, policies: PolicySet) -> tuple[str, ...]:
        return (*map(str, policies.warnings), *unreached(self._store, tenant, policies))

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> PolicyText:
        """Puts a text in force, whole or not at all.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (needs-backtest) it lets something disruptive act by itself that did not before, and this very text was
                never tried over history, or over one without a verdict.
        """
        policies = self._parsed(tenant, text)
        if untried := self._untried(tenant, policies):
            tried = self._store.policies.backtest(tenant, policies.version)
            empty = " (what was tried had no verdict in it)" if tried is not None else ""
            raise Conflict(
                f"policy {', '.join(untried)} would act on hosts by itself; try this text over history first{empty}: "
                "on the page of policies, or by vedette policy backtest FILE on the server",
                kind="needs-backtest",
                version=policies.version,
            )
        self._texts.put(tenant, policies, text, actor=actor, reason=reason)
        return replace(self.current(tenant), warnings=self._warned(tenant, policies))


def _alone(policies: PolicySet) -> set[tuple[str, ...]]:
    """What may be done to hosts without anyone's word, under which condition and guards, and on how many."""
    return {
        (
            policy.name,
            step.kind,
            policy.when,
            policy.timezone,
            *policy.on,
            repr(step.parameters),
            repr(policy.guards),
            repr(policies.limits),
        )
        for policy in policies.policies
        for step in policy.then
        if _acts(policy) and step.disruptive and not step.dry_run
    }


def _acts(policy: Policy) -> bool:
    return policy.mode is Mode.AUTO
