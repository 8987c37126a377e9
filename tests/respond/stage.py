"""Where a small fleet's actions live in the state machine: the real store on SQLite, and the fake ports, driven the same way."""

import functools
import shutil
import tempfile
from pathlib import Path
from typing import Protocol

import msgspec
from tests.respond.outbreak import turn_abnormal
from tests.respond.world import INCIDENT, START, TENANT, VERDICT

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Command,
    CommandResult,
    Conflict,
    Host,
    HostDescription,
    HostId,
    Incident,
    IncidentState,
    ManualClock,
    NotFound,
    Resolution,
    Scope,
    Switch,
    TenantId,
    verdict_id,
)
from vedette.decide import gather
from vedette.respond import MemoryPorts, Ports
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Store

__all__ = ["COUNT", "KEY", "MemoryStage", "Stage", "StoreStage", "cohort", "host"]

KEY = SigningKey.generate()
COUNT = 12


def host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


def cohort(number: int) -> str:
    return "web" if number < COUNT // 2 else "db"


class Stage(Protocol):
    """What people and hosts do to the rows. The incident of `world.INCIDENT` is of the first host."""

    clock: ManualClock
    ports: Ports

    def propose(self, made: Action) -> None: ...
    def storm(self, number: int) -> None: ...
    def gather(self) -> int: ...
    def approve(self, made: Action, who: str) -> None: ...
    def throw(self, *, everyone: bool) -> None: ...
    def lift(self) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...
    def actions(self) -> list[Action]: ...
    def pending(self, number: int) -> list[Command]: ...
    def answer(self, number: int, result: CommandResult) -> None: ...
    def get(self, tenant: TenantId, ident: HostId, /) -> Host: ...
    def waiting(self) -> int: ...
    def end(self) -> None: ...


class StoreStage:
    """Over the real store; each begins with a copy of one that was made once."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="vedette-stage-")
        path = Path(self._folder.name) / "store.sqlite"
        shutil.copy(_made(), path)
        self.clock = ManualClock(START)
        self.store = Store(f"sqlite:///{path}", self.clock)
        self.ports: Ports = self.store
        self._seq = 1_000

    def propose(self, made: Action) -> None:
        self._seq += 1
        verdict = msgspec.structs.replace(VERDICT, host=made.host, seq=self._seq)
        verdict = msgspec.structs.replace(verdict, id=verdict_id(verdict.identity))
        self.store.apply([Effect(verdict=verdict, actions=(made,))], actor="system:test")

    def storm(self, number: int) -> None:
        turn_abnormal(
            self.store, 0, COUNT, ident=host, role=cohort, at=self.clock.now(), seq=100_000 + number
        )

    def gather(self) -> int:
        return self.store.incidents.gather(gather)

    def approve(self, made: Action, who: str) -> None:
        try:
            self.store.actions.approve(TENANT, made.id, actor=who, reason="seen")
        except Conflict as error:
            if error.kind not in {"approved-before", "approval-expired"}:
                raise

    def throw(self, *, everyone: bool) -> None:
        self.store.guards.throw(TENANT, actor="user:ada", reason="stop", everyone=everyone)

    def lift(self) -> None:
        for everyone in (False, True):
            try:
                self.store.guards.lift(TENANT, actor="user:ada", reason="on", everyone=everyone)
            except NotFound:
                continue

    def reset(self) -> None:
        for one in self.store.guards.breakers(TENANT, open_only=True):
            self.store.guards.reset(TENANT, one.scope, one.key, actor="user:ada", reason="seen")

    def close(self) -> None:
        self.store.incidents.close(TENANT, INCIDENT.id, "user:ann", Resolution.FALSE_POSITIVE)

    def actions(self) -> list[Action]:
        return list(self.store.actions.find(TENANT, limit=500).items)

    def pending(self, number: int) -> list[Command]:
        blobs = self.store.commands.pending(TENANT, host(number), self.clock.now())
        return [verify_command(blob, KEY.public) for _, blob in blobs]

    def answer(self, number: int, result: CommandResult) -> None:
        self.store.commands.record_result(result, host(number), tenant=TENANT)

    def get(self, tenant: TenantId, ident: HostId, /) -> Host:
        return self.store.hosts.get(tenant, ident)

    def waiting(self) -> int:
        return self.store.outbox.waiting()

    def end(self) -> None:
        self.store.close()
        self._folder.cleanup()


@functools.cache
def _made() -> Path:
    """Migrated, with its hosts and one incident; it lies there until the process ends."""
    path = Path(tempfile.mkdtemp(prefix="vedette-stage-")) / "store.sqlite"
    store = Store(f"sqlite:///{path}", ManualClock(START))
    store.migrate()
    for number in range(COUNT):
        store.hosts.enrol(
            TENANT,
            description=HostDescription(
                id=host(number), hostname=f"h{number}", labels={"role": cohort(number)}
            ),
            kid=f"kid{number}",
            public_key=f"key{number}",
            actor="user:ada",
            host=host(number),
        )
    first = msgspec.structs.replace(VERDICT, host=host(0))
    first = msgspec.structs.replace(first, id=verdict_id(first.identity))
    store.apply([Effect(verdict=first, incidents=(_incident(),))], actor="system:test")
    store.close()
    return path


def _incident() -> Incident:
    return msgspec.structs.replace(INCIDENT, host=host(0), hostname="h0")


class MemoryStage:
    """Over the fake ports, which know no storms and count approvals for nobody."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.memory = MemoryPorts(self.clock)
        self.ports: Ports = self.memory
        self.memory.incidents.put(_incident())
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

    def approve(self, made: Action, who: str) -> None:
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
            _incident(),
            state=IncidentState.CLOSED,
            resolution=Resolution.FALSE_POSITIVE,
            closed_by="user:ann",
            closed_at=self.clock.now(),
        )
        self.memory.incidents.put(incident)
        self.memory.outbox.post("incident.closed", TENANT, INCIDENT.id)

    def actions(self) -> list[Action]:
        return self.memory.actions.all()

    def pending(self, number: int) -> list[Command]:
        blobs = self.memory.commands.pending(TENANT, host(number), self.clock.now())
        return [verify_command(blob, KEY.public) for _, blob in blobs]

    def answer(self, number: int, result: CommandResult) -> None:
        del number
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
        """Nothing is left of it."""
