"""A responder that is killed with SIGKILL with leases in force, and while it makes one of what many hosts tell."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.respond.outbreak import turn_abnormal
from tests.respond.simulated_host import SimulatedHost
from tests.respond.smtp_server import MailBox
from tests.respond.world import HOST, TENANT, StoreWorld, quarantine, state, states

from vedette.core import Action, ActionState, Command, IncidentKind, Mode, Verb
from vedette.seal import SigningKey, verify_command

pytestmark = pytest.mark.faults

S = ActionState
LEASE = 1_800.0
# More than the writes of any look below, so that the last rounds are killed nowhere.
WRITES = range(12)


class Bench:
    """A store, a host that obeys, a mail server, and responders that live as long as they are let."""

    def __init__(self, folder: Path, mailbox: MailBox) -> None:
        self.folder = folder
        self.mailbox = mailbox
        self.world = StoreWorld(folder)
        self.host = SimulatedHost()
        self.key = SigningKey.generate()
        self.key.save(folder / "command.key")
        self.issued: dict[str, Command] = {}

    def respond(self, when: str = "never", *, looks: int = 1) -> bool:
        """Whether it was killed."""
        command = [
            sys.executable,
            "-m",
            "tests.faults.lease_responder",
            f"sqlite:///{self.folder / 'store.sqlite'}",
            msgspec.json.encode(self.mailbox.settings()).decode(),
            str(self.folder / "command.key"),
            self.world.clock.now().isoformat(),
            when,
            str(looks),
        ]
        root = Path(__file__).parents[2]
        ended = subprocess.run(command, timeout=120, check=False, cwd=root, capture_output=True)
        assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr.decode()[-2_000:]
        return ended.returncode != 0

    def poll(self) -> None:
        now = self.world.clock.now()
        for _, blob in self.world.store.commands.pending(TENANT, HOST, now):
            command = verify_command(blob, self.key.public)
            self.issued[command.id] = command
            for result in self.host.obey(command, now):
                self.world.answer(result)

    def verbs(self) -> list[Verb]:
        return [one.verb for one in self.issued.values()]

    def stands(self, which: Action) -> Action:
        return self.world.ports.actions.get(TENANT, which.id)

    def held(self) -> Action:
        """A lease that is in force and due to be renewed."""
        made = quarantine(dry_run=False, mode=Mode.AUTO, most_seconds=86_400.0)
        self.world.propose(made)
        self.respond()
        self.poll()
        self.respond()
        assert state(self.world, made) is S.VERIFIED
        self.world.clock.advance(LEASE / 2)
        return made


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with MailBox(tmp_path) as mailbox:
        made = Bench(tmp_path, mailbox)
        yield made
        made.world.store.close()


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_lease_is_begun_once_and_renewed_over_every_kill(bench: Bench, side: str) -> None:
    made = quarantine(dry_run=False, mode=Mode.AUTO, most_seconds=86_400.0)
    bench.world.propose(made)
    kills = 0
    for number in WRITES:
        kills += bench.respond(f"{side}:{number % 4}")
        bench.poll()
        # What a notice's holder held when it was killed comes again after half a minute.
        bench.world.clock.advance(31)
    assert kills
    assert state(bench.world, made) is S.VERIFIED
    assert bench.verbs() == [Verb.APPLY]
    bench.world.clock.advance(LEASE / 2)
    for number in range(3):
        bench.respond(f"{side}:{number}")
        bench.poll()
        bench.world.clock.advance(31)
    bench.respond()
    assert bench.verbs() == [Verb.APPLY, Verb.RENEW]
    assert states(bench.world, made).count("verified") == 2
    until = bench.stands(made).lease_until
    assert until == bench.host.in_force[made.id]
    assert until > bench.world.clock.now() + timedelta(seconds=LEASE / 2)


def test_a_lease_whose_responder_stays_dead_ends_on_its_host_and_is_told_as_over(
    bench: Bench,
) -> None:
    made = bench.held()
    assert bench.respond("before:0")
    bench.poll()
    bench.world.clock.advance(LEASE)
    bench.host.expire(bench.world.clock.now())
    assert bench.host.in_force == {}
    bench.world.clock.advance(121)
    assert not bench.respond()
    assert state(bench.world, made) is S.RELEASED
    assert "ended by itself" in bench.stands(made).detail
    bench.poll()
    assert bench.host.in_force == {}


@pytest.mark.parametrize("side", ["before", "after"])
def test_a_release_that_was_asked_for_is_made_once_over_every_kill(bench: Bench, side: str) -> None:
    made = bench.held()
    bench.world.ports.actions.recall(TENANT, made.id, actor="user:ann", why="enough")
    for number in range(4):
        bench.respond(f"{side}:{number}")
        bench.poll()
        bench.world.clock.advance(31)
    bench.respond()
    assert state(bench.world, made) is S.RELEASED
    assert bench.verbs() == [Verb.APPLY, Verb.RELEASE]
    assert states(bench.world, made).count("released") == 1


@pytest.mark.parametrize("when", ["inside", "before:0", "after:0", "before:5", "after:5"])
def test_a_storm_is_gathered_and_told_once_though_its_responder_is_killed(
    bench: Bench, when: str
) -> None:
    turn_abnormal(bench.world.store, 0, 40)
    assert bench.respond(when, looks=20)
    bench.world.clock.advance(60)
    assert not bench.respond(looks=20)
    whole = bench.world.store.incidents.find(TENANT, whole=True).items
    (storm,) = [one for one in whole if one.kind is IncidentKind.FLEET]
    assert storm.hosts == 40
    assert len(bench.mailbox.inbox.mails) == 1
    counts = bench.world.store.actions.counts_by_state(TENANT)
    assert (counts[S.VERIFIED], counts[S.REFUSED]) == (1, 40)
