"""What policies would do by themselves is tried over history first, whether they are applied or stand in the settings' file."""

import shlex
from collections.abc import Callable, Collection
from typing import Final

from vedette.core import OWN_POLICY, Action, Limits, Mode, TenantId
from vedette.decide import PolicySet
from vedette.store import Store

__all__ = ["Untried", "acting_alone", "may_act", "names_of", "way_to_try"]

_ORDINARY: Final = Limits()


class Untried:
    """Says why what rests on a text that nobody tried waits for a person; empty where it need not.

    An action goes by the very text that proposed it. A host's leave to quarantine itself goes by no policy, but it is counted
    within the limits of the text in force: those must be the ordinary ones, narrower ones, or tried. Looked up each time, so that a
    back-test counts from the next action on.
    """

    def __init__(self, store: Store, file: str, in_force: Callable[[TenantId], PolicySet]) -> None:
        self._store = store
        self._file = file
        self._in_force = in_force

    def __call__(self, action: Action) -> str:
        """Of an action that would take something from its host without anybody's word."""
        what = "policies"
        version = action.policy_version
        if action.policy == OWN_POLICY:
            text = self._in_force(action.tenant)
            if not text.limits.wider_than(_ORDINARY):
                return ""
            what, version = "wider limits", text.version
        if may_act(self._store, action.tenant, version):
            return ""
        tried = self._store.policies.backtest(action.tenant, version)
        short = f" ({tried.lacks})" if tried else ""
        return (
            f"the {what} of the settings' file were not tried over enough history{short}; "
            f"run: {way_to_try(self._file)}"
        )


def way_to_try(file: str) -> str:
    """The command line that tries a file of policies."""
    return f"vedette policy backtest {shlex.quote(file) if file else 'FILE'}"


def may_act(store: Store, tenant: TenantId, version: str) -> bool:
    """Whether a text may act by itself: a back-test met enough history with it, or it was applied, which asks for one."""
    texts = store.policies
    return texts.tried(tenant, version) or texts.was_applied(tenant, version)


def names_of(acting: Collection[tuple[str, ...]]) -> tuple[str, ...]:
    """The policies' names."""
    return tuple(sorted({name for name, *_ in acting}))


def acting_alone(policies: PolicySet) -> set[tuple[str, ...]]:
    """What may be done to hosts without anyone's word, under which condition and guards, how often it begins anew, and on how many."""
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
            repr(policies.reopen_seconds),
        )
        for policy in policies.policies
        for step in policy.then
        if policy.mode is Mode.AUTO and step.disruptive and not step.dry_run
    }
