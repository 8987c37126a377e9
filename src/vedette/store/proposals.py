"""Proposed actions on their way into the store, with the event, notice and audit row of each."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from vedette.core import Action, AuditEntry
from vedette.store.audit import write_audit
from vedette.store.database import Database
from vedette.store.notice import Notice
from vedette.store.outbox import post
from vedette.store.rows import values_of
from vedette.store.schema import ACTION_EVENTS, ACTIONS
from vedette.store.steps import one_action

__all__ = ["Proposals", "propose"]


class Proposals:
    """Gathers those of one transaction; `write` adds them all at once."""

    def __init__(self, actor: str, now: datetime) -> None:
        self._actor = actor
        self._now = now
        self._actions: list[Action] = []

    def add(self, action: Action) -> None:
        """One whose id is not there yet. What is to be gathered waits from now on, not from when its snapshot was taken."""
        if action.gather_seconds:
            wake_at = self._now + timedelta(seconds=action.gather_seconds)
            action = msgspec.structs.replace(action, wake_at=wake_at)
        self._actions.append(action)

    def write(self, connection: sa.Connection) -> None:
        """Four statements, however many there are; none without any."""
        if not self._actions:
            return
        connection.execute(sa.insert(ACTIONS), [values_of(one) for one in self._actions])
        self.tell(connection)

    def tell(self, connection: sa.Connection) -> None:
        """What is written beside the rows of actions: their first steps, notices and audit."""
        connection.execute(sa.insert(ACTION_EVENTS), [self._step(one) for one in self._actions])
        post(connection, [self._notice(one) for one in self._actions])
        write_audit(connection, [self._entry(one) for one in self._actions])

    def _step(self, action: Action) -> dict[str, Any]:
        return {
            "tenant": action.tenant,
            "action": action.id,
            "at": action.updated_at,
            "state": action.state,
            "actor": self._actor,
            "detail": action.detail,
            "data": {},
        }

    def _notice(self, action: Action) -> Notice:
        return Notice(
            kind="action.proposed",
            tenant=action.tenant,
            subject=action.id,
            data=_told(action),
            at=self._now,
        )

    def _entry(self, action: Action) -> AuditEntry:
        return AuditEntry(
            tenant=action.tenant,
            at=self._now,
            actor=self._actor,
            action="action.proposed",
            subject=action.id,
            reason=action.detail,
            data=_told(action),
        )


def propose(database: Database, now: datetime, action: Action) -> Action:
    """One that a person asked for. What was asked for before under its id is the same request: it has no second effect."""
    proposals = Proposals(action.proposed_by, now)
    proposals.add(action)
    with database.writing() as connection:
        if not database.insert_new(connection, ACTIONS, values_of(action)):
            return one_action(connection, action.tenant, action.id)
        proposals.tell(connection)
    return action


def _told(action: Action) -> dict[str, Any]:
    return {
        "incident": action.incident,
        "host": action.host,
        "kind": action.kind,
        "mode": str(action.mode),
        "dry_run": action.dry_run,
        "state": str(action.state),
        "policy": action.policy,
        "policy_version": action.policy_version,
        "trigger": action.trigger,
        "proposed_by": action.proposed_by,
    }
