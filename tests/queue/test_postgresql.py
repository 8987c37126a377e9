"""The queue in PostgreSQL: the contract, and what several open transactions can do to each other."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, make_url
from tests.contracts.queue_case import Broker, message
from tests.contracts.queue_suite import DurableQueueContract

from vedette.core import ConfigError, ManualClock, Unavailable
from vedette.queue import Appended, Queue, SqlQueue

pytestmark = pytest.mark.postgres


class _Database:
    def __init__(self, url: str, clock: ManualClock) -> None:
        self._url = url
        self._clock = clock

    def open(self, *, max_batch_bytes: int = 1 << 20) -> Queue:
        return SqlQueue(
            self._url,
            self._clock,
            retention=timedelta(days=1),
            dead_letter_retention=timedelta(days=3),
            dead_letter_bytes=1_000,
            max_batch_bytes=max_batch_bytes,
        )


class TestPostgresqlQueue(DurableQueueContract):
    """One database, opened again and again."""

    @pytest.fixture
    def broker(self, clock: ManualClock, postgres_url: str) -> Broker:
        return _Database(postgres_url, clock)


class _Undo(Exception):  # noqa: N818 - not an error: the test's wish
    """Makes a transaction roll back."""


class _Gate:
    """Holds a queue's transactions open just before their commit."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.undo = False

    def __call__(self, _connection: Connection) -> None:
        self.reached.set()
        assert self.opened.wait(30)
        if self.undo:
            raise _Undo


@contextmanager
def _held_at_commit(queue: SqlQueue) -> Iterator[_Gate]:
    gate = _Gate()
    engine = queue._database._engine
    event.listen(engine, "commit", gate)
    try:
        yield gate
    finally:
        gate.opened.set()
        event.remove(engine, "commit", gate)


@pytest.fixture
def slow(postgres_url: str) -> Iterator[SqlQueue]:
    with closing(SqlQueue(postgres_url, ManualClock())) as queue:
        yield queue


@pytest.fixture
def quick(postgres_url: str) -> Iterator[SqlQueue]:
    with closing(SqlQueue(postgres_url, ManualClock())) as queue:
        yield queue


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.mark.parametrize("host", ["same", "another"])
def test_a_lower_position_that_commits_late_is_not_skipped(
    slow: SqlQueue, quick: SqlQueue, pool: ThreadPoolExecutor, host: str
) -> None:
    quick.append([message("same", 0), message(host, 0)])
    quick.commit(quick.poll(limit=10, lease_seconds=60))
    with _held_at_commit(slow) as gate:
        late = pool.submit(slow.append, [message("same", 1)])
        assert gate.reached.wait(30)
        quick.append([message(host, 2)])
        (early,) = quick.poll(limit=10, lease_seconds=60)
        assert early.message == message(host, 2)
        quick.commit([early])
        assert quick.poll(limit=10, lease_seconds=60) == []
        gate.opened.set()
        assert late.result(30) == [Appended.NEW]
    (delivery,) = quick.poll(limit=10, lease_seconds=60)
    assert delivery.message == message("same", 1)
    assert delivery.position < early.position


def test_a_late_commit_into_a_lane_under_lease_waits_for_the_next_poll(
    slow: SqlQueue, quick: SqlQueue, pool: ThreadPoolExecutor
) -> None:
    quick.append([message(seq=0)])
    quick.commit(quick.poll(limit=10, lease_seconds=60))
    with _held_at_commit(slow) as gate:
        late = pool.submit(slow.append, [message(seq=1)])
        assert gate.reached.wait(30)
        quick.append([message(seq=2)])
        held = quick.poll(limit=10, lease_seconds=60)
        gate.opened.set()
        late.result(30)
    assert quick.poll(limit=10, lease_seconds=60) == []
    quick.commit(held)
    assert [d.message.identity.seq for d in quick.poll(limit=10, lease_seconds=60)] == [1]


@pytest.mark.parametrize("known_host", [True, False])
@pytest.mark.parametrize(
    ("undo", "body", "answer"),
    [
        (False, b"body", Appended.DUPLICATE),
        (False, b"other", Appended.CONFLICT),
        (True, b"body", Appended.NEW),
    ],
)
def test_a_second_appender_waits_for_the_firsts_fate(
    slow: SqlQueue,
    quick: SqlQueue,
    pool: ThreadPoolExecutor,
    *,
    known_host: bool,
    undo: bool,
    body: bytes,
    answer: Appended,
) -> None:
    if known_host:
        quick.append([message(seq=0)])
    depth = quick.depth()
    with _held_at_commit(slow) as gate:
        gate.undo = undo
        first = pool.submit(slow.append, [message()])
        assert gate.reached.wait(30)
        second = pool.submit(quick.append, [message(body=body)])
        assert not second.done()
        gate.opened.set()
        if undo:
            with pytest.raises(_Undo):
                first.result(30)
        else:
            assert first.result(30) == [Appended.NEW]
    assert second.result(30) == [answer]
    assert quick.depth() == depth + 1


@pytest.mark.parametrize(
    ("undo", "answer"), [(False, Appended.CONFLICT), (True, Appended.DUPLICATE)]
)
def test_an_appender_waits_for_the_fate_of_what_is_being_forgotten(
    slow: SqlQueue, quick: SqlQueue, pool: ThreadPoolExecutor, *, undo: bool, answer: Appended
) -> None:
    quick.append([message(seq=1), message(seq=2)])
    assert isinstance(slow._clock, ManualClock)
    slow._clock.advance(timedelta(days=8).total_seconds())
    with _held_at_commit(slow) as gate:
        gate.undo = undo
        forgetting = pool.submit(slow.prune)
        assert gate.reached.wait(30)
        late = pool.submit(quick.append, [message(seq=1)])
        assert not late.done()
        gate.opened.set()
        if undo:
            with pytest.raises(_Undo):
                forgetting.result(30)
        else:
            assert forgetting.result(30) == 2
    assert late.result(30) == [answer]
    assert quick.depth() == 2


def test_a_consumer_that_takes_lanes_does_not_make_others_wait(
    slow: SqlQueue, quick: SqlQueue, pool: ThreadPoolExecutor
) -> None:
    quick.append([message("a"), message("b")])
    with _held_at_commit(slow) as gate:
        taking = pool.submit(slow.poll, limit=1, lease_seconds=60)
        assert gate.reached.wait(30)
        theirs = quick.poll(limit=10, lease_seconds=60)
        assert quick.append([message("a", 2)]) == [Appended.NEW]
        gate.opened.set()
        mine = taking.result(30)
    assert [d.message.identity.host for d in mine] == ["a"]
    assert [d.message.identity.host for d in theirs] == ["b"]


def test_each_session_waits_for_its_commits_to_be_on_disk(slow: SqlQueue) -> None:
    with slow._database.write() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_a_read_only_server_makes_append_unavailable(postgres_url: str) -> None:
    SqlQueue(postgres_url, ManualClock()).close()
    url = make_url(postgres_url).update_query_dict(
        {"options": "-c default_transaction_read_only=on"}
    )
    with closing(SqlQueue(url.render_as_string(hide_password=False), ManualClock())) as queue:
        with pytest.raises(Unavailable):
            queue.append([message()])
        assert queue.depth() == 0


def test_a_server_out_of_reach_is_unavailable_and_the_password_is_not_told() -> None:
    with pytest.raises(Unavailable) as refused:
        SqlQueue("postgresql://user:hush-hush@/db?host=/nonexistent", ManualClock())
    assert "hush-hush" not in str(refused.value.problem())


def test_tables_of_another_version_are_refused_with_what_to_do(postgres_url: str) -> None:
    with (
        closing(SqlQueue(postgres_url, ManualClock())) as queue,
        queue._database.write() as connection,
    ):
        connection.exec_driver_sql("UPDATE queue_schema SET version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        SqlQueue(postgres_url, ManualClock())
