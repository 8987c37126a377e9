"""The simulated hosts of a bench: enrolled in the server's store, their snapshots sealed before anything is measured."""

import secrets
from collections.abc import Callable
from datetime import timedelta

from vedette.app.bench.job import Post, SenderPlan
from vedette.app.bench.simulated import HostSize, SimulatedHost
from vedette.app.keys import KeyFiles
from vedette.app.settings import Settings
from vedette.core import (
    Clock,
    Epoch,
    HostId,
    Snapshot,
    TenantId,
    encode_snapshot,
    new_epoch,
)
from vedette.seal import Header, IngestPublicKey, SigningKey, seal_envelope
from vedette.store import Store

__all__ = ["Member", "enrol_fleet"]

_CONTENT_TYPE = "application/msgpack"


class Member:
    """One enrolled host, and the seq that its next snapshot bears."""

    def __init__(
        self,
        host: HostId,
        tenant: TenantId,
        raw_key: bytes,
        simulated: SimulatedHost,
        sealing: IngestPublicKey,
    ) -> None:
        self.host = host
        self.name = simulated.description.hostname
        self.epoch: Epoch = new_epoch()
        self.next_seq = 1
        self._tenant = tenant
        self._key = raw_key
        self._simulated = simulated
        self._sealing = sealing

    def plan(self, dues: list[float], *, on_sealed: Callable[[], None]) -> SenderPlan:
        """Seals one snapshot for each due time."""
        first, self.next_seq = self.next_seq, self.next_seq + len(dues)
        posts = []
        for due, snapshot in zip(
            dues,
            self._simulated.snapshots(self.host, first=first, count=len(dues)),
            strict=True,
        ):
            posts.append(Post(seq=snapshot.seq, envelope=self._sealed(snapshot), due=due))
            on_sealed()
        return SenderPlan(name=self.name, host=self.host, key=self._key, posts=tuple(posts))

    def _sealed(self, snapshot: Snapshot) -> bytes:
        header = Header(
            tenant=self._tenant,
            host=self.host,
            epoch=self.epoch,
            seq=snapshot.seq,
            taken_at=snapshot.taken_at,
            kid=self._sealing.kid,
            content_type=_CONTENT_TYPE,
        )
        return seal_envelope(header, encode_snapshot(snapshot, _CONTENT_TYPE), self._sealing)


def enrol_fleet(
    settings: Settings,
    store: Store,
    clock: Clock,
    numbers: range,
    *,
    size: HostSize,
    step: timedelta,
    ago: timedelta = timedelta(0),
) -> list[Member]:
    """Makes hosts known straight in the store; their first snapshot is taken `ago`, and each next one `step` later."""
    sealing = KeyFiles(settings).ingest_key()
    tenant = TenantId(settings.tenant)
    start = clock.now() - ago
    members = []
    for number in numbers:
        simulated = SimulatedHost(number, size, start, step)
        raw = secrets.token_bytes(32)
        key = SigningKey(raw)
        host = store.hosts.enrol(
            tenant,
            description=simulated.description,
            kid=key.kid,
            public_key=key.public.to_text(),
            actor="system:bench",
        )
        members.append(Member(host.id, tenant, raw, simulated, sealing))
    return members
