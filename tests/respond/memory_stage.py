"""Where a small fleet's actions live in the state machine: the fake ports."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from tests.respond.stage import (
    COUNT,
    KEY,
    a_bundle,
    an_incident,
    cohort,
    host,
    stage_folder,
)
from tests.respond.world import INCIDENT, START, TENANT

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    Evidence,
    Host,
    HostId,
    IncidentState,
    ManualClock,
    NotFound,
    Resolution,
    Scope,
    Silence,
    SilenceKind,
    SilenceScope,
    Switch,
    TenantId,
)
from vedette.respond import MemoryPorts, Ports
from vedette.seal import verify_command

if TYPE_CHECKING:
    from vedette.respond.ports import Evidences

__all__ = ["MemoryStage"]


class MemoryStage:
    """Over the fake ports, which know no storms and count approvals for nobody."""

    knows_people = False

    def __init__(self) -> None:
        self._folder = stage_folder()
        self.folder = Path(self._folder.name)
        self.evidence: Evidences = self
        self._bundles: dict[ActionId, Evidence] = {}
        self.clock = ManualClock(START)
        self.memory = MemoryPorts(self.clock)
        self.ports: Ports = self.memory
        self.memory.incidents.put(an_incident())
        for scope, key, count in (
            (Scope.TENANT, "", COUNT),
            (Scope.COHORT, "web", COUNT // 2),
            (Scope.COHORT, "db", COUNT // 2),
            (Scope.MODEL, "sha256:m", COUNT),
        ):
            self.memory.guards.hosts[scope, key] = count
        self._approvals: dict[ActionId, set[str]] = {}

    def propose(self, made: Action) -> None:
        self.memory.actions.add(made)

    def storm(self, number: int) -> None:
        del number

    def gather(self) -> int:
        return 0

    def held(self, tenant: TenantId, action: ActionId, /) -> Evidence | None:
        assert tenant == TENANT
        return self._bundles.get(action)

    def approve(self, made: Action, who: str) -> None:
        if who == made.proposed_by:
            return
        given = self._approvals.setdefault(made.id, set())
        given.add(who)
        if len(given) >= made.approvals:
            to = ActionState.APPROVED
            if self.clock.now() > made.expires_at:
                to = ActionState.EXPIRED
            self.memory.actions.advance(TENANT, made.id, to, actor=who)

    def throw(self, *, everyone: bool) -> None:
        self.memory.guards.switch = Switch(
            tenant=None if everyone else TENANT,
            thrown_at=self.clock.now(),
            thrown_by="user:ada",
            reason="stop",
        )

    def lift(self) -> None:
        self.memory.guards.switch = None

    def reset(self) -> None:
        self.memory.guards.reset(self.clock.now())

    def close(self) -> None:
        incident = msgspec.structs.replace(
            an_incident(),
            state=IncidentState.CLOSED,
            resolution=Resolution.FALSE_POSITIVE,
            closed_by="user:ann",
            closed_at=self.clock.now(),
        )
        self.memory.incidents.put(incident)
        self.memory.outbox.post("incident.closed", TENANT, INCIDENT.id)

    def reopen(self) -> None:
        self.memory.incidents.put(an_incident())

    def revoke(self, number: int) -> None:
        self.memory.hosts.revoke(host(number), self.clock.now())
        hosts = self.memory.guards.hosts
        hosts[Scope.TENANT, ""] -= 1
        hosts[Scope.COHORT, cohort(number)] -= 1
        hosts[Scope.MODEL, "sha256:m"] -= 1
        self.memory.outbox.post("host.revoked", TENANT, host(number))

    def dismiss(self, who: str) -> None:
        raise AssertionError(f"{who} is nobody here")

    def quiet(self, number: int, kind: SilenceKind, until: datetime) -> None:
        made = Silence(
            id=f"quiet-{len(self.memory.silences.given)}",
            tenant=TENANT,
            kind=kind,
            scope=SilenceScope(host=host(number)),
            starts_at=self.clock.now(),
            ends_at=until,
            owner="user:ada",
            reason="new disks",
            created_at=self.clock.now(),
        )
        self.memory.silences.given.append(made)

    def end_quiet(self) -> None:
        now, given = self.clock.now(), self.memory.silences.given
        given[:] = [
            msgspec.structs.replace(one, ended_at=now)
            if one.starts_at <= now < one.ends_at
            else one
            for one in given
        ]

    def fleet_wide(self) -> bool:
        return False

    def deliver(self, number: int, command: CommandId, digest: str) -> None:
        told = self.memory.commands.get(TENANT, command)
        if told.host != host(number):
            raise NotFound(f"no command {command}")
        made = a_bundle(told.action, number, command, digest, self.clock.now())
        self._bundles.setdefault(told.action, made)

    def actions(self) -> list[Action]:
        return self.memory.actions.all()

    def pending(self, number: int) -> list[Command]:
        blobs = self.memory.commands.pending(TENANT, host(number), self.clock.now())
        return [verify_command(blob, KEY.public) for _, blob in blobs]

    def answer(self, number: int, result: CommandResult) -> None:
        if self.memory.commands.get(TENANT, result.command).host != host(number):
            raise NotFound(f"no command {result.command}")
        self.memory.commands.record(TENANT, result)

    def get(self, tenant: TenantId, ident: HostId, /) -> Host:
        return Host(
            tenant=tenant,
            id=ident,
            hostname="h",
            status_since=START,
            interval=60.0,
            enrolled_at=START,
        )

    def waiting(self) -> int:
        return self.memory.outbox.waiting()

    def end(self) -> None:
        self._folder.cleanup()
