"""Where a small fleet's actions live in the state machine: the real store on SQLite; the fake ports are driven the same way."""

import atexit
import functools
import os
import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec
from tests.respond.outbreak import turn_abnormal
from tests.respond.world import INCIDENT, START, TENANT, VERDICT

from vedette.core import (
    Action,
    ActionId,
    Command,
    CommandId,
    CommandResult,
    Conflict,
    Evidence,
    Host,
    HostDescription,
    HostId,
    Incident,
    ManualClock,
    NotFound,
    Resolution,
    SilenceKind,
    SilenceScope,
    TenantId,
    verdict_id,
)
from vedette.decide import gather
from vedette.respond import Ports
from vedette.respond.ports import Evidences
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Role, Store

__all__ = [
    "COUNT",
    "KEY",
    "PEOPLE",
    "Stage",
    "StoreStage",
    "a_bundle",
    "an_incident",
    "cohort",
    "host",
    "stage_folder",
]

KEY = SigningKey.generate()
# Thousands of commits need not wait for a disk here; that they do is held by tests/faults/test_synced.py.
_MEMORY = "/dev/shm"
_NO_APPROVAL = {"approved-before", "approval-expired", "own-proposal", "approval-void"}
_PLACE = _MEMORY if os.access(_MEMORY, os.W_OK) else None
COUNT = 12
PEOPLE = ("user:ann", "user:bob", "user:cyd")


def host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


def cohort(number: int) -> str:
    return "web" if number < COUNT // 2 else "db"


def stage_folder() -> tempfile.TemporaryDirectory[str]:
    """For what one run leaves."""
    return tempfile.TemporaryDirectory(prefix="vedette-stage-", dir=_PLACE)


class Stage(Protocol):
    """What people and hosts do to the rows. The incident of `world.INCIDENT` is of the first host.

    `knows_people`: it counts who approved, and how far that reaches. `folder` is for what hosts keep.
    """

    clock: ManualClock
    ports: Ports
    folder: Path
    evidence: Evidences
    knows_people: bool

    def propose(self, made: Action) -> None: ...
    def storm(self, number: int) -> None: ...
    def gather(self) -> int: ...
    def approve(self, made: Action, who: str) -> None: ...
    def throw(self, *, everyone: bool) -> None: ...
    def lift(self) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...
    def reopen(self) -> None: ...
    def revoke(self, number: int) -> None: ...
    def dismiss(self, who: str) -> None: ...
    def quiet(self, number: int, kind: SilenceKind, until: datetime) -> None: ...
    def end_quiet(self) -> None: ...
    def fleet_wide(self) -> bool: ...
    def deliver(self, number: int, command: CommandId, digest: str) -> None: ...
    def actions(self) -> list[Action]: ...
    def pending(self, number: int) -> list[Command]: ...
    def answer(self, number: int, result: CommandResult) -> None: ...
    def get(self, tenant: TenantId, ident: HostId, /) -> Host: ...
    def waiting(self) -> int: ...
    def end(self) -> None: ...


class StoreStage:
    """Over the real store; each begins with a copy of one that was made once. There is one at a time in a process."""

    knows_people = True

    def __init__(self) -> None:
        self._folder = stage_folder()
        self.folder = Path(self._folder.name)
        path, clock, self.store = _shared()
        for left in path.parent.iterdir():
            left.unlink()
        shutil.copy(_made(), path)
        clock.restart()
        self.clock: ManualClock = clock
        self.ports: Ports = self.store
        self.evidence: Evidences = self.store.evidence
        self._seq = 1_000
        self._stormy = False

    def propose(self, made: Action) -> None:
        self._seq += 1
        verdict = msgspec.structs.replace(VERDICT, host=made.host, seq=self._seq)
        verdict = msgspec.structs.replace(verdict, id=verdict_id(verdict.identity))
        self.store.apply([Effect(verdict=verdict, actions=(made,))], actor="system:test")

    def storm(self, number: int) -> None:
        self._stormy = True
        turn_abnormal(
            self.store, 0, COUNT, ident=host, role=cohort, at=self.clock.now(), seq=100_000 + number
        )

    def gather(self) -> int:
        """There is nothing to gather before a storm, and looking for it costs more than a tick."""
        return self.store.incidents.gather(gather) if self._stormy else 0

    def approve(self, made: Action, who: str) -> None:
        try:
            self.store.actions.approve(TENANT, made.id, actor=who, reason="seen")
        except Conflict as error:
            if error.kind not in _NO_APPROVAL:
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

    def reopen(self) -> None:
        self.store.triage.reopen(TENANT, INCIDENT.id, "user:ann", reason="it goes on")

    def revoke(self, number: int) -> None:
        self.store.hosts.revoke(TENANT, host(number), "user:ada", "stolen")

    def dismiss(self, who: str) -> None:
        name = who.removeprefix("user:")
        token = next(one for one in self.store.tokens.list(TENANT).items if one.name == name)
        self.store.tokens.revoke(TENANT, token.id, actor="user:ada", reason="left")

    def quiet(self, number: int, kind: SilenceKind, until: datetime) -> None:
        scope = SilenceScope(host=host(number))
        self.store.silences.create(
            TENANT, scope, kind=kind, ends_at=until, owner="user:ada", reason="new disks"
        )

    def end_quiet(self) -> None:
        for one in self.store.silences.find(TENANT, in_force_only=True).items:
            self.store.silences.end(TENANT, one.id, actor="user:ada")

    def fleet_wide(self) -> bool:
        return self._stormy and self.store.incidents.get(TENANT, INCIDENT.id).part_of is not None

    def deliver(self, number: int, command: CommandId, digest: str) -> None:
        which = self.store.evidence.wanted(TENANT, host(number), command)
        bundle = a_bundle(which, number, command, digest, self.clock.now())
        self.store.evidence.keep(bundle, b"sealed")

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


class StageClock(ManualClock):
    """For one run after another."""

    def restart(self) -> None:
        """All of it begins anew."""
        super().__init__(START)


@functools.cache
def _shared() -> tuple[Path, StageClock, Store]:
    """What reads the file of each run: a store that is made anew compiles all its statements anew, which takes a third of the time."""
    folder = Path(tempfile.mkdtemp(prefix="vedette-stage-", dir=_PLACE))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    clock = StageClock(START)
    return folder / "store.sqlite", clock, Store(f"sqlite:///{folder / 'store.sqlite'}", clock)


@functools.cache
def _made() -> Path:
    """Migrated, with its hosts and one incident; it lies there until the process ends."""
    path = Path(tempfile.mkdtemp(prefix="vedette-stage-")) / "store.sqlite"
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
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
    for who in PEOPLE:
        name = who.removeprefix("user:")
        store.tokens.create(TENANT, name, Role.RESPONDER, f"hash of {name}", None, "user:ada")
    first = msgspec.structs.replace(VERDICT, host=host(0))
    first = msgspec.structs.replace(first, id=verdict_id(first.identity))
    store.apply([Effect(verdict=first, incidents=(an_incident(),))], actor="system:test")
    store.close()
    return path


def an_incident() -> Incident:
    """Of the first host, with what a storm tells, too."""
    return msgspec.structs.replace(INCIDENT, host=host(0), hostname="h0", causes=("cpu",))


def a_bundle(
    action: ActionId, number: int, command: CommandId, digest: str, now: datetime
) -> Evidence:
    """What a host delivered."""
    return Evidence(
        action=action,
        tenant=TENANT,
        host=host(number),
        incident=None,
        command=command,
        digest=digest,
        size=6,
        kid="k",
        sealed_at=now,
        received_at=now,
    )
