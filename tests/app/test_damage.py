"""Damaged files: found before and while they are used, told, and saved as far as they can be read."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.sealed import message as sealed
from tests.store.make import enrol

from vedette.app.damage import problems_of, salvage
from vedette.core import (
    AuditEntry,
    DataFile,
    Epoch,
    HostId,
    Identity,
    ManualClock,
    Message,
    SystemClock,
    TenantId,
    Unavailable,
    digest,
)
from vedette.queue import Appended, Selection, SqlQueue
from vedette.seal import KeyRing
from vedette.store import Store

PAGE = 4096


def message(host: str = "h", seq: int = 1, *, body: bytes = b"sealed") -> Message:
    own = b"%s %d " % (host.encode(), seq) + body
    identity = Identity(tenant=TenantId("t"), host=HostId(host), epoch=Epoch("e"), seq=seq)
    return Message(identity=identity, digest=digest(own), body=own, received_at=ManualClock().now())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "queue.sqlite"


def _open(path: Path) -> SqlQueue:
    return SqlQueue(f"sqlite:///{path}", ManualClock())


def _fresh(path: Path) -> None:
    _open(path).close()


def _filled(path: Path, hosts: int = 10, each: int = 20) -> None:
    with closing(_open(path)) as queue:
        for seq in range(1, each + 1):
            queue.append([message(f"h{host}", seq, body=bytes(900)) for host in range(hosts)])


def _pages_of(path: Path, kind: int) -> list[int]:
    """The numbers of pages of a b-tree: 13 a table's leaf, 10 an index's (SQLite's "Database File Format").

    Without those of the schema: with it no row can be told from another's.
    """
    data = path.read_bytes()
    return [
        at // PAGE
        for at in range(PAGE, len(data), PAGE)
        if data[at] == kind and b"CREATE " not in data[at : at + PAGE]
    ]


def _flip(path: Path, page: int, *, at: int = 0, count: int = 64) -> None:
    data = bytearray(path.read_bytes())
    for place in range(page * PAGE + at, page * PAGE + at + count):
        data[place] ^= 0xA5
    path.write_bytes(data)


def _seqs(queue: SqlQueue) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    while batch := queue.poll(limit=500, lease_seconds=60):
        for one in batch:
            found.setdefault(one.message.identity.host, []).append(one.message.identity.seq)
        queue.commit(batch)
    return found


def test_a_whole_file_has_no_problem(path: Path) -> None:
    _filled(path)
    assert problems_of(path) == []


@pytest.mark.parametrize("kind", [13, 10], ids=["table", "index"])
def test_a_page_damaged_before_the_start_is_found_and_the_rest_is_saved(
    path: Path, kind: int
) -> None:
    _filled(path)
    page = _pages_of(path, kind)[-2]
    _flip(path, page)
    assert problems_of(path)
    damaged = path.read_bytes()
    salvaged = salvage(path, _fresh)
    assert Path(salvaged.kept).read_bytes() == damaged
    assert problems_of(path) == []
    assert salvaged.rows["queue_messages"] >= 195
    with closing(_open(path)) as queue:
        found = _seqs(queue)
        assert all(seqs == sorted(set(seqs)) for seqs in found.values())
        assert sum(map(len, found.values())) == salvaged.rows["queue_messages"]
        assert queue.append([message("new")]) == [Appended.NEW]


def test_a_page_damaged_under_a_running_queue_stops_every_process_at_it(path: Path) -> None:
    _filled(path)
    with closing(_open(path)) as detector, closing(_open(path)) as door:
        for page in _pages_of(path, 13)[1:]:
            _flip(path, page)
        with pytest.raises(Unavailable) as found:
            detector.poll(limit=500, lease_seconds=60)
        assert found.value.kind == "damaged-data"
        for step in (door.look, door.probe, lambda: door.append([message("new")])):
            with pytest.raises(Unavailable, match="damaged") as told:
                step()
            assert told.value.kind == "damaged-data"
    with closing(_open(path)) as later, pytest.raises(Unavailable, match="vedette data"):
        later.append([message("new")])


def test_a_damaged_body_is_the_only_thing_that_sqlite_cant_see(path: Path) -> None:
    with closing(_open(path)) as queue:
        queue.append([message(body=bytes(20_000))])
    overflow = len(path.read_bytes()) // PAGE - 2
    _flip(path, overflow, at=2000)
    # The envelope's seal finds it: see what the pipeline does with envelopes that can't be opened.
    assert problems_of(path) == []


@pytest.mark.parametrize("offset", range(8))
def test_salvage_ends_whatever_is_damaged(path: Path, offset: int) -> None:
    _filled(path, hosts=4, each=10)
    chance = Random(offset)
    pages = path.stat().st_size // PAGE
    for _ in range(4):
        _flip(path, chance.randrange(1, pages), at=chance.randrange(PAGE - 300), count=300)
    salvage(path, _fresh)
    assert problems_of(path) == []
    with closing(_open(path)) as queue:
        assert sum(map(len, _seqs(queue).values())) <= 40


def test_a_message_whose_lane_is_lost_gets_it_back_from_its_header(path: Path) -> None:
    ring, clock = KeyRing.generate(), SystemClock()
    with closing(SqlQueue(f"sqlite:///{path}", clock)) as queue:
        for number in range(3):
            snapshots = quiet_snapshots(2, host=HostId(f"host-{number}"))
            queue.append([sealed(one, ring, clock.now()) for one in snapshots])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM queue_lanes WHERE id > 1")
        connection.commit()
    salvaged = salvage(path, _fresh)
    assert salvaged.lanes_made_anew == 2
    with closing(SqlQueue(f"sqlite:///{path}", clock)) as queue:
        assert _seqs(queue) == {f"host-{number}": [1, 2] for number in range(3)}


def test_a_number_that_was_given_is_not_given_again_after_a_salvage(path: Path) -> None:
    with closing(_open(path)) as queue:
        queue.append([message("a"), message("b")])
        for delivery in queue.poll(limit=9, lease_seconds=60):
            queue.reject(delivery, reason="torn")
        (gone,) = queue.purge(Selection(host=HostId("b")), limit=9)
        queue.replay(Selection(), limit=9)
    salvage(path, _fresh)
    with closing(_open(path)) as queue:
        queue.append([message("c")])
        for delivery in sorted(queue.poll(limit=9, lease_seconds=60), key=lambda d: d.replays):
            queue.reject(delivery, reason="torn again")
        hosts = {one.id: one.identity.host for one in queue.dead_letters(limit=9)}
        assert hosts == {"1": "a", "3": "c"}
        assert gone.id == "2"


def test_a_damaged_queue_of_an_older_version_is_brought_up_to_this_one(path: Path) -> None:
    _filled(path, 2, 5)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE queue_schema SET version = 2")
        connection.execute("DROP INDEX queue_messages_by_lane")
        connection.execute("ALTER TABLE queue_messages DROP COLUMN behind")
        connection.execute("ALTER TABLE queue_accepted DROP COLUMN size")
        connection.execute("DROP TABLE queue_forgotten")
        connection.commit()
    assert salvage(path, _fresh).rows["queue_messages"] == 10
    with closing(_open(path)) as queue:
        assert _seqs(queue) == {"h0": [1, 2, 3, 4, 5], "h1": [1, 2, 3, 4, 5]}


def _log_of_a_killed_queue(path: Path, folder: Path) -> Path:
    """The file and its log as a kill leaves them, and not as a close does."""
    with closing(_open(path)) as queue:
        for seq in range(1, 11):
            queue.append([message(seq=seq, body=bytes(500))])
        folder.mkdir()
        for side in ("", "-wal"):
            shutil.copy(path.with_name(path.name + side), folder / f"queue.sqlite{side}")
    return folder / "queue.sqlite"


def test_a_log_that_was_garbled_is_found_before_sqlite_forgets_what_is_behind(
    path: Path, tmp_path: Path
) -> None:
    killed = _log_of_a_killed_queue(path, tmp_path / "killed")
    log = killed.with_name("queue.sqlite-wal")
    whole = log.read_bytes()
    assert problems_of(killed) == []
    log.write_bytes(whole)
    middle = len(whole) // 2
    log.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert "behind a frame that does not fit" in problems_of(killed)[0]
    log.write_bytes(b"\0" * 32 + whole[32:])
    assert problems_of(killed) == ["the header of its log is damaged"]
    log.write_bytes(whole[:20])
    assert problems_of(killed) == ["its log ends within its header"]


def test_a_last_transaction_that_was_cut_is_what_a_crash_leaves(path: Path, tmp_path: Path) -> None:
    killed = _log_of_a_killed_queue(path, tmp_path / "killed")
    log = killed.with_name("queue.sqlite-wal")
    whole = log.read_bytes()
    log.write_bytes(whole[:-1000])
    assert problems_of(killed) == []
    with closing(_open(killed)) as queue:
        assert queue.depth() == 9


def test_a_mark_is_told_to_whoever_opens_the_file_later(path: Path) -> None:
    _filled(path, 1, 1)
    assert DataFile(path).mark_damaged("a page is no page")
    with pytest.raises(Unavailable, match="a page is no page"):
        DataFile(path).look()


@pytest.mark.parametrize("seed", range(3))
def test_a_store_is_salvaged_row_by_row(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "store.sqlite"

    def create(where: Path) -> None:
        with closing(Store(f"sqlite:///{where}", ManualClock())) as store:
            store.migrate()

    create(path)
    with closing(Store(f"sqlite:///{path}", ManualClock())) as store:
        enrol(store)
        for seq in range(1, 40):
            store.audit.add([_entry(seq)])
    chance = Random(seed)
    _flip(path, chance.choice(_pages_of(path, 13)), at=chance.randrange(PAGE - 300), count=300)
    salvaged = salvage(path, create)
    assert problems_of(path) == []
    assert sum(salvaged.rows.values()) > 20
    with closing(Store(f"sqlite:///{path}", ManualClock())) as store:
        store.probe()
        store.audit.add([_entry(1000)])


def _entry(number: int) -> AuditEntry:
    return AuditEntry(
        tenant=TenantId("t"),
        at=ManualClock().now(),
        actor="user:someone",
        action="thing.done",
        subject=f"thing {number}",
        reason="x" * 300,
        data={"number": number},
    )
