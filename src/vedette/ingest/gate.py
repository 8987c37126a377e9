"""Who is asking: every machine's request is signed, fresh, and used once (RFC 9421).

Freshness is about the signature's `created`, never about when a snapshot was taken: what an agent has spooled is sent
late with a fresh signature. Nonces are remembered in memory; so that a restart does not open the door to replays, a
signature made before this process started is refused as stale, and the agent simply signs anew. The start is told by the
monotonic time since, so that it moves with a wall clock that is set: by a clock set back no host is kept out. Several processes
behind one address each remember their own nonces: a replay within the freshness to another of them passes the gate,
and has no effect, since every machine route is idempotent.

The signature is over the body's digest, not over the body, so it is verified first: nobody but an enrolled host can make
the door read a body. Enrolments alone come from strangers; see `Door` for what they may use.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from litestar import Request

from vedette.core import Clock, Forbidden, HostId, Record, TenantId, Unauthenticated
from vedette.ingest.body import BodyBounds, BodyReader
from vedette.ingest.nonce import NonceMemory
from vedette.ingest.ports import Hosts, Signer, Timer
from vedette.ingest.rate import TokenBuckets
from vedette.ingest.settings import IngestSettings
from vedette.ingest.signers import Signers
from vedette.ingest.workers import Workers
from vedette.seal import (
    SignatureInput,
    VerifyKey,
    check_content_digest,
    read_signature,
    verify_request,
)

__all__ = ["Caller", "Gate", "Signed"]

_APART = 0.05
"""Seconds that reading the wall clock and the monotonic one may lie apart."""


class Caller(Record, frozen=True, kw_only=True):
    """The host that signed, with which key, and the tables that are wanted of it in full."""

    kid: str
    tenant: TenantId
    host: HostId
    needed: tuple[str, ...]


class Signed(Record, frozen=True, kw_only=True):
    """A request whose signature has been read and is fresh, but not yet verified."""

    signature: SignatureInput
    headers: dict[str, str]


First = Callable[[Caller], Awaitable[object]]


async def _nothing_first(_: Caller) -> None:
    """Every body is read."""


class Gate:
    """For one event loop."""

    def __init__(
        self,
        hosts: Hosts,
        clock: Clock,
        workers: Workers,
        settings: IngestSettings,
        timer: Timer = nullcontext,
    ) -> None:
        self._clock = clock
        self._signers = Signers(hosts, workers, timer, retry_seconds=settings.retry_seconds)
        self._timer = timer
        self._freshness = settings.freshness
        self._nonces = NonceMemory(freshness=settings.freshness, limit=settings.max_nonces)
        self._buckets = TokenBuckets(rate=settings.rate, burst=settings.burst)
        self._tenant_buckets = TokenBuckets(rate=settings.tenant_rate, burst=settings.tenant_burst)
        self._started = clock.monotonic()
        self._bodies = BodyReader(
            BodyBounds(
                in_flight_bytes=settings.in_flight_bytes,
                per_sender=settings.bodies_per_host,
                seconds=settings.body_seconds,
                window_seconds=settings.body_window_seconds,
                window_bytes=int(settings.body_window_seconds * settings.min_body_rate),
                retry_seconds=settings.retry_seconds,
            )
        )

    async def admit(
        self, request: Request[Any, Any, Any], *, max_bytes: int, first: First = _nothing_first
    ) -> tuple[Caller, bytes]:
        """The host that signed this request, and its body. What costs little is checked first.

        `first` is asked between the two, so that it can refuse a body before that is read.

        Raises:
            Unauthenticated: missing-signature, bad-signature, bad-digest, stale-signature, reused-nonce, unknown-signer.
            Forbidden: (revoked-host) the host's key is no longer trusted.
            TooLarge, InvalidInput, Throttled, Unavailable: as they say.
        """
        with self._timer("signature"):
            signed = self.read(request)
        kid = signed.signature.keyid
        caller, key = _trusted(kid, await self._signers.find(kid))
        sender = f"{caller.tenant}/{caller.host}"
        with self._timer("signature"):
            self.verify(request, signed, key)
            # The rate before the nonce, so that no host can fill the memory of nonces.
            self._buckets.take(sender, self._clock.monotonic())
            self._tenant_buckets.take(caller.tenant, self._clock.monotonic())
            self.take_nonce(signed)
        await first(caller)
        turned = asyncio.Event()
        turn = asyncio.get_running_loop().call_soon(turned.set)
        body = await self._bodies.read(request, max_bytes, sender=sender)
        turn.cancel()
        with self._timer("digest"):
            check_content_digest(signed.headers.get("content-digest", ""), body)
        if turned.is_set():
            # The body was not there at once, and may have taken a minute: the key may have been revoked meanwhile.
            await self.check_again(caller)
        return caller, body

    async def check_again(self, caller: Caller) -> None:
        """For a request that was admitted some time ago and still waits.

        Raises:
            Unauthenticated, Forbidden: the key is no longer trusted.
        """
        _trusted(caller.kid, await self._signers.find(caller.kid))

    def read(self, request: Request[Any, Any, Any]) -> Signed:
        """Reads the signature and checks that it is fresh."""
        headers = _joined(request)
        signature = read_signature(headers)
        now = self._clock.now().timestamp()
        if abs(now - signature.created) > self._freshness:
            raise Unauthenticated(
                f"the signature is not fresh: it was created {now - signature.created:.0f} s before the server's time; "
                "set the clock, or sign with the server's time",
                kind="stale-signature",
            )
        if signature.expires is not None and signature.expires < now:
            raise Unauthenticated("the signature has expired", kind="stale-signature")
        if signature.created <= now - (self._clock.monotonic() - self._started) + _APART:
            raise Unauthenticated(
                "the signature was made before this server started; sign the request anew",
                kind="stale-signature",
                retry_after=1.0,
            )
        return Signed(signature=signature, headers=headers)

    def verify(
        self,
        request: Request[Any, Any, Any],
        signed: Signed,
        key: VerifyKey,
        body: bytes | None = None,
    ) -> None:
        """Checks the signature; the body's digest too when the body is there already."""
        # The path as it was on the wire: decoding it and encoding it again could give another.
        raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
        verify_request(
            signed.signature,
            key,
            method=request.method,
            path=raw_path.split(b"?", 1)[0].decode("latin-1"),
            query=request.scope["query_string"].decode("latin-1"),
            body=body,
            headers=signed.headers,
        )

    def take_nonce(self, signed: Signed) -> None:
        """Lets this signature be used once. For verified ones only: a forger must not use up another's nonces."""
        self._nonces.use(
            signed.signature.keyid,
            signed.signature.nonce,
            created=signed.signature.created,
            now=self._clock.now().timestamp(),
            monotonic=self._clock.monotonic(),
        )


def _trusted(kid: str, signer: Signer | None) -> tuple[Caller, VerifyKey]:
    if signer is None:
        raise Unauthenticated(
            "no enrolled host has this key; enrol the agent", kind="unknown-signer"
        )
    if signer.revoked_at is not None:
        raise Forbidden("this host's key was revoked; enrol the agent anew", kind="revoked-host")
    caller = Caller(kid=kid, tenant=signer.tenant, host=signer.host, needed=tuple(signer.needed))
    return caller, _verify_key(signer.public_key)


@lru_cache(maxsize=10_000)
def _verify_key(text: str) -> VerifyKey:
    return VerifyKey.from_text(text)


def _joined(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Header fields by lower-case name; repeated lines joined by a comma (RFC 9110 section 5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip()
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
