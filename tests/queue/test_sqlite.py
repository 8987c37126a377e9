"""The queue in a SQLite file: the contract, and what is SQLite's own."""

import resource
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from tests.contracts.queue_case import Broker, message
from tests.contracts.queue_suite import DurableQueueContract

from vedette.core import ConfigError, ManualClock, Unavailable
from vedette.queue import Appended, Queue, Selection, SqlQueue


class _File:
    def __init__(self, path: Path, clock: ManualClock) -> None:
        self._url = f"sqlite:///{path}"
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


class TestSqliteQueue(DurableQueueContract):
    """One file, opened again and again."""

    @pytest.fixture
    def broker(self, clock: ManualClock, tmp_path: Path) -> Broker:
        return _File(tmp_path / "queue.sqlite", clock)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite"


def _open(path: Path, query: str = "") -> SqlQueue:
    prefix = "sqlite:///file:" if query else "sqlite:///"
    return SqlQueue(f"{prefix}{path}{query}", ManualClock())


def test_a_replayed_letter_whose_id_another_has_comes_back_under_a_new_one(path: Path) -> None:
    with closing(_open(path)) as queue:
        queue.append([message("a")])
        queue.reject(queue.poll(limit=1, lease_seconds=60)[0], reason="torn")
        queue.replay(Selection(), limit=9)
        # As a salvage of an earlier version left it.
        with closing(sqlite3.connect(path)) as other:
            other.execute("DELETE FROM sqlite_sequence WHERE name = 'queue_dead_letters'")
            other.commit()
        queue.append([message("b")])
        for delivery in sorted(queue.poll(limit=9, lease_seconds=60), key=lambda d: d.replays):
            queue.reject(delivery, reason="torn")
        found = [(one.id, one.identity.host) for one in queue.dead_letters(limit=9)]
        assert found == [("1", "b"), ("2", "a")]


def test_deleting_dead_letters_needs_little_room_in_the_log(path: Path) -> None:
    clock = ManualClock()
    with closing(SqlQueue(f"sqlite:///{path}", clock, dead_letter_bytes=30 << 20)) as queue:
        for seq in range(12):
            queue.append([message(seq=seq, body=bytes(3 << 20))])
            queue.reject(queue.poll(limit=1, lease_seconds=60)[0], reason="torn")
        log = path.with_name(f"{path.name}-wal")
        with closing(sqlite3.connect(path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert log.stat().st_size == 0
        assert queue.trim() == 3
        assert len(queue.purge(Selection(), limit=4)) == 4
        clock.advance(timedelta(days=31).total_seconds())
        queue.prune()
        assert queue.stats().dead_letters == 0
        assert log.stat().st_size < 1 << 20


def test_the_file_and_its_side_files_are_closed_to_other_users(path: Path) -> None:
    with closing(_open(path)) as queue:
        queue.append([message()])
        files = sorted(path.parent.iterdir())
        assert len(files) == 3
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_every_connection_syncs_each_commit_and_writes_ahead(path: Path) -> None:
    with closing(_open(path)) as queue, queue._database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 10_000


@contextmanager
def _files_may_grow_to(size: int) -> Iterator[None]:
    """Writes beyond the size fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_makes_append_unavailable_and_stores_nothing(path: Path) -> None:
    batch = [message(seq=seq, body=bytes(50_000)) for seq in range(20)]
    with closing(_open(path)) as queue:
        queue.append([message("before")])
        with _files_may_grow_to(400_000), pytest.raises(Unavailable) as refused:
            queue.append(batch)
        assert refused.value.retry_after == 1.0
        assert queue.depth() == 1
        assert queue.append(batch) == [Appended.NEW] * 20


def test_a_read_only_file_makes_append_unavailable(path: Path) -> None:
    with closing(_open(path)) as writer:
        writer.append([message()])
        with closing(_open(path, "?mode=ro&uri=true")) as queue:
            with pytest.raises(Unavailable):
                queue.append([message(seq=2)])
            assert queue.depth() == 1


def test_a_file_that_is_no_database_is_unavailable_and_left_alone(path: Path) -> None:
    path.write_bytes(b"something else " * 100)
    with pytest.raises(Unavailable):
        _open(path)
    assert path.read_bytes() == b"something else " * 100


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        _open(tmp_path / "nowhere" / "queue.sqlite")


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "queue.sqlite").mkdir()
    with pytest.raises(ConfigError, match=r"queue\.sqlite can't be opened, or is no file"):
        _open(tmp_path / "queue.sqlite")


def test_tables_of_another_version_are_refused_with_what_to_do(path: Path) -> None:
    _open(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE queue_schema SET version = 99")
        connection.commit()
    with pytest.raises(ConfigError, match="version 99"):
        _open(path)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_of_no_durable_queue_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"queue\.sqlite"):
        SqlQueue(url, ManualClock())
