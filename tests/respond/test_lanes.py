"""What has its moment never waits for what only tells: many mails to a silent server hold up no lease, release or timer."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.respond.simulated_host import SimulatedHost
from tests.respond.world import TENANT, MemoryWorld, World, action, quarantine, state

from vedette.core import Action, ActionState, ManualClock, Mode
from vedette.respond import Job, MailSchema, Quarantine, Registry, Responder
from vedette.respond.outcome import Outcome, Retry
from vedette.seal import SigningKey

if TYPE_CHECKING:
    from collections.abc import Callable

S = ActionState
KEY = SigningKey.generate()
MANY, MORE_THAN_ONE_LOOK_TAKES = 120, 600
SILENT_SECONDS = 20.0
SWEEP_SECONDS = 2.0


class SilentServer:
    """Mail to a server that takes the connection and then says nothing for so long."""

    remote = False

    def __init__(self, clock: ManualClock) -> None:
        self.schema = MailSchema()
        self.clock = clock
        self.meanwhile: Callable[[], None] = lambda: None
        self.tried: dict[str, int] = {}

    def plan(self, job: Job) -> dict[str, Any]:
        return {"to": job.action.parameters["to"]}

    def apply(self, job: Job) -> Outcome:
        self.tried[job.action.id] = self.tried.get(job.action.id, 0) + 1
        self.clock.advance(SILENT_SECONDS)
        self.meanwhile()
        return Retry(detail="the server says nothing")

    def probe(self, job: Job) -> Outcome:
        raise AssertionError(job)


class Play:
    """A responder, a host under a lease, and the mail server between them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.host = SimulatedHost()
        self.mail = SilentServer(world.clock)
        self.mail.meanwhile = self.poll
        self.looks: list[datetime] = []
        self.responder = Responder(
            world.ports,
            Registry([self.mail, Quarantine(world.ports.commands, KEY)]),
            world.clock,
            sweep_seconds=SWEEP_SECONDS,
            escalate=self.escalate,
        )

    def escalate(self) -> int:
        self.looks.append(self.world.clock.now())
        return 0

    def poll(self) -> None:
        for command in self.world.commands(KEY.public):
            for result in self.host.obey(command, self.world.clock.now()):
                self.world.answer(result)

    def run(self, seconds: float) -> None:
        ends = self.world.clock.now() + timedelta(seconds=seconds)
        while self.world.clock.now() < ends:
            self.responder.tick()
            self.poll()
            self.world.clock.advance(1.0)

    def under_lease(self) -> Action:
        given = quarantine(
            dry_run=False,
            mode=Mode.AUTO,
            disruptive=True,
            lease_seconds=600.0,
            most_seconds=86_400.0,
        )
        self.world.propose(given)
        self.run(10.0)
        assert state(self.world, given) is S.VERIFIED
        return given

    def mails(self, count: int = MANY) -> list[Action]:
        made = [action(number) for number in range(1_000, 1_000 + count)]
        self.world.propose(*made)
        return made


def test_a_lease_is_renewed_and_timers_looked_at_while_mails_are_tried(world: World) -> None:
    play = Play(world)
    lease = play.under_lease()
    play.mails()
    play.looks.clear()
    play.run(3_600.0)
    assert state(world, lease) is S.VERIFIED
    until = world.ports.actions.get(TENANT, lease.id).lease_until
    assert until is not None
    assert until > world.clock.now()
    gaps = [after - before for before, after in zip(play.looks, play.looks[1:], strict=False)]
    assert max(gaps) <= timedelta(seconds=SILENT_SECONDS + SWEEP_SECONDS + 1)


def test_what_is_approved_or_released_meanwhile_does_not_wait(world: World) -> None:
    play = Play(world)
    lease = play.under_lease()
    play.mails()
    play.run(1_200.0)
    world.ports.actions.recall(TENANT, lease.id, actor="user:ann", why="it was me")
    play.run(3 * SILENT_SECONDS)
    assert state(world, lease) is S.RELEASED
    second = quarantine(2, dry_run=False, mode=Mode.AUTO, disruptive=True, lease_seconds=600.0)
    world.propose(second)
    play.run(4 * SILENT_SECONDS)
    assert state(world, second) is S.VERIFIED


def test_all_mails_have_their_turn_whatever_their_number() -> None:
    world = MemoryWorld()
    play = Play(world)
    made = play.mails(MORE_THAN_ONE_LOOK_TAKES)
    play.run(len(made) * SILENT_SECONDS * 1.2)
    assert set(play.mail.tried) == {one.id for one in made}
    late = action(2)
    world.propose(late)
    play.run(10 * SILENT_SECONDS)
    assert late.id in play.mail.tried
