"""Nonces, rates and bodies: each bound holds."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request

from vedette.core import InvalidInput, Throttled, Unauthenticated, Unavailable
from vedette.ingest.body import BodyReader
from vedette.ingest.nonce import NonceMemory
from vedette.ingest.rate import TokenBuckets
from vedette.ingest.workers import jittered

requests = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(-300, 300), st.integers(0, 200)
    ),
    max_size=40,
)


@given(requests)
def test_a_nonce_is_taken_once_while_its_signature_could_pass(
    given_requests: list[tuple[str, str, int, int]],
) -> None:
    memory = NonceMemory(freshness=300, limit=1000)
    now = 1_000_000
    taken: dict[tuple[str, str], int] = {}
    for key, nonce, offset, pause in given_requests:
        now += pause
        created = now + offset
        fresh_still = taken.get((key, nonce), -1) >= now - 300
        try:
            memory.use(key, nonce, created=created, now=now)
        except Unauthenticated:
            # It may be remembered up to a slice longer than it must, never shorter.
            assert taken[key, nonce] >= now - 300 - 60
        else:
            assert not fresh_still
            taken[key, nonce] = created


def test_the_nonce_memory_forgets_what_could_not_pass_anyhow() -> None:
    memory = NonceMemory(freshness=300, limit=1000)
    for second in range(5000):
        memory.use("k", str(second), created=second, now=float(second))
    assert len(memory) <= 300 + 2 * 60


def test_a_full_nonce_memory_refuses_and_does_not_forget() -> None:
    memory = NonceMemory(freshness=300, limit=2)
    memory.use("k", "1", created=0, now=0.0)
    memory.use("k", "2", created=0, now=0.0)
    with pytest.raises(Unavailable):
        memory.use("k", "3", created=0, now=0.0)
    with pytest.raises(Unauthenticated):
        memory.use("k", "1", created=0, now=0.0)
    memory.use("k", "3", created=1000, now=1000.0)


@given(st.lists(st.floats(0, 5), max_size=200))
def test_no_sender_gets_more_than_its_burst_and_rate(pauses: list[float]) -> None:
    buckets = TokenBuckets(rate=2.0, burst=5)
    now, granted = 0.0, 0
    for pause in pauses:
        now += pause
        with contextlib.suppress(Throttled):
            buckets.take("h", now)
            granted += 1
    assert granted <= 5 + 2 * now + 1e-6


def test_senders_do_not_share_a_bucket_and_idle_ones_are_dropped() -> None:
    buckets = TokenBuckets(rate=1.0, burst=1, limit=2)
    for host in ("a", "b", "c"):
        buckets.take(host, 0.0)
    buckets.take("a", 0.0)
    with pytest.raises(Throttled):
        buckets.take("c", 0.0)


def test_jitter_spreads_around_its_middle() -> None:
    waits = [jittered(10.0) for _ in range(200)]
    assert 5 <= min(waits) < max(waits) <= 15


def body_of(*events: dict[str, Any], seconds: float = 60.0) -> bytes:
    left = list(events)

    async def receive() -> Any:
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    scope: Any = {"type": "http", "method": "POST", "headers": [], "state": {}}

    async def read() -> bytes:
        request: Request[Any, Any, Any] = Request(scope, receive=receive)
        reader = BodyReader(in_flight_bytes=1000, seconds=seconds, retry_seconds=1)
        return await reader.read(request, 100)

    return asyncio.run(read())


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_put_together() -> None:
    assert body_of(part(b"ab"), part(b"cd"), part(b"", more=False)) == b"abcd"


def test_a_body_that_breaks_off_or_never_ends_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        body_of(part(b"ab"), {"type": "http.disconnect"})
    assert refusal.value.kind == "incomplete-body"
    with pytest.raises(InvalidInput) as refusal:
        body_of(part(b"ab"), seconds=0.01)
    assert refusal.value.kind == "slow-body"


def test_a_refused_sender_is_told_when_its_next_token_comes() -> None:
    buckets = TokenBuckets(rate=2.0, burst=1)
    buckets.take("h", 0.0)
    with pytest.raises(Throttled) as refusal:
        buckets.take("h", 0.1)
    assert refusal.value.retry_after == pytest.approx(0.4)
    buckets.take("h", 0.5)
