"""The spool: in order, bounded, counted, and whole after any crash."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from vedette.agent import spool as spool_module
from vedette.agent.spool import Spool
from vedette.core import Epoch
from vedette.seal import write_file

EPOCH = Epoch("e1")
_OVERHEAD = 40


def _spool(path: Path, *, max_bytes: int = 10_000, max_count: int = 100) -> Spool:
    return Spool(path, max_bytes=max_bytes, max_count=max_count)


class Machine(RuleBasedStateMachine):
    """A list with bounds is the model; the spool is reopened, and files are torn, at any moment."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name) / "spool"
        self._spool = _spool(self._path, max_bytes=400, max_count=5)
        self._waiting: list[tuple[int, bytes | None, int]] = []
        self._seq = self._dropped = self._torn = 0

    @rule(envelope=st.binary(max_size=450))
    def put(self, envelope: bytes) -> None:
        self._seq += 1
        size = len(envelope) + _OVERHEAD
        pushed = self._spool.put(EPOCH, self._seq, envelope)
        self._dropped += len(pushed)
        if size > 400:
            assert [one.seq for one in pushed] == [self._seq]
            return
        gone = []
        while len(self._waiting) >= 5 or sum(one[2] for one in self._waiting) + size > 400:
            gone.append(self._waiting.pop(0)[0])
        assert [one.seq for one in pushed] == gone
        self._waiting.append((self._seq, envelope, size))

    @rule()
    def take(self) -> None:
        while self._waiting and self._waiting[0][1] is None:
            self._waiting.pop(0)
            self._torn += 1
        found = self._spool.head()
        if not self._waiting:
            assert found is None
            return
        assert found is not None
        assert (found[0].seq, found[1]) == self._waiting.pop(0)[:2]
        self._spool.remove(found[0])
        self._spool.remove(found[0])

    @rule()
    def crash(self) -> None:
        (self._path / ".half-written").write_bytes(b"x")
        self._spool = _spool(self._path, max_bytes=400, max_count=5)

    @rule(at=st.integers(0, 4), cut=st.integers(0, 20))
    def tear(self, at: int, cut: int) -> None:
        # Torn twice in the same place, a file would be whole again.
        if at >= len(self._waiting) or self._waiting[at][1] is None:
            return
        seq, _, size = self._waiting[at]
        path = next(self._path.glob(f"*-{seq}.sealed"))
        data = path.read_bytes()
        if data[-1:] != b"\0" or cut == 0:
            path.write_bytes(data[:-1] + bytes([data[-1] ^ 0xFF]))
        else:
            path.write_bytes(data[:-1] + b"\1")
        self._waiting[at] = (seq, None, size)

    @invariant()
    def it_counts(self) -> None:
        assert self._spool.depth == len(self._waiting)
        assert self._spool.size == sum(one[2] for one in self._waiting)
        assert (self._spool.dropped, self._spool.torn) == (self._dropped, self._torn)
        peeked = Spool.peek(self._path)
        assert (peeked.depth, peeked.size) == (self._spool.depth, self._spool.size)

    def teardown(self) -> None:
        self._folder.cleanup()


TestSpoolMachine = Machine.TestCase
TestSpoolMachine.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)


def test_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    spool = _spool(tmp_path / "spool")
    spool.put(EPOCH, 1, b"sealed")
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "spool").iterdir()} == {0o600}


def test_a_file_that_vanished_is_counted_as_torn(tmp_path: Path) -> None:
    spool = _spool(tmp_path)
    spool.put(EPOCH, 1, b"a")
    spool.put(EPOCH, 2, b"b")
    next(tmp_path.glob("*-1.sealed")).unlink()
    found = spool.head()
    assert found is not None
    assert (found[0].seq, spool.torn) == (2, 1)


def test_damaged_counters_start_anew(tmp_path: Path) -> None:
    (tmp_path / "counters.json").write_bytes(b"{")
    assert _spool(tmp_path).dropped == 0


def test_a_full_disk_pushes_out_the_oldest_until_the_newest_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path)
    for seq in range(1, 5):
        spool.put(EPOCH, seq, b"x")
    real, left = write_file, [2]

    def full(path: Path, data: bytes, *, mode: int = 0o600) -> None:
        if path.suffix == ".sealed" and left[0]:
            left[0] -= 1
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, data, mode=mode)

    monkeypatch.setattr(spool_module, "write_file", full)
    assert [one.seq for one in spool.put(EPOCH, 5, b"new")] == [1, 2]
    assert (spool.depth, spool.dropped) == (3, 2)
    left[0] = 99
    with pytest.raises(OSError, match="No space"):
        spool.put(EPOCH, 6, b"newer")
    assert spool.depth == 0


class Full:
    """A disk without room for snapshots, whatever is deleted; counts and the like fit."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.on = True
        monkeypatch.setattr(spool_module, "write_file", self)

    def __call__(self, path: Path, data: bytes, *, mode: int = 0o600) -> None:
        if self.on and path.suffix == ".sealed":
            raise OSError(errno.ENOSPC, "No space left on device")
        write_file(path, data, mode=mode)


def test_a_full_disk_that_deleting_does_not_cure_costs_a_few_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path, max_bytes=10**7, max_count=1000)
    for seq in range(1, 101):
        spool.put(EPOCH, seq, b"x" * 1000)
    disk = Full(monkeypatch)
    for seq in range(101, 111):
        with pytest.raises(OSError, match="No space"):
            spool.put(EPOCH, seq, b"y" * 1000)
    assert (spool.depth, spool.dropped) == (96, 4)
    assert [item.seq for item in spool.waiting()] == list(range(5, 101))
    disk.on = False
    assert spool.put(EPOCH, 111, b"z" * 1000) == ()
    # It helped once, so it may help again.
    disk.on = True
    with pytest.raises(OSError, match="No space"):
        spool.put(EPOCH, 112, b"z" * 1000)
    assert (spool.depth, spool.dropped) == (93, 8)


class Unreadable:
    """A disk that gives an error for the file of one seq."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, seq: int) -> None:
        self.on = True
        read = Path.read_bytes

        def failing(path: Path) -> bytes:
            if self.on and path.name.endswith(f"-{seq}.sealed"):
                raise OSError(number, os.strerror(number))
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", failing)


def test_a_file_that_the_disk_does_not_give_is_set_aside_and_the_next_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path)
    for seq in range(1, 4):
        spool.put(EPOCH, seq, b"sealed")
    Unreadable(monkeypatch, errno.EIO, 1)
    assert Spool.first(tmp_path) is None
    found = spool.head()
    assert found is not None
    assert (found[0].seq, spool.depth, spool.torn) == (2, 2, 1)
    again = _spool(tmp_path)
    assert [item.seq for item in again.waiting()] == [2, 3]
    assert again.torn == Spool.peek(tmp_path).torn == 1
    (aside,) = tmp_path.glob("*.unreadable")
    assert aside.read_bytes().endswith(b"sealed")


def test_a_file_that_can_not_even_be_renamed_waits_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path)
    spool.put(EPOCH, 1, b"sealed")
    disk = Unreadable(monkeypatch, errno.EIO, 1)

    def refused(_path: Path, _target: Path) -> Path:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "rename", refused)
    assert spool.head() is None
    assert (spool.depth, spool.size, spool.torn) == (0, 0, 1)
    disk.on = False
    found = _spool(tmp_path).head()
    assert found is not None
    assert found[1] == b"sealed"


def test_too_many_open_files_are_no_fault_of_a_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = _spool(tmp_path)
    spool.put(EPOCH, 1, b"sealed")
    Unreadable(monkeypatch, errno.EMFILE, 1)
    with pytest.raises(OSError, match="Too many open files"):
        spool.head()
    assert (spool.depth, spool.torn) == (1, 0)


_WRITER = """
import sys
from pathlib import Path
from vedette.agent.spool import Spool
from vedette.core import Epoch
from vedette.seal import write_file
spool = Spool(Path(sys.argv[1]), max_bytes=10**9, max_count=10**6)
seq = int(sys.argv[2])
while True:
    seq += 1
    spool.put(Epoch("e"), seq, (b"%d " % seq) * 2000)
    sys.stdout.write(f"{seq}\\n")
    sys.stdout.flush()
"""


@pytest.mark.faults
def test_what_the_spool_took_survives_kill_9(tmp_path: Path) -> None:
    last = 0
    spool = Spool(tmp_path, max_bytes=10**9, max_count=10**6)
    for lines in (3, 17, 40):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(tmp_path), str(last)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout is not None
        for _ in range(lines):
            last = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
        # What it had still written before it died was taken too.
        told = [int(line) for line in writer.stdout.read().split("\n")[:-1] if line]
        writer.stdout.close()
        writer.wait()
        last = max([last, *told])
        spool = Spool(tmp_path, max_bytes=10**9, max_count=10**6)
        last = max(last, spool.depth)
    seqs = []
    while (found := spool.head()) is not None:
        item, envelope = found
        assert envelope == (b"%d " % item.seq) * 2000
        seqs.append(item.seq)
        spool.remove(item)
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) >= last
    assert spool.torn == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
