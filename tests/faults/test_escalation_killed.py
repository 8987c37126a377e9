"""A responder that is killed with SIGKILL within an escalation: each tier is told, and told again only where nobody could know.

That is between the mail server's 250 and the row that says so, and the second mail bears the first one's Message-ID.
tests/respond/test_escalation.py dies at each of the writes, by an exception.
"""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.respond.escalating import fill
from tests.respond.smtp_server import MailBox
from tests.respond.world import INCIDENT, START, TENANT

from vedette.core import ActionState, EscalationState, ManualClock
from vedette.store import Store

pytestmark = pytest.mark.faults

ROOT = Path(__file__).parents[2]
TELLS = ["ana", "ana", "ana", "ben", "eva"]
# Of the 49 writes, with some that come right after a mail was taken.
WRITES = range(2, 50, 12)
# As long as all tiers take, and what a killed one held is held no longer.
SECONDS = 840


class Bench:
    """A store with an escalation to start, a mail server, and what is seen from beside the responder."""

    def __init__(self, folder: Path, mailbox: MailBox) -> None:
        self.mailbox = mailbox
        self.now = START.isoformat()
        self._file = folder / "store.sqlite"
        self._told = folder / "told"
        fill(self._file)
        self.store = Store(f"sqlite:///{self._file}", ManualClock(START))
        self.child: subprocess.Popen[bytes] | None = None

    def live(self, when: str = "never") -> int:
        """A responder's life; how it ended."""
        server = msgspec.json.encode(self.mailbox.settings()).decode()
        words = (str(self._file), server, self.now, str(SECONDS), when)
        with self._told.open("wb") as told:
            self.child = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.escalation_responder", *words],
                stdout=told,
                cwd=ROOT,
            )
            ended = self.child.wait(120)
        self.now = (self._told.read_text().splitlines() or [self.now])[-1]
        return ended

    def kill_at(self, number: int) -> None:
        """Kills it when the server has taken mail `number`, before it hears so."""

        def taken() -> None:
            assert self.child is not None
            if len(self.mailbox.inbox.mails) == number:
                self.child.kill()

        self.mailbox.inbox.on_accept = taken

    def ids(self) -> Counter[str]:
        return Counter(str(message["Message-ID"]) for _, message in self.mailbox.inbox.mails)

    def unknown(self) -> set[str]:
        """Of the mails that were taken, those of which no row says so."""
        actions = self.store.actions.find(TENANT, limit=100).items
        going = [one for one in actions if one.state is ActionState.DISPATCHED]
        return set(self.ids()) & {f"<action.{one.id}@example.com>" for one in going}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with MailBox(tmp_path) as mailbox:
        made = Bench(tmp_path, mailbox)
        yield made
        made.store.close()


def _ends_as_if_nothing_had_been(bench: Bench) -> set[str]:
    """Another one goes on. Gives what was told twice."""
    unknown = bench.unknown()
    assert bench.live() == 0
    found = bench.ids()
    assert {ident for ident, count in found.items() if count > 1} == unknown
    assert set(found.values()) <= {1, 2}
    assert len(found) == len(TELLS)
    whom = {str(message["Message-ID"]): to[0] for to, message in bench.mailbox.inbox.mails}
    assert sorted(one.split("@")[0] for one in whom.values()) == TELLS
    (run,) = bench.store.escalations.find(TENANT).items
    assert run.state is EscalationState.EXHAUSTED
    events = bench.store.incidents.events(TENANT, INCIDENT.id)
    assert len([event for event in events if event.kind == "escalated"]) == len(TELLS)
    return unknown


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_killed_at_a_write_it_neither_loses_nor_doubles_a_tier(
    bench: Bench, write: int, side: str
) -> None:
    assert bench.live(f"{side}:{write}") == -signal.SIGKILL
    again = _ends_as_if_nothing_had_been(bench)
    assert len(again) <= (side == "before")


@pytest.mark.parametrize("number", range(1, len(TELLS) + 1))
def test_killed_before_it_hears_the_250_it_sends_the_same_mail_again(
    bench: Bench, number: int
) -> None:
    bench.kill_at(number)
    assert bench.live() == -signal.SIGKILL
    ident = str(bench.mailbox.inbox.mails[-1][1]["Message-ID"])
    assert _ends_as_if_nothing_had_been(bench) == {ident}


def test_left_alone_it_tells_each_once(bench: Bench) -> None:
    assert _ends_as_if_nothing_had_been(bench) == set()
