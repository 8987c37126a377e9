"""Nonces, rates and bodies: each bound holds."""

import asyncio
import contextlib
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request

from vedette.core import InvalidInput, Throttled, TooLarge, Unauthenticated, Unavailable
from vedette.ingest.body import BodyBounds, BodyReader
from vedette.ingest.network import network_of
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
            memory.use(key, nonce, created=created, now=now, monotonic=now)
        except Unauthenticated:
            # It may be remembered up to a slice longer than it must, never shorter.
            assert taken[key, nonce] >= now - 300 - 60
        else:
            assert not fresh_still
            taken[key, nonce] = created


def test_the_nonce_memory_forgets_what_could_not_pass_anyhow() -> None:
    memory = NonceMemory(freshness=300, limit=1000)
    for second in range(5000):
        memory.use("k", str(second), created=second, now=float(second), monotonic=float(second))
    assert len(memory) <= 300 + 2 * 60


def test_a_full_nonce_memory_refuses_and_does_not_forget() -> None:
    memory = NonceMemory(freshness=300, limit=2)
    memory.use("k", "1", created=0, now=0.0, monotonic=0.0)
    memory.use("k", "2", created=0, now=0.0, monotonic=0.0)
    with pytest.raises(Unavailable):
        memory.use("k", "3", created=0, now=0.0, monotonic=0.0)
    with pytest.raises(Unauthenticated):
        memory.use("k", "1", created=0, now=0.0, monotonic=0.0)
    memory.use("k", "3", created=1000, now=1000.0, monotonic=1000.0)


def test_no_nonce_is_forgotten_early_by_a_clock_that_is_set() -> None:
    memory = NonceMemory(freshness=300, limit=10)
    memory.use("k", "ahead", created=7300, now=7200.0, monotonic=0.0)
    # The clock was two hours ahead. It is put right, and shows the signature's time once more, two hours later.
    for monotonic in (1.0, 7100.0):
        with pytest.raises(Unauthenticated):
            memory.use("k", "ahead", created=7300, now=monotonic, monotonic=monotonic)
    memory.use("k", "right", created=7100, now=7101.0, monotonic=7101.0)
    # Here it jumps ahead for a moment, in which another request comes.
    memory.use("k", "other", created=90_000, now=90_000.0, monotonic=7102.0)
    with pytest.raises(Unauthenticated):
        memory.use("k", "right", created=7100, now=7103.0, monotonic=7103.0)


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


def reader_of(**changes: Any) -> BodyReader:
    bounds = BodyBounds(
        in_flight_bytes=1000,
        per_sender=2,
        seconds=60.0,
        window_seconds=60.0,
        window_bytes=10,
        retry_seconds=1.0,
    )
    return BodyReader(msgspec.structs.replace(bounds, **changes))


def request_of(
    *events: dict[str, Any], length: int | None = None, pause: float = 0.0, client: Any = None
) -> Request[Any, Any, Any]:
    """Brings its events, one after each pause, and then nothing."""
    left = list(events)

    async def receive() -> Any:
        await asyncio.sleep(pause)
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope: Any = {
        "type": "http",
        "method": "POST",
        "headers": headers,
        "state": {},
        "client": client,
    }
    return Request(scope, receive=receive)


def body_of(*events: dict[str, Any], pause: float = 0.0, **changes: Any) -> bytes:
    request = request_of(*events, pause=pause)
    return asyncio.run(reader_of(**changes).read(request, 100, sender="s"))


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_parts_is_put_together() -> None:
    assert body_of(part(b"ab"), part(b"cd"), part(b"", more=False)) == b"abcd"


def test_a_body_that_breaks_off_or_never_ends_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        body_of(part(b"ab"), {"type": "http.disconnect"})
    assert refusal.value.kind == "incomplete-body"
    with pytest.raises(Unavailable) as slow:
        body_of(part(b"ab"), seconds=0.01)
    assert slow.value.kind == "slow-body"
    assert slow.value.retry_after


def test_a_body_that_trickles_is_refused_long_before_its_time_is_over() -> None:
    trickle = [part(b"x") for _ in range(90)]
    with pytest.raises(Unavailable) as slow:
        body_of(*trickle, pause=0.02, window_seconds=0.05)
    assert slow.value.kind == "slow-body"


def test_a_body_that_stalls_after_a_burst_is_refused() -> None:
    with pytest.raises(Unavailable) as slow:
        body_of(part(bytes(90)), window_seconds=0.05)
    assert slow.value.kind == "slow-body"


def test_a_body_that_keeps_its_rate_is_read_however_long_it_takes() -> None:
    parts = [part(bytes(10)) for _ in range(9)]
    whole = body_of(*parts, part(b"", more=False), pause=0.001, window_seconds=30.0)
    assert len(whole) == 90


async def stalled(reader: BodyReader, count: int, *events: Any, length: int | None = None) -> Any:
    """Reads, each of a sender of its own, that have taken their events and wait for more."""
    reading = [
        asyncio.ensure_future(
            reader.read(request_of(*events, length=length), 1000, sender=f"stalled-{index}")
        )
        for index in range(count)
    ]
    for _ in range(20):
        await asyncio.sleep(0)
    return reading


def test_announced_bytes_take_nothing_from_others() -> None:
    async def run() -> bytes:
        reader = reader_of()
        reading = await stalled(reader, 50, length=1000)
        whole = await reader.read(request_of(part(bytes(1000), more=False)), 1000, sender="s")
        for task in reading:
            task.cancel()
        return whole

    assert len(asyncio.run(run())) == 1000


def test_bytes_that_came_are_charged_until_their_body_is_done() -> None:
    async def run() -> None:
        reader = reader_of()
        reading = await stalled(reader, 9, part(bytes(100)))
        await reader.read(request_of(part(bytes(100), more=False)), 1000, sender="s")
        with pytest.raises(Unavailable):
            await reader.read(request_of(part(bytes(101), more=False)), 1000, sender="s")
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        await reader.read(request_of(part(bytes(1000), more=False)), 1000, sender="s")

    asyncio.run(run())


def test_a_sender_has_few_bodies_under_way_and_others_theirs() -> None:
    async def run() -> None:
        reader = reader_of()
        reading = [
            asyncio.ensure_future(reader.read(request_of(), 100, sender="s")) for _ in range(2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Throttled) as refusal:
            await reader.read(request_of(part(b"", more=False)), 100, sender="s")
        assert refusal.value.retry_after
        assert await reader.read(request_of(part(b"a", more=False)), 100, sender="t") == b"a"
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        assert await reader.read(request_of(part(b"b", more=False)), 100, sender="s") == b"b"

    asyncio.run(run())


def test_a_body_over_its_bound_is_refused_announced_or_not() -> None:
    with pytest.raises(TooLarge):
        body_of(part(bytes(101)))
    with pytest.raises(TooLarge):
        asyncio.run(reader_of().read(request_of(length=101), 100, sender="s"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/proxy.sock", ""),
    ],
)
def test_strangers_are_told_apart_by_network(address: str, network: str) -> None:
    assert network_of(request_of(client=(address, 1))) == network


def test_a_caller_without_address_is_a_network_too() -> None:
    assert network_of(request_of()) == ""


def test_a_refused_sender_is_told_when_its_next_token_comes() -> None:
    buckets = TokenBuckets(rate=2.0, burst=1)
    buckets.take("h", 0.0)
    with pytest.raises(Throttled) as refusal:
        buckets.take("h", 0.1)
    assert refusal.value.retry_after == pytest.approx(0.4)
    buckets.take("h", 0.5)
