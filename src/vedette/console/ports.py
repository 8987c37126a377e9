"""What the console needs from outside besides the store; the app hands it over."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from vedette.core import (
    Backtest,
    Chain,
    Duty,
    Epoch,
    Host,
    HostId,
    Identity,
    Limits,
    Opening,
    Record,
    TenantId,
)

__all__ = [
    "DeadLetter",
    "DeadLetters",
    "Draft",
    "EnrolmentIssuer",
    "IssuedEnrolment",
    "LetterChoice",
    "ModelInfo",
    "Models",
    "OnCallText",
    "OnCalls",
    "Policies",
    "PolicyText",
]


class PolicyText(Record, frozen=True, kw_only=True):
    """The policies in force: their YAML text, the digest that names this version, and the limits that they set.

    `backtest` is what they would have done over history, if that was asked. `warnings`, where a text is checked or applied, say which
    policies may contradict and which hosts they can't reach; `untried` names those that must be tried over history: where it is
    checked, before this text can be put in force; of what is in force, before they act by themselves and ask nobody. `fault`, of
    what is in force, says what is wrong with a later text that this version of the server can't read: so long these are gone by, and
    nothing is done to hosts by itself.
    """

    version: str
    text: str
    since: datetime | None = None
    by: str = ""
    limits: Limits = Limits()
    backtest: Backtest | None = None
    warnings: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()
    fault: str = ""


class OnCallText(Record, frozen=True, kw_only=True):
    """An on-call document: its YAML text, the digest that names this version, and the chains in it.

    `warnings`, where a text is checked or applied, say what in it does nothing.
    `fault`, of the one in force, says what is wrong with a later one that this version of the server can't read.
    """

    version: str
    text: str
    since: datetime | None = None
    by: str = ""
    chains: tuple[Chain, ...] = ()
    warnings: tuple[str, ...] = ()
    fault: str = ""


class ModelInfo(Record, frozen=True, kw_only=True):
    """One model bundle: its digest, whether it decides (`champion`) or only watches (`challenger`), and its origin."""

    digest: str
    role: str = "champion"
    made: str = ""
    data: str = ""
    figures: dict[str, float] = {}


class IssuedEnrolment(Record, frozen=True, kw_only=True):
    """A fresh enrolment token: the text given to the host once, and the hash of its secret for the store."""

    text: str
    secret_hash: str


class DeadLetter(Record, frozen=True, kw_only=True):
    """A rejected snapshot: its identity, what its clear header tells (None where that is damaged), and why. Not its body."""

    id: str
    host: HostId
    epoch: Epoch
    seq: int
    taken_at: datetime | None
    key_id: str | None
    content_type: str | None
    size: int
    digest: str
    reason: str
    attempts: int
    replays: int
    received_at: datetime
    rejected_at: datetime

    def identity(self, tenant: TenantId) -> Identity:
        """Of the snapshot."""
        return Identity(tenant=tenant, host=self.host, epoch=self.epoch, seq=self.seq)


class LetterChoice(Record, frozen=True, kw_only=True):
    """Which dead letters are meant: those that fit all that is given.

    `since` is within, `until` beyond the span of the last rejection; `text` is looked for in the reason.
    """

    ids: tuple[str, ...] | None = None
    host: HostId | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


class DeadLetters(Protocol):
    """The queue's rejected, of one tenant at a time."""

    def find(
        self, tenant: TenantId, choice: LetterChoice, *, limit: int, after: str | None
    ) -> Sequence[DeadLetter]:
        """Those that fit, in the order of their first rejection, from the one behind `after` on."""

    def replay(self, tenant: TenantId, choice: LetterChoice, *, limit: int) -> Sequence[DeadLetter]:
        """Puts those that fit back on their way, 500 at most; those that it moved."""

    def purge(self, tenant: TenantId, choice: LetterChoice, *, limit: int) -> Sequence[DeadLetter]:
        """Deletes those that fit for good, 500 at most; those that it deleted."""


class Draft(Record, frozen=True, kw_only=True):
    """What a person would have done, its parameters checked and complete. Durations are in seconds; 0 is none."""

    parameters: dict[str, Any]
    disruptive: bool
    lease_seconds: float
    most_seconds: float
    grace_seconds: float


class Policies(Protocol):
    """Which policies are in force, and what they know of actions."""

    def fields(self, kind: str) -> Mapping[str, str] | None:
        """What somebody who proposes this kind may say of it: each parameter's name, and what it is; None: only policies propose it."""

    def on_host(self, kind: str) -> bool:
        """Whether there is such a kind, and it is done to hosts: what tells people is for policies and escalations alone."""

    def clouds(self, tenant: TenantId) -> Mapping[str, str]:
        """The kinds that are carried out through a cloud's API, so that no agent need be there: each with why it can't be, or empty words."""

    def draft(
        self, host: Host, kind: str, parameters: Mapping[str, Any], *, dry_run: bool
    ) -> Draft:
        """An action that a person would have done to a host.

        Raises:
            InvalidInput: there is no such kind, or its parameters are wrong.
            Conflict: (host-protected) a policy in force that does the same protects this host.
        """

    def current(self, tenant: TenantId) -> PolicyText:
        """The tenant's policies."""

    def fault(self, tenant: TenantId) -> str:
        """What is wrong with those applied last, where they can't be read; empty when they can."""

    def check(self, tenant: TenantId, text: str) -> PolicyText:
        """What a text would be in force; nothing changes.

        Raises:
            InvalidInput: it is wrong: where, and why.
        """

    def backtest(
        self, tenant: TenantId, text: str, *, since: datetime, until: datetime, actor: str
    ) -> Backtest:
        """What a text would have done to snapshots taken within `since` and before `until`; kept, but not in force.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: another is running (`backtest-running`), or there is too much to go over (`history-too-long`,
                `backtest-too-slow`).
        """

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> PolicyText:
        """Puts a text in force, whole or not at all.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (needs-backtest) it must be tried over history first.
        """


class OnCalls(Protocol):
    """Who is on call, and the chains that tell them."""

    def current(self, tenant: TenantId) -> OnCallText:
        """The tenant's document."""

    def fault(self, tenant: TenantId) -> str:
        """What is wrong with the one applied last, where it can't be read; empty when it can."""

    def duties(self, tenant: TenantId, at: datetime) -> Sequence[Duty]:
        """Who is on duty at a moment, by schedule."""

    def openings(self, tenant: TenantId, at: datetime) -> Sequence[Opening]:
        """Which hours are open at a moment."""

    def check(self, tenant: TenantId, text: str) -> OnCallText:
        """What would be in force if this text were applied.

        Raises:
            InvalidInput: it is wrong: where, and why.
            Conflict: (chain-in-use) it lacks a chain that policies start or that is on its way.
        """

    def apply(self, tenant: TenantId, text: str, *, actor: str, reason: str) -> OnCallText:
        """Puts a text in force, whole or not at all; errors as of `check`."""


class Models(Protocol):
    """Which models decide and watch."""

    def all(self) -> Sequence[ModelInfo]:
        """Champion first."""


class EnrolmentIssuer(Protocol):
    """Makes enrolment tokens; it knows the server's address and its authority's fingerprint."""

    def issue(self, tenant: TenantId) -> IssuedEnrolment:
        """A new token with a fresh secret. Nothing is stored yet."""
