"""Which policies are in force: what was applied last, or else the settings' file."""

from vedette.app.applied import AppliedText
from vedette.app.destinations import destinations_of
from vedette.app.settings import Settings
from vedette.app.wiring import load_policies, parse_oncall, parse_policies
from vedette.console import PolicyText
from vedette.core import Clock, Conflict, Mode, TenantId
from vedette.decide import Policy, PolicySet
from vedette.store import Store

__all__ = ["PolicyBook"]


class PolicyBook:
    """All processes follow an applied text within two seconds."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._destinations = destinations_of(settings)
        self._store = store
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

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> PolicyText:
        """Puts a text in force, whole or not at all.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (needs-backtest) it lets something disruptive act by itself that did not before, and this very text was
                never tried over history.
        """
        oncall = self._store.oncall.current(tenant)
        chains = parse_oncall(oncall.text).chains if oncall else ()
        policies = parse_policies(text, self._destinations, chains=chains)
        bold = sorted(_alone(policies) - _alone(self.of(tenant)))
        if bold and self._store.policies.backtest(tenant, policies.version) is None:
            names = ", ".join(sorted({name for name, *_ in bold}))
            raise Conflict(
                f"policy {names} would act on hosts by itself; try this text over history first: "
                "vedette policy backtest FILE, on the server",
                kind="needs-backtest",
                version=policies.version,
            )
        self._texts.put(tenant, policies, text, actor=actor, reason=reason)
        return self.current(tenant)


def _alone(policies: PolicySet) -> set[tuple[str, ...]]:
    """What may be done to hosts without anyone's word, and under which condition and guards."""
    return {
        (
            policy.name,
            step.kind,
            policy.when,
            *policy.on,
            repr(step.parameters),
            repr(policy.guards),
        )
        for policy in policies.policies
        for step in policy.then
        if _acts(policy) and step.disruptive and not step.dry_run
    }


def _acts(policy: Policy) -> bool:
    return policy.mode is Mode.AUTO
