"""A snapshot that bore a table in full is lost amid a long spool: unknown, never normal, and sight comes back."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.watched import Watched
from tests.fixtures.service import Service, running_service

from vedette.agent import Enrolment
from vedette.core import Label
from vedette.seal import read_header, seal_envelope

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

GROWN = 33
WAITING = 12


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    more = "[ingest]\nrate = 1000\nburst = 5000\n"
    with running_service(tmp_path_factory.mktemp("service"), more=more) as running:
        yield running


@pytest.fixture
def watched(tmp_path: Path, service: Service) -> Iterator[Watched]:
    """A host that is normal, whose agent then can't send for a while, in which a table changes once."""
    machine = Watched(tmp_path / "machine", service)
    machine.enroll()
    machine.live(GROWN)
    assert machine.verdicts(GROWN)[-1].label is Label.NORMAL
    machine.look(2)
    _another_user(machine)
    machine.look(WAITING - 2)
    yield machine
    machine.stop()


def _another_user(machine: Watched) -> None:
    path = machine.tree.path("/etc/passwd")
    machine.tree.write("/etc/passwd", path.read_text() + "late:x:1099:100::/home/late:/bin/sh\n")


def _spooled(machine: Watched) -> list[Path]:
    return sorted((machine.settings.state / "spool").glob("*.sealed"))


def _tear(machine: Watched) -> None:
    """The disk loses a block: the agent finds the file damaged."""
    path = _spooled(machine)[2]
    path.write_bytes(path.read_bytes()[:-100])


def _spoil(machine: Watched) -> None:
    """What the server gets can't be read: only the server knows."""
    path = _spooled(machine)[2]
    data = path.read_bytes()
    header = read_header(data[40:])
    key = Enrolment.load(machine.settings.state).sealing_key
    envelope = seal_envelope(header, b"no snapshot", key)
    path.write_bytes(data[:8] + hashlib.sha256(envelope).digest() + envelope)


@pytest.mark.parametrize(
    ("lose", "verdicts"), [(_tear, WAITING - 1), (_spoil, WAITING)], ids=["torn", "unreadable"]
)
def test_the_loss_is_unknown_until_the_table_comes_in_full(
    watched: Watched, lose: Callable[[Watched], None], verdicts: int
) -> None:
    lose(watched)
    watched.ship()
    # What can't be read has no time of its own but that of its arrival.
    whole = sorted(watched.verdicts(GROWN + verdicts), key=lambda verdict: verdict.seq)
    before, blind = whole[GROWN : GROWN + 2], whole[GROWN + 2 :]
    assert {verdict.label for verdict in before} == {Label.NORMAL}
    assert {verdict.label for verdict in blind} == {Label.UNKNOWN}
    assert all("table:users" in {r.subject for r in v.reasons} for v in blind[1:])
    assert watched.needed() == ("hash", "users")
    # The answer to a push names the table; the look after it has it in full.
    watched.live(2)
    after = max(watched.verdicts(GROWN + verdicts + 2), key=lambda verdict: verdict.seq)
    assert "table:users" not in {reason.subject for reason in after.reasons}
    assert after.label is not Label.UNKNOWN
    assert watched.needed() == ()
