"""An enrolled agent's parts, wired to a server of tests.agent.server."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from vedette.agent import Enrolment
from vedette.agent.door import Door, pinned
from vedette.agent.health import Health
from vedette.agent.journal import Journal
from vedette.agent.outgoing import Outgoing
from vedette.agent.route import Route
from vedette.agent.ship import Shipper
from vedette.agent.spool import Spool
from vedette.core import (
    ActionId,
    Command,
    CommandId,
    Epoch,
    HostId,
    ManualClock,
    TenantId,
    encode_snapshot,
)
from vedette.core import Snapshot as SnapshotRecord
from vedette.core.host import HostDescription
from vedette.seal import Authority, Header, KeyRing, SigningKey, seal_envelope

__all__ = ["Agent"]


class Reachable(Protocol):
    """Where a server is, and who vouches for it."""

    @property
    def url(self) -> str: ...

    @property
    def authority(self) -> Authority: ...


class Agent:
    """Host `h1` of the default tenant."""

    def __init__(
        self,
        state: Path,
        server: Reachable,
        *,
        ca_pem: bytes | None = None,
        proxy: str | None = None,
    ) -> None:
        self.state = state
        self.clock = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.key = SigningKey.generate()
        self.commanding = SigningKey.generate()
        self.ring = KeyRing.generate()
        self.enrolment = Enrolment(
            host=HostId("h1"),
            tenant=TenantId("default"),
            server=server.url,
            ingest_key=self.ring.current.public.to_text(),
            command_key=self.commanding.public.to_text(),
            interval=60.0,
            enrolled_at=self.clock.now() + timedelta(seconds=1),
        )
        self.enrolment.save(state, self.key, ca_pem or server.authority.ca_pem)
        self.journal = Journal(state / "journal.sqlite", self.clock)
        self.spool = Spool(state / "spool", max_bytes=10**8, max_count=1000)
        self.health = Health(state, self.clock)
        context = pinned((ca_pem or server.authority.ca_pem).decode())
        self.route = Route(server.url, context=context, timeout=5.0, proxy=proxy)
        self.door = Door(self.route, key=self.key, clock=self.clock, journal=self.journal)
        self.outgoing = Outgoing(self.enrolment, self.journal, self.spool, full_every=60)
        self.shipper = Shipper(
            self.outgoing,
            self.door,
            self.health,
            self.clock,
            chance=random.Random(7),
        )

    def fill(self, count: int, *, held: bool = False) -> list[tuple[Epoch, int]]:
        """Puts sealed snapshots into the spool: as a former run left them, or as this run does (`held`)."""
        made = []
        public = self.ring.current.public
        for _ in range(count):
            epoch, seq = self.journal.take_seq()
            at = self.clock.now()
            header = Header(
                tenant=TenantId("default"),
                host=HostId("h1"),
                epoch=epoch,
                seq=seq,
                taken_at=at,
                kid=public.kid,
                content_type="application/msgpack",
            )
            taken = SnapshotRecord(
                schema="vedette.snapshot/1",
                host=HostDescription(id=HostId("h1"), hostname="made"),
                seq=seq,
                taken_at=at,
            )
            if held:
                self.outgoing.add(epoch, taken)
            else:
                self.spool.put(epoch, seq, seal_envelope(header, encode_snapshot(taken), public))
            made.append((epoch, seq))
        return made

    def command(self, name: str, **changes: object) -> Command:
        """A quarantine in dry run for this host, valid for five minutes."""
        now = self.clock.now()
        fields: dict[str, Any] = {
            "id": CommandId(name),
            "tenant": TenantId("default"),
            "host": HostId("h1"),
            "action": ActionId("a1"),
            "kind": "quarantine",
            "parameters": {},
            "dry_run": True,
            "issued_at": now,
            "expires_at": now + timedelta(minutes=5),
            "nonce": f"nonce-{name}",
        } | changes
        return Command(**fields)

    def close(self) -> None:
        """Ends its use."""
        self.door.close()
        self.journal.close()
