"""Group commit: fewer appends than messages, and never a false success."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest
from tests.ingest.world import ENVELOPE, START, World

from vedette.core import Epoch, HostId, Identity, Message, TenantId, Unavailable
from vedette.ingest import GroupCommit, IngestSettings
from vedette.ingest.memory import MemoryAppender
from vedette.ingest.workers import Workers


class Slow(MemoryAppender):
    """Each append waits until it is let go, as a disk would make it wait."""

    def __init__(self, *, fail: bool = False, short: bool = False) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.fail = fail
        self.short = short
        self.held = 0

    def append(self, messages: Sequence[Message], /) -> Sequence[str]:
        self.held = len(messages)
        self.gate.acquire()
        if self.fail:
            raise OSError(28, "No space left on device")
        return super().append(messages)[: len(messages) - self.short]


def message(seq: int, size: int = 10) -> Message:
    identity = Identity(tenant=TenantId("default"), host=HostId("h"), epoch=Epoch("e"), seq=seq)
    return Message(identity=identity, digest=f"sha256:{seq}", body=bytes(size), received_at=START)


def commit_to(appender: MemoryAppender, **changes: int) -> GroupCommit:
    bounds: dict[str, Any] = {"max_batch": 100, "max_waiting": 1000, "max_bytes": 10_000} | changes
    workers = Workers(1, retry_seconds=1)
    return GroupCommit(appender.append, workers, retry_seconds=1, **bounds)


async def gathering(commit: GroupCommit, count: int, appender: Slow) -> list[object]:
    """Adds `count` messages at once, then lets every append through."""
    adding = asyncio.gather(
        *(commit.add(message(seq)) for seq in range(1, count + 1)), return_exceptions=True
    )
    await asyncio.sleep(0)
    appender.gate.release(count)
    return list(await adding)


def test_what_waits_together_is_appended_together_and_in_order() -> None:
    appender = Slow()
    commit = commit_to(appender)
    outcomes = asyncio.run(gathering(commit, 50, appender))
    assert outcomes == ["new"] * 50
    assert commit.appends == len(appender.batches) <= 2
    assert commit.appended == 50
    assert [m.identity.seq for batch in appender.batches for m in batch] == list(range(1, 51))


def test_a_batch_is_bounded() -> None:
    appender = Slow()
    asyncio.run(gathering(commit_to(appender, max_batch=7), 20, appender))
    assert max(map(len, appender.batches)) == 7


@pytest.mark.parametrize("appender", [Slow(fail=True), Slow(short=True)])
def test_when_the_append_fails_every_request_of_the_batch_is_sent_away(appender: Slow) -> None:
    outcomes = asyncio.run(gathering(commit_to(appender), 30, appender))
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    assert len({id(outcome) for outcome in outcomes}) == 30


def test_after_a_failed_append_the_next_works() -> None:
    async def scenario() -> tuple[list[object], list[object]]:
        appender = Slow(fail=True)
        commit = commit_to(appender)
        first = await gathering(commit, 3, appender)
        appender.fail = False
        return first, await gathering(commit, 3, appender)

    first, second = asyncio.run(scenario())
    assert all(isinstance(outcome, Unavailable) for outcome in first)
    assert second == ["new"] * 3


@pytest.mark.parametrize("bounds", [{"max_waiting": 5}, {"max_bytes": 50}])
def test_waiting_is_bounded_by_count_and_bytes(bounds: dict[str, int]) -> None:
    appender = Slow()
    outcomes = asyncio.run(gathering(commit_to(appender, **bounds), 8, appender))
    assert [isinstance(outcome, Unavailable) for outcome in outcomes] == [False] * 5 + [True] * 3


def test_a_caller_that_gives_up_does_not_disturb_the_others() -> None:
    async def scenario() -> list[object]:
        appender = Slow()
        commit = commit_to(appender)
        tasks = [asyncio.create_task(commit.add(message(seq))) for seq in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        appender.gate.release(3)
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    first, second, third = asyncio.run(scenario())
    assert (first, third) == ("new", "new")
    assert isinstance(second, asyncio.CancelledError)


def test_closing_appends_what_waits_and_takes_nothing_more() -> None:
    async def scenario() -> tuple[list[object], object]:
        appender = Slow()
        commit = commit_to(appender)
        adding = asyncio.gather(commit.add(message(1)), commit.add(message(2)))
        await asyncio.sleep(0)
        appender.gate.release(2)
        await commit.close()
        (late,) = await asyncio.gather(commit.add(message(3)), return_exceptions=True)
        return list(await adding), late

    done, late = asyncio.run(scenario())
    assert done == ["new", "new"]
    assert isinstance(late, Unavailable)


async def push_many(world: World, count: int, appender: Slow) -> list[httpx.Response]:
    transport = httpx.ASGITransport(app=cast("Any", world.app))
    async with httpx.AsyncClient(transport=transport, base_url="https://vedette.test") as client:

        async def push(seq: int) -> httpx.Response:
            sealed = world.machine.envelope(seq)
            headers = world.machine.sign("POST", "/v1/snapshots", body=sealed)
            headers["Content-Type"] = ENVELOPE
            return await client.post("/v1/snapshots", content=sealed, headers=headers)

        pushing = asyncio.gather(*(push(seq) for seq in range(1, count + 1)))
        # The first append holds the disk until every other request has come to wait for the next.
        for _ in range(30_000):
            if len(world.door.commit._waiting) + appender.held == count:
                break
            await asyncio.sleep(0.001)
        appender.gate.release(count)
        answers = list(await pushing)
    await world.door.close()
    return answers


def test_many_requests_at_once_share_few_appends() -> None:
    appender = Slow()
    world = World(appender=appender, settings=IngestSettings(burst=1000))
    answers = asyncio.run(push_many(world, 40, appender))
    assert {answer.status_code for answer in answers} == {202}
    assert len(appender.batches) <= 2
    assert sum(map(len, appender.batches)) == 40


def test_a_failing_disk_gives_every_request_a_503_and_no_202() -> None:
    appender = Slow(fail=True)
    world = World(appender=appender, settings=IngestSettings(burst=1000))
    answers = asyncio.run(push_many(world, 20, appender))
    assert [answer.status_code for answer in answers] == [503] * 20
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
