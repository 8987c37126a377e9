"""A responder that is killed with SIGKILL around a mail: it is neither lost nor told as another one."""

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.respond.smtp_server import MailBox
from tests.respond.world import StoreWorld, action, state, states

from vedette.core import ActionState

pytestmark = pytest.mark.faults

# Killed by itself, so that the moment is exact: before the mail goes out, or once the server has said 250.
RESPONDER = """
import os, signal, sys
from datetime import datetime
import msgspec
from vedette.core import ManualClock
from vedette.respond import Mail, MailServer, Registry, Responder
from vedette.store import Store

url, server, moment, now = sys.argv[1:]
class Killed(Mail):
    def apply(self, job):
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcome = super().apply(job)
        if moment == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome

clock = ManualClock(datetime.fromisoformat(now))
store = Store(url, clock)
kind = Killed(msgspec.json.decode(server, type=MailServer))
Responder(store, Registry([kind]), clock, sweep_seconds=0.0).tick()
store.close()
"""


@pytest.mark.parametrize(("moment", "mails"), [("before", 1), ("after", 2), ("never", 1)], ids=str)
def test_a_mail_survives_its_responder_and_a_second_transmission_bears_the_same_id(
    tmp_path: Path, moment: str, mails: int
) -> None:
    world, given = StoreWorld(tmp_path), action()
    world.propose(given)
    with MailBox(tmp_path) as mailbox:
        first = _respond(world, tmp_path, mailbox, moment)
        assert first == (0 if moment == "never" else -signal.SIGKILL)
        if moment != "never":
            left = world.ports.actions.get(given.tenant, given.id)
            assert (left.state, left.attempts) == (ActionState.DISPATCHED, 1)
        world.clock.advance(60)
        assert _respond(world, tmp_path, mailbox, "never") == 0
        assert state(world, given) is ActionState.VERIFIED
        assert states(world, given).count("verified") == 1
        ids = [message["Message-ID"] for _, message in mailbox.inbox.mails]
        assert ids == [f"<action.{given.id}@example.com>"] * mails
    world.store.close()


def _respond(world: StoreWorld, folder: Path, mailbox: MailBox, moment: str) -> int:
    server = msgspec.json.encode(mailbox.settings()).decode()
    url = f"sqlite:///{folder / 'store.sqlite'}"
    now = world.clock.now().isoformat()
    command = [sys.executable, "-c", RESPONDER, url, server, moment, now]
    return subprocess.run(command, timeout=120, check=False).returncode
