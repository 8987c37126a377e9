"""The journal through crashes, damage and use from several threads."""

import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from vedette.agent.journal import Journal, Known
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
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
    with journal._change() as db:
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
    with journal._change() as db:
        db.executemany(
            "INSERT INTO commands VALUES (?, ?, ?, x'7b7d', 1)",
            [(f"old{n}", f"old{n}", f"2020-{n:05}") for n in range(1200)],
        )
    journal.begin(_command("new"))
    journal.finish(_result("new"))
    journal.reported(CommandId("old0"))
    with journal._change() as db:
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
