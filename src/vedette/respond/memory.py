"""Fakes of the ports: rows in a dictionary, with the store's rules. For tests of what responds, not for service."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from vedette.core import (
    ENDED,
    IN_FORCE,
    PEOPLE,
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Clock,
    Command,
    CommandId,
    CommandResult,
    Conflict,
    HostId,
    Incident,
    IncidentId,
    Limits,
    NotFound,
    Reach,
    TenantId,
    Verb,
    may_become,
)
from vedette.respond.memory_guards import MemoryGuards
from vedette.respond.memory_hosts import MemoryHosts
from vedette.respond.memory_outbox import MemoryOutbox
from vedette.respond.memory_silences import MemorySilences

__all__ = ["MemoryPorts"]


class _Actions:
    def __init__(self, clock: Clock, outbox: MemoryOutbox) -> None:
        self._clock = clock
        self._outbox = outbox
        self._rows: dict[ActionId, Action] = {}
        self._events: dict[ActionId, list[ActionEvent]] = {}
        self.guards = MemoryGuards()

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
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """One step of the table."""
        before = self.get(tenant, action)
        if expected not in {None, before.state} or not may_become(before.state, to):
            raise Conflict(f"the action is {before.state} and can't become {to}")
        if to is ActionState.DISPATCHED and before.leased:
            self._refuse_second(before)
        if to is ActionState.AWAITING_APPROVAL and (why := self.reach(before).words):
            detail = f"{detail}; two people must approve it: {why}"
            before = msgspec.structs.replace(before, approvals=max(PEOPLE, before.approvals))
        by_person = actor.startswith("user:")
        after = msgspec.structs.replace(
            before,
            state=to,
            detail=detail,
            plan=before.plan if plan is None else plan,
            attempts=before.attempts if attempts is None else attempts,
            lease_until=lease_until or before.lease_until,
            wake_at=wake_at,
            decided_by=actor if by_person else before.decided_by,
        )
        if by_person:
            self._outbox.post("action.decided", tenant, action)
        return self._put(after, actor, detail, data)

    def dispatch(
        self,
        tenant: TenantId,
        action: ActionId,
        *,
        actor: str,
        expected: ActionState,
        limits: Limits,
    ) -> Action:
        """Begins it within the limits."""
        before = self.get(tenant, action)
        if before.disruptive and not before.dry_run and before.state is expected:
            self.guards.count(before, list(self._rows.values()), limits, self._clock.now())
        begun = self.advance(
            tenant,
            action,
            ActionState.DISPATCHED,
            actor=actor,
            detail="attempt 1",
            expected=expected,
            attempts=1,
        )
        counted = self.guards.after_resets(before, self._clock.now())
        after = msgspec.structs.replace(begun, dispatched_at=counted)
        self._rows[action] = after
        return after

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
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """An attempt or its outcome, without a step."""
        before = self.get(tenant, action)
        if (before.state, before.attempts) != (expected, expected_attempts):
            raise Conflict(f"the action is {before.state} after {before.attempts} attempts")
        after = msgspec.structs.replace(
            before,
            detail=detail,
            attempts=attempts,
            lease_until=lease_until or before.lease_until,
            wake_at=wake_at or before.wake_at,
        )
        return self._put(after, actor, detail, data)

    def recall(self, tenant: TenantId, action: ActionId, *, actor: str, why: str = "") -> Action:
        """Asks for the end of what is in force, once."""
        before = self.get(tenant, action)
        if before.state not in IN_FORCE or before.recalled_by:
            raise Conflict(f"the action is {before.state}, recalled by {before.recalled_by!r}")
        return self._ask_for_end(before, actor, why)

    def recall_harmless(self, incident: Incident) -> None:
        """Asks for the end of all that is to end with an incident that people called harmless."""
        for one in self.going_on(incident.tenant, incident.id):
            if not one.recalled_by and one.ends_as_harmless:
                self._ask_for_end(one, incident.closed_by, incident.harmless)

    def _ask_for_end(self, before: Action, actor: str, why: str) -> Action:
        wake_at = self._clock.now() if before.state in IN_FORCE else before.wake_at
        after = msgspec.structs.replace(
            before, recalled_by=actor, recalled_why=why, wake_at=wake_at
        )
        self._outbox.post("action.recalled", before.tenant, before.id)
        return self._put(after, actor, f"asked for its end: {why}", None)

    def wake(
        self,
        tenant: TenantId,
        action: ActionId,
        *,
        expected: ActionState,
        at: datetime | None,
    ) -> None:
        """When it is to be looked at again, if it is still in this state."""
        before = self.get(tenant, action)
        if before.state is expected:
            self._rows[action] = msgspec.structs.replace(before, wake_at=at)

    def reach(self, action: Action) -> Reach:
        """How far it would reach now."""
        return self.guards.reach(action, self.all(), self._clock.now())

    def going_on(self, tenant: TenantId, incident: IncidentId) -> list[Action]:
        """Those of the incident that have not ended."""
        return [
            one
            for one in self._rows.values()
            if (one.tenant, one.incident) == (tenant, incident) and one.state not in ENDED
        ]

    def of_host(self, tenant: TenantId, host: HostId) -> list[Action]:
        """Those about the host that have not ended."""
        return [
            one
            for one in self._rows.values()
            if (one.tenant, one.host) == (tenant, host) and one.state not in ENDED
        ]

    def awake(self, now: datetime, limit: int) -> list[Action]:
        """Whose time has come, the longest due first."""
        due = [
            (one.wake_at, one.id)
            for one in self._rows.values()
            if one.recallable
            and one.state in IN_FORCE
            and one.wake_at is not None
            and one.wake_at <= now
        ]
        return [self._rows[ident] for _, ident in sorted(due)[:limit]]

    def due(self, states: Sequence[ActionState], limit: int, *, disruptive: bool) -> list[Action]:
        """Longest due first."""
        now = self._clock.now()
        found = [
            (one.wake_at or one.updated_at, one.id)
            for one in self._rows.values()
            if one.state in states and one.disruptive is disruptive and not _sleeps(one, now)
        ]
        return [self._rows[ident] for _, ident in sorted(found)[:limit]]

    def undecided(self, now: datetime, limit: int) -> list[Action]:
        """Past their time and still waiting for a decision."""
        over = [
            (one.expires_at, one.id)
            for one in self._rows.values()
            if one.state in {ActionState.PROPOSED, ActionState.AWAITING_APPROVAL}
            and one.expires_at <= now
        ]
        return [self._rows[ident] for _, ident in sorted(over)[:limit]]

    def keep(self, action: Action, why: str) -> None:
        """Puts it back as it is held; with a step where there is something to say."""
        if why:
            self._put(action, "system:respond", why, None)
        else:
            self._rows[action.id] = action

    def all(self) -> list[Action]:
        """Every action."""
        return list(self._rows.values())

    def _refuse_second(self, action: Action) -> None:
        for other in self._rows.values():
            same = (other.tenant, other.host, other.kind) == (
                action.tenant,
                action.host,
                action.kind,
            )
            if same and other.leased and other.state in IN_FORCE:
                raise Conflict(f"under {action.kind} by {other.id}", kind="lease-in-force")

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


def _sleeps(action: Action, now: datetime) -> bool:
    waits = action.state is ActionState.PROPOSED or (
        action.state is ActionState.DISPATCHED and not action.recallable
    )
    return waits and action.wake_at is not None and action.wake_at > now


class _Commands:
    def __init__(self, outbox: MemoryOutbox, actions: _Actions) -> None:
        self._outbox = outbox
        self._actions = actions
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

    def pending(
        self, tenant: TenantId, host: HostId, now: datetime
    ) -> list[tuple[CommandId, bytes]]:
        """What the host has not answered and may still be given, oldest first."""
        rows = sorted(self._rows.values(), key=lambda row: (row[0].issued_at, row[0].id))
        return [
            (command.id, blob)
            for command, blob in rows
            if (command.tenant, command.host) == (tenant, host)
            and now < command.expires_at
            and not self._results.get(command.id)
            and not self._unwanted(command)
        ]

    def results(self, tenant: TenantId, command: CommandId) -> list[CommandResult]:
        """In the order they came."""
        return list(self._results.get(self.get(tenant, command).id, []))

    def record(self, tenant: TenantId, result: CommandResult) -> None:
        """What a host said; a second word on the same state is the first one again."""
        known = self._results.setdefault(self.get(tenant, result.command).id, [])
        if all(result.state is not other.state for other in known):
            known.append(result)
            self._outbox.post("command.result", tenant, result.command)

    def _unwanted(self, command: Command) -> bool:
        if command.verb not in {Verb.APPLY, Verb.RENEW}:
            return False
        action = self._actions.get(command.tenant, command.action)
        if action.state in ENDED or action.recalled_by:
            return True
        return not command.dry_run and self._actions.guards.thrown(command.tenant) is not None

    def all(self) -> list[tuple[Command, bytes]]:
        """Every command with its signed bytes."""
        return list(self._rows.values())


class _Incidents:
    def __init__(self, actions: _Actions) -> None:
        self._actions = actions
        self._rows: dict[IncidentId, Incident] = {}

    def put(self, incident: Incident) -> None:
        """Keeps the incident as it now is; one that people have called harmless ends what was done to its host."""
        self._rows[incident.id] = incident
        if incident.harmless:
            self._actions.recall_harmless(incident)

    def get(self, tenant: TenantId, incident: IncidentId) -> Incident:
        """The incident as it now is."""
        found = self._rows.get(incident)
        if found is None or found.tenant != tenant:
            raise NotFound(f"no incident {incident}")
        return found


class MemoryPorts:
    """A fake of everything that respond needs, in memory."""

    def __init__(self, clock: Clock) -> None:
        self.outbox = MemoryOutbox(clock)
        self.actions = _Actions(clock, self.outbox)
        self.guards = self.actions.guards
        self.commands = _Commands(self.outbox, self.actions)
        self.incidents = _Incidents(self.actions)
        self.hosts = MemoryHosts(clock)
        self.silences = MemorySilences(
            clock, self._incident_of, self.actions.get, self.actions.keep
        )

    def _incident_of(self, action: Action) -> Incident | None:
        if action.incident is None:
            return None
        return self.incidents.get(action.tenant, action.incident)
