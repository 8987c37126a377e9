"""What the door needs from outside. All of it blocks, and is called in worker threads, except where it says otherwise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from vedette.core import (
    ActionId,
    AuditEntry,
    CommandId,
    CommandResult,
    Evidence,
    HostDescription,
    HostId,
    Identity,
    Message,
    Record,
    TenantId,
    Waiter,
)

__all__ = [
    "Appender",
    "Audit",
    "CommandBox",
    "Enrolled",
    "Enrolment",
    "Enrolments",
    "EvidenceBox",
    "Flow",
    "Hosts",
    "Load",
    "Signer",
    "Timer",
    "Usage",
    "Waits",
]

Timer = Callable[[str], AbstractContextManager[object]]
"""Measures what is done within, under a stage's name. Nothing is awaited within."""


class Signer(Protocol):
    """Whose key a request is signed with."""

    @property
    def tenant(self) -> TenantId:
        """The host's tenant."""

    @property
    def host(self) -> HostId:
        """The host."""

    @property
    def public_key(self) -> str:
        """The key in `VerifyKey`'s text form."""

    @property
    def revoked_at(self) -> datetime | None:
        """Since when the key is no longer trusted."""

    @property
    def needed(self) -> Sequence[str]:
        """The tables that the detector needs in full with the host's next push."""


class Hosts(Protocol):
    """The hosts that are enrolled."""

    def signers(self, kids: Collection[str], /) -> Mapping[str, Signer]:
        """Who signs with the keys of these ids, as it stands when asked; those that nobody has are left out."""

    def allow(self, tenant: TenantId, host: HostId, kinds: tuple[str, ...], /) -> object:
        """Keeps, durably, which kinds of actions the host's agent says that it lets be done. Again is no second effect."""

    def contest(self, identity: Identity, taken_at: datetime, /) -> None:
        """Keeps, durably, that a number of this epoch came a second time, with other content that was taken then."""


class Appender(Protocol):
    """The queue's front."""

    def append(self, messages: Sequence[Message], /) -> Sequence[str]:
        """Stores them in one transaction, on disk when it returns; `new`, `duplicate` or `conflict` for each, in order.

        When it raises, none may be taken as stored.
        """


class Enrolment(Record, frozen=True, kw_only=True):
    """An agent that asks to be let in, and has proven that it holds the key. The token itself is not kept."""

    secret_hash: str
    public_key: str
    kid: str
    description: HostDescription
    agent_version: str
    can_act: tuple[str, ...]


class Enrolled(Record, frozen=True, kw_only=True):
    """What an agent is told when it is let in. Keys are in their text forms; `interval` is seconds between pushes."""

    host: HostId
    tenant: TenantId
    ingest_key: str
    command_key: str
    interval: float


class Enrolments(Protocol):
    """Who may come in."""

    def enrol(self, enrolment: Enrolment, /) -> Enrolled:
        """Takes one use of the token and makes the host known, with an audit row, in one transaction.

        The same key again gives the same host, and takes no use. `description.id` is empty: ids are given here.

        Raises:
            Unauthenticated: (unknown-token) no such token.
            Forbidden: (token-expired, token-used-up, token-revoked) it is known and no longer good.
            Conflict: the key is revoked or another tenant's.
        """


class CommandBox(Protocol):
    """Signed commands on their way to hosts."""

    def pending(
        self, tenant: TenantId, host: HostId, now: datetime, /
    ) -> Sequence[tuple[CommandId, bytes]]:
        """The host's commands that are neither expired nor acknowledged, oldest first."""

    def record_result(self, result: CommandResult, host: HostId, /, *, tenant: TenantId) -> object:
        """Keeps what the host says became of it; the same again is no second effect. The result is not looked at.

        Raises:
            NotFound: this host has no such command.
        """


class EvidenceBox(Protocol):
    """Where sealed evidence goes."""

    def wanted(self, tenant: TenantId, host: HostId, command: CommandId, /) -> ActionId:
        """The action for which the host may deliver now, or has delivered.

        Raises:
            NotFound: this host has no such command.
            Conflict: (evidence-unwanted) nothing is awaited of it.
        """

    def keep(self, evidence: Evidence, bundle: bytes, /) -> bool:
        """Keeps it, durably; False where the same is kept already.

        Raises:
            NotFound, Conflict: as `wanted`; (evidence-conflict) another bundle is kept for its action.
        """


class Waits(Protocol):
    """Hosts that wait for the verdict on what they sent."""

    def ask(self, waiters: Sequence[Waiter], /) -> None:
        """These wait from now on."""

    def answered(self, identities: Collection[Identity], /) -> Mapping[Identity, bytes]:
        """The signed verdicts that are there by now."""


class Audit(Protocol):
    """The audit log."""

    def add(self, entries: Sequence[AuditEntry], /) -> None:
        """Keeps them, durably."""


class Usage(Record, frozen=True, kw_only=True):
    """How many snapshots of a host were accepted, and the bytes of their bodies together."""

    tenant: str
    host: str
    snapshots: int
    size: int


class Flow(Record, frozen=True, kw_only=True):
    """The queue as it was a moment ago: snapshots that wait, and how many the detector completed per second."""

    depth: int = 0
    completed: float = 0.0


class Load(Protocol):
    """How full the queue is. Called on the event loop, for every push: answers from memory."""

    def flow(self) -> Flow:
        """What waits, and how fast it goes."""

    def pressure(self) -> float:
        """0 for empty; from 1 on nothing more is taken in, and the further over 1, the longer senders are told to wait."""
