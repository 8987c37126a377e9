"""Where actions live in tests: the fake ports, and the real store on SQLite, driven the same way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import msgspec
from tests.fixtures.migrated import migrated

from vedette.core import (
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Command,
    CommandResult,
    Epoch,
    HostDescription,
    HostId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    Label,
    ManualClock,
    Mode,
    Reason,
    Resolution,
    Severity,
    Silence,
    TenantId,
    Verdict,
    VerdictId,
    verdict_id,
)
from vedette.respond import MemoryPorts, Ports
from vedette.seal import VerifyKey, verify_command
from vedette.store import Effect, Store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId("default")
HOST = HostId("11111111-1111-4111-8111-111111111111")
INCIDENT = Incident(
    id=IncidentId("22222222-2222-4222-8222-222222222222"),
    tenant=TENANT,
    host=HOST,
    hostname="web-1",
    state=IncidentState.OPEN,
    title="web-1: a new cron job starts a shell",
    severity=Severity.HIGH,
    causes=("cron:x",),
    reasons=(
        Reason(
            expert="inventory",
            subject="cron:x",
            text="A new cron job starts a shell",
            attack="T1053.003",
            observed="* * * * * root /tmp/x",
            expected="no such job",
            share=0.8,
        ),
        Reason(expert="vitals", subject="cpu", text="CPU use is high <b>", share=0.2),
    ),
    opened_at=START,
    first_verdict=VerdictId("v1"),
    last_abnormal_at=START,
    peak_score=0.93,
)
VERDICT = Verdict(
    id=VerdictId("v1"),
    tenant=TENANT,
    host=HOST,
    epoch=Epoch("e1"),
    seq=1,
    taken_at=START,
    decided_at=START,
    label=Label.ABNORMAL,
    score=0.93,
    severity=Severity.HIGH,
)


def action(number: int = 1, **changes: Any) -> Action:
    """A proposed mail, unless told otherwise."""
    given: dict[str, Any] = {
        "id": ActionId(f"33333333-3333-4333-8333-{number:012d}"),
        "tenant": TENANT,
        "incident": INCIDENT.id,
        "host": HOST,
        "policy": "tell",
        "policy_version": "sha256:0",
        "kind": "mail",
        "mode": Mode.AUTO,
        "dry_run": False,
        "state": ActionState.PROPOSED,
        "parameters": {"to": ["ops@example.com"]},
        "proposed_at": START,
        "expires_at": START + timedelta(hours=24),
        "updated_at": START,
    }
    return Action(**(given | changes))


def quarantine(number: int = 1, **changes: Any) -> Action:
    """A proposed dry quarantine."""
    given: dict[str, Any] = {
        "kind": "quarantine",
        "policy": "cut",
        "dry_run": True,
        "lease_seconds": 1800.0,
        "parameters": {"lease": 1800.0, "allow": ["10.0.0.0/8"]},
    }
    return action(number, **(given | changes))


class World(Protocol):
    """What the responder, people and hosts do to the rows."""

    clock: ManualClock
    ports: Ports

    def propose(self, *actions: Action) -> None: ...
    def answer(self, result: CommandResult) -> None: ...
    def commands(self, key: VerifyKey) -> list[Command]: ...
    def waiting(self) -> int: ...
    def close(self, resolution: Resolution) -> None: ...
    def reopen(self) -> None: ...
    def silence(self, made: Silence) -> None: ...


def state(world: World, which: Action) -> ActionState:
    return world.ports.actions.get(which.tenant, which.id).state


def events(world: World, which: Action) -> list[ActionEvent]:
    return list(world.ports.actions.events(which.tenant, which.id))


def states(world: World, which: Action) -> list[str]:
    return [event.state.value for event in events(world, which)]


def decide(world: World, which: Action, to: ActionState, why: str = "") -> None:
    world.ports.actions.advance(
        which.tenant, which.id, to, actor="user:ann", detail=why, expected=state(world, which)
    )


class MemoryWorld:
    """Over the fake ports."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.memory = MemoryPorts(self.clock)
        self.ports: Ports = self.memory
        self.memory.incidents.put(INCIDENT)

    def propose(self, *actions: Action) -> None:
        for each in actions:
            self.memory.actions.add(each)

    def answer(self, result: CommandResult) -> None:
        self.memory.commands.record(TENANT, result)

    def commands(self, key: VerifyKey) -> list[Command]:
        return [verify_command(blob, key) for _, blob in self.memory.commands.all()]

    def waiting(self) -> int:
        return self.memory.outbox.waiting()

    def silence(self, made: Silence) -> None:
        self.memory.silences.given.append(made)

    def close(self, resolution: Resolution) -> None:
        self.memory.incidents.put(
            msgspec.structs.replace(
                INCIDENT,
                state=IncidentState.CLOSED,
                resolution=resolution,
                closed_by="user:ann",
                closed_at=self.clock.now(),
            )
        )
        self.memory.outbox.post("incident.closed", TENANT, INCIDENT.id)

    def reopen(self) -> None:
        self.memory.incidents.put(INCIDENT)


class StoreWorld:
    """Over the real store."""

    def __init__(self, directory: Path) -> None:
        self.clock = ManualClock(START)
        self.store = Store(migrated(directory / "store.sqlite"), self.clock)
        self.ports: Ports = self.store
        self._seq = 0
        self._apply(incidents=(INCIDENT,), events=(_opened(),))

    def propose(self, *actions: Action) -> None:
        self._apply(actions=actions)

    def answer(self, result: CommandResult) -> None:
        self.store.commands.record_result(result, HOST, tenant=TENANT)

    def commands(self, key: VerifyKey) -> list[Command]:
        pending = self.store.commands.pending(TENANT, HOST, self.clock.now())
        return [verify_command(blob, key) for _, blob in pending]

    def waiting(self) -> int:
        return self.store.outbox.waiting()

    def silence(self, made: Silence) -> None:
        self.store.silences.create(
            TENANT,
            made.scope,
            kind=made.kind,
            starts_at=made.starts_at,
            ends_at=made.ends_at,
            owner=made.owner,
            reason=made.reason,
        )

    def close(self, resolution: Resolution) -> None:
        self.store.incidents.close(TENANT, INCIDENT.id, "user:ann", resolution)

    def reopen(self) -> None:
        self.store.triage.reopen(TENANT, INCIDENT.id, "user:bob", reason="it goes on")

    def _apply(self, **changes: Any) -> None:
        self._seq += 1
        later = msgspec.structs.replace(VERDICT, seq=self._seq)
        verdict = msgspec.structs.replace(later, id=verdict_id(later.identity))
        described = HostDescription(id=HOST, hostname="web-1")
        self.store.apply(
            [Effect(verdict=verdict, description=described, **changes)], actor="system:test"
        )


def _opened() -> IncidentEvent:
    return IncidentEvent(
        incident=INCIDENT.id, at=START, kind="opened", actor="system:decide", text="opened"
    )
