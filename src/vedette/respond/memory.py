"""Fakes of the ports: rows in a dictionary, with the store's rules. For tests of what responds, not for service."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from vedette.core import (
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Clock,
    Command,
    CommandId,
    CommandResult,
    Conflict,
    Incident,
    IncidentId,
    NotFound,
    Record,
    TenantId,
    may_become,
)

__all__ = ["MemoryNotice", "MemoryPorts"]

_LEASE = timedelta(seconds=30)


class MemoryNotice(Record, frozen=True, kw_only=True):
    """A notice as the outbox gives it."""

    id: str
    kind: str
    tenant: TenantId
    subject: str
    data: dict[str, Any] = {}


class _Outbox:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, MemoryNotice] = {}
        self._leases: dict[str, datetime] = {}
        self._count = 0

    def post(self, kind: str, tenant: TenantId, subject: str) -> None:
        """Adds a notice."""
        self._count += 1
        ident = str(self._count)
        self._rows[ident] = MemoryNotice(id=ident, kind=kind, tenant=tenant, subject=subject)

    def take(self, limit: int) -> list[MemoryNotice]:
        """Claims the oldest for 30 seconds."""
        now = self._clock.now()
        free = [row for row in self._rows.values() if self._leases.get(row.id, now) <= now]
        for row in free[:limit]:
            self._leases[row.id] = now + _LEASE
        return free[:limit]

    def done(self, ids: Iterable[str]) -> None:
        """Forgets them."""
        for ident in ids:
            self._rows.pop(ident, None)

    def waiting(self) -> int:
        """How many are not yet handled."""
        return len(self._rows)


class _Actions:
    def __init__(self, clock: Clock, outbox: _Outbox) -> None:
        self._clock = clock
        self._outbox = outbox
        self._rows: dict[ActionId, Action] = {}
        self._events: dict[ActionId, list[ActionEvent]] = {}

    def add(self, action: Action) -> None:
        """Keeps a proposed action; a known id is left as it is."""
        if action.id not in self._rows:
            self._rows[action.id] = action
            self._events[action.id] = []
            self._outbox.post("action.proposed", action.tenant, action.id)

    def get(self, tenant: TenantId, action: ActionId) -> Action:
        """The action as it now is."""
        found = self._rows.get(action)
        if found is None or found.tenant != tenant:
            raise NotFound(f"no action {action}")
        return found

    def events(self, tenant: TenantId, action: ActionId) -> list[ActionEvent]:
        """Its steps, oldest first."""
        return list(self._events[self.get(tenant, action).id])

    def advance(
        self,
        tenant: TenantId,
        action: ActionId,
        to: ActionState,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState | None = None,
        plan: dict[str, Any] | None = None,
        attempts: int | None = None,
    ) -> Action:
        """One step of the table."""
        before = self.get(tenant, action)
        if expected not in {None, before.state} or not may_become(before.state, to):
            raise Conflict(f"the action is {before.state} and can't become {to}")
        by_person = actor.startswith("user:")
        after = msgspec.structs.replace(
            before,
            state=to,
            detail=detail,
            plan=before.plan if plan is None else plan,
            attempts=before.attempts if attempts is None else attempts,
            decided_by=actor if by_person else before.decided_by,
        )
        if by_person:
            self._outbox.post("action.decided", tenant, action)
        return self._put(after, actor, detail, data)

    def note(
        self,
        tenant: TenantId,
        action: ActionId,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState,
        expected_attempts: int,
        attempts: int,
    ) -> Action:
        """An attempt or its outcome, without a step."""
        before = self.get(tenant, action)
        if (before.state, before.attempts) != (expected, expected_attempts):
            raise Conflict(f"the action is {before.state} after {before.attempts} attempts")
        after = msgspec.structs.replace(before, detail=detail, attempts=attempts)
        return self._put(after, actor, detail, data)

    def due(self, states: Sequence[ActionState], limit: int) -> list[Action]:
        """Longest unchanged first."""
        found = [action for action in self._rows.values() if action.state in states]
        return sorted(found, key=lambda action: (action.updated_at, action.id))[:limit]

    def expired(self, now: datetime) -> list[Action]:
        """Past their time and still waiting for a decision."""
        waiting = (ActionState.PROPOSED, ActionState.AWAITING_APPROVAL)
        return [
            action
            for action in self._rows.values()
            if action.state in waiting and action.expires_at <= now
        ]

    def all(self) -> list[Action]:
        """Every action."""
        return list(self._rows.values())

    def _put(self, action: Action, actor: str, detail: str, data: dict[str, Any] | None) -> Action:
        now = self._clock.now()
        after = msgspec.structs.replace(action, updated_at=now)
        self._rows[action.id] = after
        self._events[action.id].append(
            ActionEvent(
                action=action.id,
                at=now,
                state=after.state,
                actor=actor,
                detail=detail,
                data=data or {},
            )
        )
        return after


class _Commands:
    def __init__(self, outbox: _Outbox) -> None:
        self._outbox = outbox
        self._rows: dict[CommandId, tuple[Command, bytes]] = {}
        self._results: dict[CommandId, list[CommandResult]] = {}

    def put(self, command: Command, blob: bytes) -> None:
        """Keeps it unless it is there already."""
        self._rows.setdefault(command.id, (command, blob))

    def get(self, tenant: TenantId, command: CommandId) -> Command:
        """The command."""
        found = self._rows.get(command)
        if found is None or found[0].tenant != tenant:
            raise NotFound(f"no command {command}")
        return found[0]

    def results(self, tenant: TenantId, command: CommandId) -> list[CommandResult]:
        """In the order they came."""
        return list(self._results.get(self.get(tenant, command).id, []))

    def record(self, tenant: TenantId, result: CommandResult) -> None:
        """What a host said; a second word on the same state is the first one again."""
        known = self._results.setdefault(self.get(tenant, result.command).id, [])
        if all(result.state is not other.state for other in known):
            known.append(result)
            self._outbox.post("command.result", tenant, result.command)

    def all(self) -> list[tuple[Command, bytes]]:
        """Every command with its signed bytes."""
        return list(self._rows.values())


class _Incidents:
    def __init__(self) -> None:
        self._rows: dict[IncidentId, Incident] = {}

    def put(self, incident: Incident) -> None:
        """Keeps the incident as it now is."""
        self._rows[incident.id] = incident

    def get(self, tenant: TenantId, incident: IncidentId) -> Incident:
        """The incident as it now is."""
        found = self._rows.get(incident)
        if found is None or found.tenant != tenant:
            raise NotFound(f"no incident {incident}")
        return found


class MemoryPorts:
    """A fake of everything that respond needs, in memory."""

    def __init__(self, clock: Clock) -> None:
        self.outbox = _Outbox(clock)
        self.actions = _Actions(clock, self.outbox)
        self.commands = _Commands(self.outbox)
        self.incidents = _Incidents()
