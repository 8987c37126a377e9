"""The journal through crashes, damage and use from several threads."""

import shutil
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vedette.agent.journal import Journal, Known
from vedette.agent.journal_file import Damaged, open_file, read_fields
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    Epoch,
    HostId,
    ManualClock,
    TenantId,
    Unavailable,
)

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _command(name: str, nonce: str = "") -> Command:
    return Command(
        id=CommandId(name),
        tenant=TenantId("default"),
        host=HostId("h"),
        action=ActionId("a"),
        kind="quarantine",
        parameters={},
        dry_run=True,
        issued_at=AT,
        expires_at=AT + timedelta(minutes=5),
        nonce=nonce or name,
    )


def _result(name: str) -> CommandResult:
    return CommandResult(command=CommandId(name), state=ActionState.SIMULATED, at=AT)


def _journal(path: Path) -> Journal:
    return Journal(path / "journal.sqlite", ManualClock())


class Machine(RuleBasedStateMachine):
    """The journal is reopened, as after a crash, at any moment; the model never is."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name)
        self._journal = _journal(self._path)
        self._epoch = self._journal.epoch
        self._crashed: list[Journal] = []
        self._seq = 1
        self._offset = 0.0
        self._commands: dict[str, bool] = {}
        self._unreported: set[str] = set()

    @rule()
    def take_seq(self) -> None:
        assert self._journal.take_seq() == (self._epoch, self._seq)
        self._seq += 1

    @rule()
    def crash(self) -> None:
        # A second journal on the same file sees what the first made durable; the first is left as it is.
        self._crashed.append(self._journal)
        self._journal = _journal(self._path)

    @rule(seconds=st.floats(-1e6, 1e6))
    def set_offset(self, seconds: float) -> None:
        self._journal.set_offset(seconds)
        self._offset = seconds

    @rule(name=st.sampled_from("abcd"))
    def begin(self, name: str) -> None:
        known = self._journal.begin(_command(name))
        if name not in self._commands:
            assert known is Known.NEW
            self._commands[name] = False
        else:
            assert known is (Known.ENDED if self._commands[name] else Known.BEGUN)

    @precondition(lambda self: self._commands)
    @rule(name=st.sampled_from("abcd"))
    def finish(self, name: str) -> None:
        self._journal.finish(_result(name))
        if name in self._commands:
            self._commands[name] = True
            self._unreported.add(name)

    @rule(name=st.sampled_from("abcd"))
    def report(self, name: str) -> None:
        self._journal.reported(CommandId(name))
        self._unreported.discard(name)

    @rule()
    def renew(self) -> None:
        before = self._epoch
        self._epoch = self._journal.renew_epoch("test")
        assert self._epoch != before
        self._seq = 1

    @invariant()
    def it_remembers(self) -> None:
        assert self._journal.epoch == self._epoch
        assert self._journal.next_seq == self._seq
        assert self._journal.offset == self._offset
        assert {one.command for one in self._journal.unreported()} == self._unreported
        begun = {name for name, ended in self._commands.items() if not ended}
        assert set(self._journal.interrupted()) == begun

    def teardown(self) -> None:
        for journal in (*self._crashed, self._journal):
            journal.close()
        self._folder.cleanup()


TestJournalMachine = Machine.TestCase
TestJournalMachine.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def test_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    journal = _journal(tmp_path / "state")
    journal.take_seq()
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    assert modes == {0o600}
    journal.close()


@pytest.mark.parametrize(
    "damage", [b"not a database at all" * 300, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_a_damaged_journal_is_set_aside_and_a_new_epoch_begins(
    tmp_path: Path, damage: bytes
) -> None:
    journal = _journal(tmp_path)
    epoch, _ = journal.take_seq()
    journal.close()
    (tmp_path / "journal.sqlite").write_bytes(damage)
    again = _journal(tmp_path)
    assert again.epoch != epoch
    assert again.next_seq == 1
    assert (tmp_path / "journal.sqlite.damaged").read_bytes() == damage
    again.close()


def test_a_journal_with_senseless_fields_is_set_aside(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    epoch = journal.epoch
    with journal.changing() as db:
        db.execute("UPDATE fields SET value = 'x' WHERE name = 'next_seq'")
    journal.close()
    again = _journal(tmp_path)
    assert again.epoch != epoch
    again.close()


def test_a_nonce_counts_once_over_all_commands(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    assert journal.begin(_command("a", "n")) is Known.NEW
    assert journal.begin(_command("b", "n")) is Known.REUSED_NONCE
    assert journal.interrupted() == ["a"]
    journal.close()


def test_old_reported_commands_are_forgotten_and_unreported_ones_never(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    with journal.changing() as db:
        db.executemany(
            "INSERT INTO commands VALUES (?, ?, ?, x'7b7d', 1)",
            [(f"old{n}", f"old{n}", f"2020-{n:05}") for n in range(1200)],
        )
    journal.begin(_command("new"))
    journal.finish(_result("new"))
    journal.reported(CommandId("old0"))
    with journal.changing() as db:
        count = db.execute("SELECT count(*) FROM commands").fetchone()[0]
    assert count == 1000
    assert journal.result(CommandId("new")) == _result("new")
    assert journal.result(CommandId("absent")) is None
    journal.close()


def test_many_threads_never_get_the_same_seq(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    taken: list[int] = []

    def take() -> None:
        taken.extend(journal.take_seq()[1] for _ in range(20))

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == list(range(1, 81))
    journal.close()


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.close()
    with pytest.raises(Unavailable, match="closed"):
        journal.take_seq()
    with pytest.raises(Unavailable, match="closed"):
        _ = journal.epoch


def test_a_folder_that_cannot_be_written_is_an_error_and_no_new_epoch(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.close()
    path = tmp_path / "journal.sqlite"
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        _journal(tmp_path)
    assert not list(path.iterdir())


def _used(path: Path) -> tuple[Epoch, bytes]:
    """A journal with a few commands, folded into one file: its epoch and content."""
    journal = _journal(path)
    for name in ("a", "b"):
        journal.begin(_command(name))
    journal.finish(_result("a"))
    journal.take_seq()
    epoch = journal.epoch
    journal.close()
    return epoch, (path / "journal.sqlite").read_bytes()


def _everything_of(journal: Journal) -> None:
    journal.take_seq()
    journal.set_offset(journal.offset)
    assert journal.began_at.tzinfo is not None
    assert journal.begin(_command("z")) is Known.NEW
    journal.unreported()
    journal.interrupted()
    journal.reported(CommandId("a"))


@pytest.mark.parametrize("flip", [0x80, 0xFF, 0x01])
def test_whatever_byte_is_damaged_the_journal_can_be_used(tmp_path: Path, flip: int) -> None:
    epoch, whole = _used(tmp_path)
    used = [at for at, byte in enumerate(whole) if byte]
    aside = 0
    # Every fifth byte, and another fifth for each flip: the bound is for the time that this takes.
    for at in used[flip % 5 :: 5]:
        folder = tmp_path / str(at)
        folder.mkdir()
        damaged = bytearray(whole)
        damaged[at] ^= flip
        (folder / "journal.sqlite").write_bytes(damaged)
        journal = _journal(folder)
        if (folder / "journal.sqlite.damaged").exists():
            aside += 1
            assert journal.epoch != epoch
            assert journal.next_seq == 1
        _everything_of(journal)
        journal.close()
        shutil.rmtree(folder)
    assert aside > len(used) / 10


@pytest.mark.parametrize("left", [1, 20, 100, 4096, 5000, 12288])
def test_a_journal_that_was_cut_short_is_set_aside(tmp_path: Path, left: int) -> None:
    epoch, whole = _used(tmp_path)
    (tmp_path / "journal.sqlite").write_bytes(whole[:left])
    journal = _journal(tmp_path)
    assert journal.epoch != epoch
    assert (tmp_path / "journal.sqlite.damaged").exists()
    _everything_of(journal)
    journal.close()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE fields SET value = 'EPOCH' WHERE name = 'epoch'",
        "UPDATE fields SET value = CAST(value AS BLOB) WHERE name = 'offset'",
        "UPDATE fields SET value = 'nan' WHERE name = 'offset'",
        "UPDATE fields SET value = '9223372036854775808' WHERE name = 'next_seq'",
        "UPDATE fields SET value = '2026-01-01T00:00:00' WHERE name = 'began_at'",
        "DELETE FROM fields WHERE name = 'began_at'",
        "DELETE FROM fields",
        "UPDATE fields SET value = CAST(x'ff' AS TEXT) WHERE name = 'epoch'",
        "UPDATE commands SET result = x'00' WHERE id = 'a'",
        "UPDATE commands SET id = 'c' WHERE id = 'a'",
        "UPDATE commands SET reported = 7",
        "UPDATE commands SET begun_at = 'then'",
        "DROP TABLE commands",
        "ALTER TABLE fields RENAME COLUMN value TO valuf",
    ],
)
def test_a_row_that_no_journal_writes_sets_it_aside(tmp_path: Path, damage: str) -> None:
    epoch, _ = _used(tmp_path)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        db.execute(damage)
        db.commit()
    journal = _journal(tmp_path)
    assert journal.epoch != epoch
    _everything_of(journal)
    journal.close()


def test_a_journal_that_another_holds_is_not_taken_for_damaged(tmp_path: Path) -> None:
    epoch, _ = _used(tmp_path)
    path = tmp_path / "journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            open_file(path, ManualClock(), patience=0.1)
    journal = _journal(tmp_path)
    assert journal.epoch == epoch
    assert not (tmp_path / "journal.sqlite.damaged").exists()
    journal.close()


def test_it_is_read_without_a_trace_whether_in_use_or_damaged(tmp_path: Path) -> None:
    epoch, whole = _used(tmp_path)
    path = tmp_path / "journal.sqlite"
    assert read_fields(path).epoch == epoch
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    journal = _journal(tmp_path)
    _, seq = journal.take_seq()
    assert read_fields(path).next_seq == seq + 1
    journal.close()
    path.write_bytes(whole[:5000])
    with pytest.raises(Damaged):
        read_fields(path)
    assert path.read_bytes() == whole[:5000]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_journal_of_before_there_were_leases_goes_on_with_all_that_is_in_it(
    tmp_path: Path,
) -> None:
    journal = _journal(tmp_path)
    epoch, _ = journal.take_seq()
    journal.begin(_command("a"))
    journal.finish(_result("a"))
    with journal.changing() as db:
        for table in ("leases", "remarks", "deeds"):
            db.execute(f"DROP TABLE {table}")
    journal.close()
    path = tmp_path / "journal.sqlite"
    assert read_fields(path).next_seq == 2
    again = _journal(tmp_path)
    assert (again.epoch, again.next_seq) == (epoch, 2)
    assert again.unreported() == [_result("a")]
    assert again.rows("SELECT * FROM leases") == []
    again.close()
    assert not path.with_name("journal.sqlite.damaged").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO leases VALUES ('quarantine', x'7b7d')",
        "INSERT INTO remarks VALUES (1, x'00')",
        "INSERT INTO deeds VALUES ('c', 'yesterday')",
    ],
)
def test_a_journal_with_senseless_leases_is_set_aside(tmp_path: Path, statement: str) -> None:
    journal = _journal(tmp_path)
    epoch = journal.epoch
    with journal.changing() as db:
        db.execute(statement)
    journal.close()
    again = _journal(tmp_path)
    assert again.epoch != epoch
    again.close()
