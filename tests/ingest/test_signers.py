"""Signers are looked up together, and never from memory."""

import asyncio
import threading
from collections.abc import Collection, Mapping
from contextlib import nullcontext

import pytest
from tests.ingest.world import START

from vedette.core import HostId, TenantId, Unavailable
from vedette.ingest.memory import MemoryHosts, MemorySigner
from vedette.ingest.signers import Signers
from vedette.ingest.workers import Workers


def _signer(host: str) -> MemorySigner:
    return MemorySigner(tenant=TenantId("t"), host=HostId(host), public_key=f"key of {host}")


class Slow(MemoryHosts):
    """Hosts of which each look waits until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = {name: _signer(name) for name in ("a", "b", "c")}
        self.looks: list[list[str]] = []
        self.gate = threading.Semaphore(0)
        self.broken = False

    def signers(self, kids: Collection[str], /) -> Mapping[str, MemorySigner]:
        found = {kid: self.keys[kid] for kid in kids if kid in self.keys}
        self.looks.append(sorted(kids))
        self.gate.acquire()
        if self.broken:
            raise OSError(5, "the disk is gone")
        return found


def _signers(hosts: Slow) -> Signers:
    return Signers(hosts, Workers(2, retry_seconds=1), nullcontext, retry_seconds=1)


async def _looking(hosts: Slow, looks: int) -> None:
    while len(hosts.looks) < looks:  # noqa: ASYNC110 - a thread does it
        await asyncio.sleep(0.001)  # another thread looks


def test_what_is_asked_meanwhile_shares_the_next_look() -> None:
    hosts = Slow()

    async def ask() -> list[object]:
        signers = _signers(hosts)
        first = asyncio.create_task(signers.find("a"))
        await _looking(hosts, 1)
        rest = [asyncio.create_task(signers.find(kid)) for kid in ("b", "c", "b", "nobody")]
        await asyncio.sleep(0)
        hosts.gate.release(2)
        return [await first, *[await task for task in rest]]

    a, b, c, b_again, nobody = asyncio.run(ask())
    assert hosts.looks == [["a"], ["b", "c", "nobody"]]
    assert (a, b, c) == (_signer("a"), _signer("b"), _signer("c"))
    assert (b_again, nobody) == (_signer("b"), None)


def test_a_key_that_is_revoked_while_a_look_is_under_way_is_refused_to_whoever_asks_later() -> None:
    hosts = Slow()

    async def ask() -> MemorySigner | None:
        signers = _signers(hosts)
        before = asyncio.create_task(signers.find("a"))
        await _looking(hosts, 1)
        hosts.keys["a"] = MemorySigner(
            tenant=TenantId("t"), host=HostId("a"), public_key="key of a", revoked_at=START
        )
        after = asyncio.create_task(signers.find("a"))
        await asyncio.sleep(0)
        hosts.gate.release(2)
        await before
        found = await after
        assert found is None or isinstance(found, MemorySigner)
        return found

    found = asyncio.run(ask())
    assert found is not None
    assert found.revoked_at == START


def test_a_look_that_fails_is_told_to_all_that_shared_it_and_the_next_is_tried() -> None:
    hosts = Slow()
    hosts.broken = True

    async def ask() -> object:
        signers = _signers(hosts)
        hosts.gate.release(2)
        failed = await asyncio.gather(signers.find("a"), signers.find("b"), return_exceptions=True)
        assert all(isinstance(one, Unavailable) for one in failed)
        assert failed[0] is not failed[1]
        hosts.broken = False
        hosts.gate.release(1)
        return await signers.find("a")

    assert asyncio.run(ask()) == _signer("a")


@pytest.mark.parametrize("many", [1, 600])
def test_a_look_is_bounded(many: int) -> None:
    hosts = Slow()

    async def ask() -> None:
        signers = _signers(hosts)
        hosts.gate.release(10)
        await asyncio.gather(*(signers.find(f"k{number}") for number in range(many)))

    asyncio.run(ask())
    assert max(map(len, hosts.looks)) <= 256
