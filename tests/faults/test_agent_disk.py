"""The agent on a full disk: the newest stays, what is lost is counted, and no number is used twice."""

import sqlite3
from contextlib import closing

import pytest
from tests.fixtures.disks import small_disk

from vedette.agent.journal import Journal
from vedette.agent.spool import Spool
from vedette.core import Epoch, SystemClock

pytestmark = pytest.mark.faults


def test_a_full_disk_costs_the_oldest_and_is_overcome() -> None:
    with small_disk(4) as disk:
        spool = Spool(disk.folder / "spool", max_bytes=1 << 30, max_count=1000)
        for seq in range(1, 11):
            spool.put(Epoch("e"), seq, bytes(50_000))
        disk.fill()
        pushed = spool.put(Epoch("e"), 11, bytes(120_000))
        assert [one.seq for one in pushed] == list(range(1, len(pushed) + 1))
        assert spool.dropped == len(pushed) >= 2
        disk.free()
        assert spool.put(Epoch("e"), 12, bytes(50_000)) == ()
        again = Spool(disk.folder / "spool", max_bytes=1 << 30, max_count=1000)
        left = []
        while (found := again.head()) is not None:
            left.append(found[0].seq)
            again.remove(found[0])
        assert left == list(range(len(pushed) + 1, 13))
        assert again.torn == 0


def test_a_full_disk_that_others_filled_keeps_what_waits() -> None:
    with small_disk(4) as disk:
        spool = Spool(disk.folder / "spool", max_bytes=1 << 30, max_count=1000)
        for seq in range(1, 41):
            spool.put(Epoch("e"), seq, bytes(2_000))
        disk.fill()
        # More than all that waits could free.
        for seq in range(41, 51):
            with pytest.raises(OSError, match="No space left"):
                spool.put(Epoch("e"), seq, bytes(1_000_000))
        assert (spool.depth, spool.dropped) == (40, 0)
        disk.free()
        assert spool.put(Epoch("e"), 51, bytes(2_000)) == ()
        again = Spool(disk.folder / "spool", max_bytes=1 << 30, max_count=1000)
        assert [item.seq for item in again.waiting()] == [*range(1, 41), 51]


def test_the_journal_never_gives_a_number_twice_over_a_full_disk() -> None:
    with small_disk(4) as disk:
        taken: list[int] = []
        with closing(Journal(disk.folder / "journal.sqlite", SystemClock())) as journal:
            for _ in range(3):
                taken += [journal.take_seq()[1] for _ in range(3)]
                disk.fill()
                with pytest.raises(sqlite3.OperationalError, match="full"):
                    _take_all(journal, taken)
                disk.free()
            taken.append(journal.take_seq()[1])
            epoch = journal.epoch
        assert len(taken) == len(set(taken))
        with closing(Journal(disk.folder / "journal.sqlite", SystemClock())) as journal:
            assert journal.epoch == epoch
            assert journal.take_seq()[1] > max(taken)


def _take_all(journal: Journal, taken: list[int]) -> None:
    while True:
        taken.append(journal.take_seq()[1])
