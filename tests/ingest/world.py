"""A door with fakes behind it, and a machine that signs and seals as an agent does."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import msgspec
from httpx import Client, Response
from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.testing import TestClient

from vedette.core import Clock, Epoch, HostId, ManualClock, TenantId, hash_secret
from vedette.ingest import (
    Door,
    IngestSettings,
    machine_components,
    machine_routes,
    problem_handlers,
)
from vedette.ingest.memory import (
    MemoryAppender,
    MemoryAudit,
    MemoryCommands,
    MemoryEnrolments,
    MemoryEvidence,
    MemoryHosts,
    MemoryLoad,
    MemorySigner,
    MemoryWaits,
)
from vedette.seal import Header, KeyRing, SigningKey, seal_envelope, sign_request

__all__ = ["ENVELOPE", "RING", "SECRET", "START", "Machine", "World"]

RING = KeyRing.generate()
COMMAND_KEY = SigningKey.generate()
ENVELOPE = "application/vedette-envelope"
START = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "a-secret-of-128-bits-or-more"


class World:
    """One door, its fakes, and one enrolled machine."""

    def __init__(
        self,
        *,
        settings: IngestSettings | None = None,
        clock: Clock | None = None,
        appender: Any = None,
        commands: Any = None,
        ca_pem: bytes | None = b"-----BEGIN CERTIFICATE-----\n",
    ) -> None:
        manual = ManualClock(START)
        self.manual = manual
        self.clock: Clock = clock or manual
        self.hosts = MemoryHosts()
        self.appender: Any = appender or MemoryAppender()
        self.commands: Any = commands or MemoryCommands()
        self.audit = MemoryAudit()
        self.load = MemoryLoad()
        self.waits = MemoryWaits()
        self.evidence = MemoryEvidence()
        self.enrolments = MemoryEnrolments(
            self.hosts,
            ingest_key=RING.current.public.to_text(),
            command_key=COMMAND_KEY.public.to_text(),
        )
        self.enrolments.uses[hash_secret(SECRET)] = 1
        self.door = Door(
            hosts=self.hosts,
            appender=self.appender,
            enrolments=self.enrolments,
            commands=self.commands,
            audit=self.audit,
            load=self.load,
            waits=self.waits,
            evidence=self.evidence,
            kids=RING.kids,
            clock=self.clock,
            ca_pem=ca_pem,
            settings=settings,
        )
        manual.advance(10)
        self.app = Litestar(
            route_handlers=machine_routes(self.door),
            exception_handlers=problem_handlers(),
            lifespan=[self.door.lifespan],
            openapi_config=OpenAPIConfig(
                title="Vedette", version="1", components=machine_components()
            ),
        )
        self.machine = self.enrolled("h-1")

    def client(self) -> AbstractContextManager[TestClient[Litestar]]:
        return TestClient(self.app, raise_server_exceptions=False)

    def enrolled(self, host: str, *, revoked_at: datetime | None = None) -> "Machine":
        machine = Machine(self, host)
        self.hosts.keys[machine.key.kid] = MemorySigner(
            tenant=TenantId("default"),
            host=machine.host,
            public_key=machine.key.public.to_text(),
            revoked_at=revoked_at,
        )
        return machine

    def revoke(self, machine: "Machine") -> None:
        """From now on the machine's key is no longer trusted."""
        signer = self.hosts.keys[machine.key.kid]
        self.hosts.keys[machine.key.kid] = msgspec.structs.replace(signer, revoked_at=START)


class Machine:
    """Signs and seals as an agent does; every part of a request can be changed."""

    def __init__(self, world: World, host: str) -> None:
        self.world = world
        self.host = HostId(host)
        self.key = SigningKey.generate()
        self.nonces = 0

    def envelope(self, seq: int = 1, *, body: bytes = b"{}", **changes: Any) -> bytes:
        fields: dict[str, Any] = {
            "tenant": TenantId("default"),
            "host": self.host,
            "epoch": Epoch("e" * 32),
            "seq": seq,
            "taken_at": START,
            "kid": RING.current.kid,
            "content_type": "application/json",
        }
        ring: KeyRing = changes.pop("ring", RING)
        header = Header(**(fields | {"kid": ring.current.kid} | changes))
        return seal_envelope(header, body, ring.current.public)

    def sign(
        self, method: str, path: str, query: str = "", body: bytes = b"", **changes: Any
    ) -> dict[str, str]:
        self.nonces += 1
        fields: dict[str, Any] = {
            "keyid": self.key.kid,
            "created": int(self.world.clock.now().timestamp()),
            "nonce": f"n-{self.nonces}",
        }
        key: SigningKey = changes.pop("key", self.key)
        return sign_request(
            key, method=method, path=path, query=query, body=body, **(fields | changes)
        )

    def push(
        self,
        client: Client,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **changes: Any,
    ) -> Response:
        sealed = self.envelope() if body is None else body
        signed = self.sign("POST", "/v1/snapshots", body=sealed, **changes)
        sent = {"Content-Type": ENVELOPE} | signed | dict(headers or {})
        return client.post("/v1/snapshots", content=sealed, headers=sent)

    def poll(self, client: Client, wait: str | None = None, *, can: str | None = None) -> Response:
        asked = {"wait": wait, "can": can}
        query = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)
        headers = self.sign("GET", "/v1/commands", query)
        return client.get("/v1/commands" + (f"?{query}" if query else ""), headers=headers)

    def tell(self, client: Client, address: str, **changes: Any) -> Response:
        fields = {"command": address, "state": "simulated", "at": "2026-01-01T00:00:00Z"}
        body = json.dumps(fields | changes).encode()
        path = f"/v1/commands/{address}/result"
        return client.post(path, content=body, headers=self.sign("POST", path, body=body))

    def deliver(
        self,
        client: Client,
        command: str,
        body: bytes,
        *,
        media: str = "application/vedette-evidence",
    ) -> Response:
        path = f"/v1/commands/{command}/evidence"
        signed = self.sign("POST", path, body=body)
        return client.post(path, content=body, headers={"Content-Type": media} | signed)

    def enroll(self, client: Client, **changes: Any) -> Response:
        asked = {
            "token_secret": SECRET,
            "public_key": self.key.public.to_text(),
            "host": {"hostname": "web-1", "labels": {"role": "web"}},
            "agent_version": "0.1.0",
        }
        body = json.dumps(asked | changes).encode()
        headers = self.sign("POST", "/v1/enroll", body=body)
        return client.post("/v1/enroll", content=body, headers=headers)
