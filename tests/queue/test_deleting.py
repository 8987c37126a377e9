"""Dead letters go in small steps: what a disk that fills up in between stops, and what is told of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tests.contracts.queue_case import message

from vedette.core import ManualClock, Unavailable
from vedette.queue import Selection, SqlQueue
from vedette.queue.sql.instant import to_micros

_LETTERS = 4


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def queue(tmp_path: Path, clock: ManualClock) -> Iterator[SqlQueue]:
    """With dead letters so large that each step has room for one."""
    url = f"sqlite:///{tmp_path / 'queue.sqlite'}"
    with closing(SqlQueue(url, clock, dead_letter_bytes=1)) as queue:
        for seq in range(_LETTERS):
            queue.append([message(seq=seq, body=bytes(3 << 20))])
            queue.reject(queue.poll(limit=1, lease_seconds=60)[0], reason="torn")
        yield queue


Full = Callable[[int], None]


@pytest.fixture
def full_after(queue: SqlQueue, monkeypatch: pytest.MonkeyPatch) -> Full:
    """Makes the disk full for every transaction after so many."""
    real: Callable[[], AbstractContextManager[Connection]] = queue._database.write

    def fill(writes: int) -> None:
        left = [writes]

        @contextmanager
        def write() -> Iterator[Connection]:
            if not left[0]:
                raise Unavailable("no space is left", kind="disk-full")
            left[0] -= 1
            with real() as connection:
                yield connection

        monkeypatch.setattr(queue._database, "write", write)

    return fill


def test_a_purge_that_is_stopped_tells_what_is_gone(queue: SqlQueue, full_after: Full) -> None:
    full_after(2)
    assert [one.id for one in queue.purge(Selection(), limit=9)] == ["1", "2"]
    assert [one.id for one in queue.dead_letters(limit=9)] == ["3", "4"]


@pytest.mark.parametrize("writes", [1, 3])
def test_pruning_and_trimming_that_are_stopped_count_what_is_gone(
    queue: SqlQueue, clock: ManualClock, full_after: Full, writes: int
) -> None:
    full_after(writes)
    horizon = to_micros(clock.now()) + 1
    gone = queue.trim() if writes == 1 else queue._graveyard.prune(horizon, 9)
    assert gone == writes
    assert queue.stats().dead_letters == _LETTERS - writes


def test_what_is_stopped_before_its_first_step_is_an_error(
    queue: SqlQueue, clock: ManualClock, full_after: Full
) -> None:
    full_after(0)
    with pytest.raises(Unavailable):
        queue.purge(Selection(), limit=9)
    with pytest.raises(Unavailable):
        queue.trim()
    with pytest.raises(Unavailable):
        queue._graveyard.prune(to_micros(clock.now()) + 1, 9)
    assert queue.stats().dead_letters == _LETTERS
