"""A fleet of hosts that obey, over the real store: what guards count."""

from pathlib import Path

import msgspec
from tests.fixtures.migrated import migrated
from tests.respond.simulated_host import SimulatedHost
from tests.respond.world import START, TENANT, VERDICT
from tests.respond.world import quarantine as _quarantine

from vedette.core import (
    Action,
    ActionState,
    Command,
    HostDescription,
    HostId,
    Limits,
    ManualClock,
    Mode,
    Verdict,
    verdict_id,
)
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Store

__all__ = ["COUNT", "KEY", "Fleet", "fleet_host"]

KEY = SigningKey.generate()
COUNT = 40


def fleet_host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


class Fleet:
    """A store with forty web hosts of one tenant, a responder, and the hosts that obey it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.clock = ManualClock(START)
        self.store = Store(migrated(folder / "store.sqlite"), self.clock)
        self.hosts = {fleet_host(number): SimulatedHost() for number in range(COUNT)}
        for number in range(COUNT):
            role = {"role": "web" if number < 20 else "db"}
            self.store.hosts.enrol(
                TENANT,
                description=HostDescription(
                    id=fleet_host(number), hostname=f"h{number}", labels=role
                ),
                kid=f"kid{number}",
                public_key=f"key{number}",
                actor="user:ada",
                host=fleet_host(number),
            )
        self.responder = Responder(
            self.store,
            Registry([Quarantine(self.store.commands, KEY)]),
            self.clock,
            sweep_seconds=0.0,
            limits=lambda _: limits,
            doubt=lambda _: self.doubt,
        )
        self.doubt = ""
        self._seq = 0

    def propose(self, number: int, **changes: object) -> Action:
        given: dict[str, object] = {
            "dry_run": False,
            "mode": Mode.AUTO,
            "incident": None,
            "host": fleet_host(number),
            "disruptive": True,
            "cohort": "web" if number < 20 else "db",
            "model": "sha256:m",
            "proposed_at": self.clock.now(),
            "updated_at": self.clock.now(),
            "expires_at": self.clock.now().replace(year=2027),
        }
        self._seq += 1
        made = _quarantine(self._seq, **(given | changes))
        verdict = _verdict(number, self._seq)
        self.store.apply([Effect(verdict=verdict, actions=(made,))], actor="system:test")
        return made

    def run(self) -> None:
        """The responder and every host, until nothing more happens."""
        while True:
            for ident, machine in self.hosts.items():
                for command in self.commands(ident):
                    for result in machine.obey(command, self.clock.now()):
                        self.store.commands.record_result(result, ident, tenant=TENANT)
            if not self.responder.tick():
                return

    def commands(self, ident: HostId) -> list[Command]:
        pending = self.store.commands.pending(TENANT, ident, self.clock.now())
        return [verify_command(blob, KEY.public) for _, blob in pending]

    def now(self, action: Action) -> Action:
        return self.store.actions.get(TENANT, action.id)

    def states(self) -> dict[ActionState, int]:
        counts = self.store.actions.counts_by_state(TENANT)
        return {state: number for state, number in counts.items() if number}


def _verdict(number: int, seq: int) -> Verdict:
    made = msgspec.structs.replace(VERDICT, host=fleet_host(number), seq=seq)
    return msgspec.structs.replace(made, id=verdict_id(made.identity))
