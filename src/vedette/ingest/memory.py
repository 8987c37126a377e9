"""Fakes of the ports, kept in memory: for tests, and for trying the door without a store. Nothing here is durable."""

import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec

from vedette.core import (
    ActionId,
    AuditEntry,
    CommandId,
    CommandResult,
    Conflict,
    Evidence,
    Forbidden,
    HostId,
    Identity,
    Message,
    NotFound,
    Record,
    TenantId,
    Unauthenticated,
    Waiter,
    derived_id,
)
from vedette.ingest.ports import Enrolled, Enrolment, Flow

__all__ = [
    "MemoryAppender",
    "MemoryAudit",
    "MemoryCommands",
    "MemoryEnrolments",
    "MemoryEvidence",
    "MemoryHosts",
    "MemoryLoad",
    "MemorySigner",
    "MemoryWaits",
]


class MemorySigner(Record, frozen=True, kw_only=True):
    """Fake of a stored key."""

    tenant: TenantId
    host: HostId
    public_key: str
    revoked_at: datetime | None = None
    needed: tuple[str, ...] = ()


class MemoryHosts:
    """Fake of the enrolled hosts."""

    def __init__(self) -> None:
        self.keys: dict[str, MemorySigner] = {}
        self.wanted: dict[HostId, tuple[str, ...]] = {}
        self.contested: list[Identity] = []
        self.allowed: list[tuple[HostId, tuple[str, ...]]] = []

    def allow(self, _tenant: TenantId, host: HostId, kinds: tuple[str, ...], /) -> None:
        """Keeps it."""
        self.allowed.append((host, kinds))

    def contest(self, identity: Identity, _taken_at: datetime, /) -> None:
        """Keeps it."""
        self.contested.append(identity)

    def signers(self, kids: Collection[str], /) -> Mapping[str, MemorySigner]:
        """Who signs with these keys; the tables needed are those set in `wanted`."""
        return {
            kid: msgspec.structs.replace(
                self.keys[kid], needed=self.wanted.get(self.keys[kid].host, ())
            )
            for kid in kids
            if kid in self.keys
        }


class MemoryAppender:
    """Fake of the queue's front: knows identities and digests, keeps batches as they came."""

    def __init__(self) -> None:
        self.batches: list[list[Message]] = []
        self._digests: dict[Identity, str] = {}
        self._lock = threading.Lock()

    def append(self, messages: Sequence[Message], /) -> Sequence[str]:
        """As the queue's."""
        with self._lock:
            self.batches.append(list(messages))
            return [self._one(message) for message in messages]

    def _one(self, message: Message) -> str:
        if message.identity not in self._digests:
            self._digests[message.identity] = message.digest
            return "new"
        same = self._digests[message.identity] == message.digest
        return "duplicate" if same else "conflict"


class MemoryEnrolments:
    """Fake of the enrolment tokens: uses left by the hash of the secret."""

    def __init__(self, hosts: MemoryHosts, *, ingest_key: str, command_key: str) -> None:
        self.uses: dict[str, int] = {}
        self.asked: list[Enrolment] = []
        self._hosts = hosts
        self._keys = (ingest_key, command_key)

    def enrol(self, enrolment: Enrolment, /) -> Enrolled:
        """As the store's."""
        self.asked.append(enrolment)
        if enrolment.secret_hash not in self.uses:
            raise Unauthenticated("no such enrolment token", kind="unknown-token")
        if enrolment.kid not in self._hosts.keys:
            if self.uses[enrolment.secret_hash] == 0:
                raise Forbidden("the enrolment token is used up", kind="token-used-up")
            self.uses[enrolment.secret_hash] -= 1
            self._hosts.keys[enrolment.kid] = MemorySigner(
                tenant=TenantId("default"),
                host=HostId(derived_id("host", enrolment.kid)),
                public_key=enrolment.public_key,
            )
        signer = self._hosts.keys[enrolment.kid]
        return Enrolled(
            host=signer.host,
            tenant=signer.tenant,
            ingest_key=self._keys[0],
            command_key=self._keys[1],
            interval=60.0,
        )


class MemoryCommands:
    """Fake of the command box."""

    def __init__(self) -> None:
        self.blobs: dict[HostId, dict[CommandId, bytes]] = {}
        self.results: list[CommandResult] = []

    def pending(
        self, _tenant: TenantId, host: HostId, _now: datetime, /
    ) -> Sequence[tuple[CommandId, bytes]]:
        """What has no result yet."""
        answered = {result.command for result in self.results}
        blobs = self.blobs.get(host, {})
        return [(key, blob) for key, blob in blobs.items() if key not in answered]

    def record_result(self, result: CommandResult, host: HostId, /, *, tenant: TenantId) -> bool:  # noqa: ARG002 - the fake has one tenant
        """Keeps it once; whether it was news."""
        if result.command not in self.blobs.get(host, {}):
            raise NotFound("this host has no such command")
        news = result not in self.results
        if news:
            self.results.append(result)
        return news


class MemoryWaits:
    """Fake of who waits: `rulings` are what is signed."""

    def __init__(self) -> None:
        self.asked: list[Waiter] = []
        self.looks = 0
        self.rulings: dict[Identity, bytes] = {}

    def ask(self, waiters: Sequence[Waiter], /) -> None:
        """Keeps them."""
        self.asked.extend(waiters)

    def answered(self, identities: Collection[Identity], /) -> dict[Identity, bytes]:
        """What is in `rulings`, for those."""
        self.looks += 1
        return {one: self.rulings[one] for one in identities if one in self.rulings}


class MemoryEvidence:
    """Fake of where evidence goes: `actions` are those that await it, by host and command."""

    def __init__(self) -> None:
        self.actions: dict[tuple[HostId, CommandId], ActionId] = {}
        self.kept: dict[ActionId, tuple[Evidence, bytes]] = {}

    def wanted(self, tenant: TenantId, host: HostId, command: CommandId, /) -> ActionId:
        """What is in `actions`."""
        found = self.actions.get((host, command))
        if found is None:
            raise NotFound(f"no command {command} of {tenant}")
        return found

    def keep(self, evidence: Evidence, bundle: bytes, /) -> bool:
        """Keeps the first."""
        action = self.wanted(evidence.tenant, evidence.host, evidence.command)
        before = self.kept.setdefault(action, (evidence, bundle))
        if before[0].digest != evidence.digest:
            raise Conflict("another bundle is kept", kind="evidence-conflict")
        return before[0] is evidence


class MemoryAudit:
    """Fake of the audit log."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def add(self, entries: Sequence[AuditEntry], /) -> None:
        """Keeps them."""
        self.entries.extend(entries)


class MemoryLoad:
    """Fake of the queue's pressure: what it is set to."""

    def __init__(self) -> None:
        self.value = 0.0
        self.flowing = Flow()

    def flow(self) -> Flow:
        """What is set in `flowing`."""
        return self.flowing

    def pressure(self) -> float:
        """The set value."""
        return self.value
