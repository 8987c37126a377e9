"""What carries out commands, with one action that is counted."""

import random

from tests.agent.enrolled import Agent

from vedette.agent.actions.scene import Check, Outcome, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.commands import Commander
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission
from vedette.core import ActionState, Command, Verb

__all__ = ["ALL_ALLOWED", "Deed", "commander_of", "ledger_of"]

ALL_ALLOWED = Permission()


class Deed:
    """An action that counts how often it is done."""

    name = "quarantine"
    verbs = frozenset({Verb.APPLY, Verb.RELEASE})
    by_default = True
    disruptive = True

    def __init__(self) -> None:
        self.done = 0
        self.breaks = False

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """Nothing shows what came of it."""

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """Needs no tending."""

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> None:
        """Nothing is in force."""

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        self.done += 1
        if self.breaks:
            raise RuntimeError("out of order")
        data = {"kind": command.kind, "server": scene.server, "deeds": ledger.deeds()}
        return Outcome(state=ActionState.SIMULATED, detail="done", data=data)


def commander_of(agent: Agent, deed: Deed, permission: Permission = ALL_ALLOWED) -> Commander:
    source = Source()
    scene = Scene(
        server=agent.enrolment.server,
        source=source,
        system=ThisMachine(source),
        reach=lambda: Check(name="server_reached", ok=True, detail="made up"),
        permission=permission,
    )
    return Commander(
        agent.enrolment,
        agent.door,
        agent.journal,
        agent.clock,
        scene,
        {"quarantine": deed},
        ledger_of(agent),
        chance=random.Random(3),
        wait=0.0,
    )


def ledger_of(agent: Agent) -> Ledger:
    return Ledger(agent.journal, agent.clock, Source(), agent.state / "leases.lock")
