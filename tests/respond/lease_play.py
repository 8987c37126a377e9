"""A responder and one host with a lease, driven step by step."""

from typing import Any

from tests.respond.simulated_host import SimulatedHost
from tests.respond.world import TENANT, World, quarantine

from vedette.core import Action, ActionState, Command, CommandId, Mode, Verb
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey

__all__ = ["KEY", "LEASE", "Play", "in_force"]

KEY = SigningKey.generate()
LEASE = 1800.0


class Play:
    """A responder, a host and what lies between them."""

    def __init__(self, world: World, **changes: Any) -> None:
        self.world = world
        self.host = SimulatedHost()
        self.releases: set[CommandId] = set()
        self.responder = Responder(
            world.ports,
            Registry([Quarantine(world.ports.commands, KEY)]),
            world.clock,
            sweep_seconds=0.0,
        )
        given: dict[str, Any] = {"dry_run": False, "mode": Mode.AUTO, "most_seconds": 86_400.0}
        self.action = quarantine(**(given | changes))
        world.propose(self.action)
        self.responder.tick()

    def stands(self) -> Action:
        return self.world.ports.actions.get(TENANT, self.action.id)

    def commands(self, verb: Verb) -> list[Command]:
        return [one for one in self.world.commands(KEY.public) if one.verb is verb]

    def poll(self) -> None:
        """The host fetches what waits for it and answers; the responder looks at that."""
        for command in self.world.commands(KEY.public):
            self.releases |= {command.id} if command.verb is Verb.RELEASE else set()
            for result in self.host.obey(command, self.world.clock.now()):
                self.world.answer(result)
        self.responder.tick()

    def wait(self, seconds: float, *, host: bool = True) -> None:
        self.world.clock.advance(seconds)
        self.host.expire(self.world.clock.now())
        self.responder.tick()
        if host:
            self.poll()

    def recall(self, why: str = "it was me") -> None:
        self.world.ports.actions.recall(TENANT, self.action.id, actor="user:ann", why=why)
        self.responder.tick()


def in_force(world: World) -> Play:
    """A lease that its host has in force, as the responder knows."""
    made = Play(world)
    made.poll()
    assert made.stands().state is ActionState.VERIFIED
    return made
