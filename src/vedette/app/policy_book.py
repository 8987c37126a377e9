"""Which policies are in force: what was applied last, or else the settings' file."""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from vedette.app.applied import AppliedText, InForce
from vedette.app.backtesting import backtest
from vedette.app.clouds import clouds_of
from vedette.app.destinations import destinations_of
from vedette.app.enough import Enough
from vedette.app.reach import unreached
from vedette.app.settings import Settings
from vedette.app.untried import acting_alone, may_act, names_of
from vedette.app.wiring import load_policies, parse_oncall, parse_policies
from vedette.console import Draft, PolicyText
from vedette.core import Backtest, Clock, Conflict, Host, InvalidInput, TenantId
from vedette.decide import PolicySet
from vedette.respond import CAUSE, schemas
from vedette.store import Store

__all__ = ["MOST_SECONDS", "MOST_VERDICTS", "PolicyBook"]

MOST_VERDICTS: Final = 100_000
"""How many verdicts a back-test that people ask for from afar goes over."""
MOST_SECONDS: Final = 60.0
"""How long it may take."""
_ELSEWHERE: Final = "choose a shorter time, or run `vedette policy backtest FILE` on the server"


class PolicyBook:
    """All processes follow an applied text within two seconds."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._destinations = destinations_of(settings)
        self._clouds = partial(clouds_of, settings)
        self._enough = Enough.by(settings.respond)
        self._store = store
        self._clock = clock
        self._trying: set[TenantId] = set()
        self._turn = threading.Lock()
        # Whom it tells, and which chains it starts, was checked when it was applied. What was taken out since is named by its
        # actions' failure; it must not take all policies out of force.
        self._texts: AppliedText[PolicySet] = AppliedText(
            store.policies, clock, parse_policies, load_policies(settings)
        )

    def of(self, tenant: TenantId) -> PolicySet:
        """The tenant's policies: those applied last that this version can read."""
        return self._texts.look(tenant).parsed

    def afresh(self, tenant: TenantId) -> InForce[PolicySet]:
        """The tenant's policies as they are at this very moment, for what is decided by them."""
        return self._texts.afresh(tenant)

    def fault(self, tenant: TenantId) -> str:
        """What is wrong with those applied last, where this version can't read them; empty when it can.

        So long nothing is done to hosts by itself: those that are gone by instead may be what somebody put out of force.
        """
        return self._texts.look(tenant).fault

    def current(self, tenant: TenantId) -> PolicyText:
        """Their text, who applied it and when, how they did over history, and which ask people until they are tried."""
        found = self._texts.look(tenant)
        policies, applied = found.parsed, found.applied
        alone = acting_alone(policies) - self._let_act(tenant, found)
        return PolicyText(
            version=policies.version,
            text=policies.text,
            since=applied.applied_at if applied else None,
            by=applied.applied_by if applied else "",
            limits=policies.limits,
            backtest=self._store.policies.backtest(tenant, policies.version),
            untried=names_of(alone),
            fault=found.fault,
        )

    def fields(self, kind: str) -> Mapping[str, str] | None:
        """The kind's parameters that people may give; None where there is no such kind, or only a policy proposes it.

        What is named by a verdict's reasons is known to policies alone.
        """
        schema = schemas(self._destinations).get(kind)
        if schema is None or any(
            words.startswith(f"Must be `{CAUSE}`") for words in schema.parameters.values()
        ):
            return None
        return {
            name: words
            for name, words in schema.parameters.items()
            if not words.startswith(f"`{CAUSE}`") or "; or " in words
        }

    def on_host(self, kind: str) -> bool:
        """Whether there is such a kind, and it is done to hosts."""
        schema = schemas(self._destinations).get(kind)
        return schema is not None and schema.on_host

    def clouds(self, tenant: TenantId) -> Mapping[str, str]:
        """The kinds that are carried out through a cloud's API, whatever a host's agent allows; with why not, where they can't be."""
        return self._clouds(tenant)

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
        if why := self.of(host.tenant).protects(host, kind):
            raise Conflict(why, kind="host-protected")
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

        One at a time of a tenant in this process, over a bounded history and for a bounded time: it runs beside what serves
        people and hosts.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (backtest-running) another is on its way; (history-too-long, backtest-too-slow) the server's own
                command line can do it.
        """
        policies = self._parsed(tenant, text)
        count = sum(self._store.verdicts.counts(tenant, since=since, until=until).values())
        if count > MOST_VERDICTS:
            raise Conflict(
                f"there are {count} verdicts in that time, and {MOST_VERDICTS} at most are tried from here; {_ELSEWHERE}",
                kind="history-too-long",
            )
        ends_at = self._clock.monotonic() + MOST_SECONDS

        def progress(done: int) -> None:
            if self._clock.monotonic() > ends_at:
                raise Conflict(
                    f"after {MOST_SECONDS:.0f} seconds {done} of {count} verdicts were tried, and nothing of it is kept; {_ELSEWHERE}",
                    kind="backtest-too-slow",
                )

        with self._one_at_a_time(tenant):
            return backtest(
                self._store,
                self._clock,
                tenant,
                policies,
                since=since,
                until=until,
                actor=actor,
                enough=self._enough,
                progress=progress,
            )

    @contextmanager
    def _one_at_a_time(self, tenant: TenantId) -> Iterator[None]:
        with self._turn:
            if tenant in self._trying:
                raise Conflict(
                    "another back-test is running; try again when it has ended",
                    kind="backtest-running",
                )
            self._trying.add(tenant)
        try:
            yield
        finally:
            with self._turn:
                self._trying.discard(tenant)

    def _untried(self, tenant: TenantId, policies: PolicySet) -> tuple[str, ...]:
        """Policies that would act on hosts by themselves as none does now, while this very text was never tried."""
        if self._store.policies.tried(tenant, policies.version):
            return ()
        return names_of(acting_alone(policies) - self._let_act(tenant, self._texts.look(tenant)))

    def _let_act(self, tenant: TenantId, now: InForce[PolicySet]) -> set[tuple[str, ...]]:
        """What acts by itself now: nothing of a settings' file that was not tried, and nothing beside a text that can't be read."""
        alone = set() if now.fault else acting_alone(now.parsed)
        return alone if alone and may_act(self._store, tenant, now.parsed.version) else set()

    def _parsed(self, tenant: TenantId, text: str) -> PolicySet:
        return parse_policies(text, self._destinations, chains=self._chains(tenant))

    def _chains(self, tenant: TenantId) -> Collection[str] | None:
        """Those that can be started; None where this version can't read which."""
        oncall = self._store.oncall.current(tenant)
        try:
            return parse_oncall(oncall.text).chains if oncall else ()
        except InvalidInput:
            return None

    def _warned(self, tenant: TenantId, policies: PolicySet) -> tuple[str, ...]:
        return (*map(str, policies.warnings), *unreached(self._store, tenant, policies))

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> PolicyText:
        """Puts a text in force, whole or not at all.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (needs-backtest) it lets something disruptive act by itself that did not before, and this very text was
                never tried over enough history; (applied-meanwhile) somebody else was faster.
        """
        oncall = self._store.oncall.current(tenant)
        seen = {
            "policy": self.afresh(tenant).last,
            "oncall": oncall.version if oncall else "",
        }
        policies = self._parsed(tenant, text)
        if untried := self._untried(tenant, policies):
            tried = self._store.policies.backtest(tenant, policies.version)
            short = f" (it was, but {tried.lacks})" if tried else ""
            raise Conflict(
                f"policy {', '.join(untried)} would act on hosts by itself; try this text over history first{short}: "
                "on the page of policies, or by vedette policy backtest FILE on the server",
                kind="needs-backtest",
                version=policies.version,
            )
        self._texts.put(tenant, policies.version, text, actor=actor, reason=reason, seen=seen)
        return replace(self.current(tenant), warnings=self._warned(tenant, policies))
