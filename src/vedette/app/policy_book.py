"""Which policies are in force: what was applied last, or else the settings' file."""

import structlog

from vedette.app.destinations import destinations_of
from vedette.app.settings import Settings
from vedette.app.wiring import load_policies, parse_policies
from vedette.console import PolicyText
from vedette.core import Clock, Conflict, InvalidInput, Mode, TenantId
from vedette.decide import Policy, PolicySet
from vedette.store import AppliedPolicy, Store

__all__ = ["PolicyBook"]

_LOG = structlog.get_logger()
_KEPT_SECONDS = 2.0


class PolicyBook:
    """Looks into the store every two seconds, so that all processes follow an applied text within that time."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._default = load_policies(settings)
        self._destinations = destinations_of(settings)
        self._store = store
        self._clock = clock
        self._known: dict[TenantId, tuple[float, PolicySet, AppliedPolicy | None]] = {}

    def of(self, tenant: TenantId) -> PolicySet:
        """The tenant's policies.

        Raises:
            InvalidInput: what was applied is not understood by this version, and nothing that is was known before.
        """
        return self._look(tenant)[0]

    def current(self, tenant: TenantId) -> PolicyText:
        """Their text, who applied it and when, and how they did over history."""
        policies, applied = self._look(tenant)
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
        policies = parse_policies(text, self._destinations)
        bold = sorted(_alone(policies) - _alone(self.of(tenant)))
        if bold and self._store.policies.backtest(tenant, policies.version) is None:
            names = ", ".join(sorted({name for name, *_ in bold}))
            raise Conflict(
                f"policy {names} would act on hosts by itself; try this text over history first: "
                "vedette policy backtest FILE, on the server",
                kind="needs-backtest",
                version=policies.version,
            )
        self._store.policies.put(tenant, policies.version, text, actor, reason)
        self._known.pop(tenant, None)
        return self.current(tenant)

    def _look(self, tenant: TenantId) -> tuple[PolicySet, AppliedPolicy | None]:
        now = self._clock.monotonic()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < _KEPT_SECONDS:
            return known[1], known[2]
        applied = self._store.policies.current(tenant)
        policies = self._parsed(applied, known[1] if known else None)
        self._known[tenant] = (now, policies, applied)
        return policies, applied

    def _parsed(self, applied: AppliedPolicy | None, before: PolicySet | None) -> PolicySet:
        if applied is None:
            return self._default
        if before is not None and before.version == applied.version:
            return before
        try:
            # Whom it tells was checked when it was applied. One that was taken out of the settings since is named by its
            # actions' failure; it must not take all policies out of force.
            return parse_policies(applied.text)
        except InvalidInput as error:
            if before is None:
                raise
            _LOG.error("policies.not_understood", version=applied.version, detail=error.detail)
            return before


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
