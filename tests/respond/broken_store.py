"""Ways in which the store could be wrong, each a small patch, and by which words the machine must find it."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from tests.respond.broken_host_life import Break, Patch, replaced

from vedette.core import Action, ActionState
from vedette.store import actions, commands, dispatching, proposals, steps
from vedette.store.actions import Actions
from vedette.store.applying import batch
from vedette.store.database import Database
from vedette.store.rows import values_of
from vedette.store.schema import ACTIONS

__all__ = ["BROKEN_STORE"]

S = ActionState


def _whatever_was_seen(patch: Patch) -> None:
    """Of two that claim an attempt each is given it."""
    note = steps.note

    def lost(database: Database, now: datetime, which: Any, **given: Any) -> Action:
        with database.reading() as connection:
            action = steps.one_action(connection, *which)
        given |= {"expected": action.state, "expected_attempts": action.attempts}
        return note(database, now, which, **given)

    patch.setattr(actions, "note", lost)


def _state_without_its_step(patch: Patch) -> None:
    """What came of it is not beside it."""
    leave = steps._leave_marks

    def partly(connection: Any, action: Action, to: ActionState, *more: Any) -> None:
        if to is not S.VERIFIED:
            leave(connection, action, to, *more)

    patch.setattr(steps, "_leave_marks", partly)


def _timer_gone_first(patch: Patch) -> None:
    """Whoever takes it dies before its effect, and it is lost."""
    awake = Actions.awake

    def taken(self: Actions, now: datetime, limit: int = 100) -> list[Action]:
        found = awake(self, now, limit)
        for one in found:
            self.wake(one.tenant, one.id, expected=one.state, at=None)
        return found

    patch.setattr(Actions, "awake", taken)


def _lease_not_renewed(patch: Patch) -> None:
    """The host's word is written down, and not until when its lease lasts."""
    note = steps.note

    def forgetful(*args: Any, changes: dict[str, Any], **given: Any) -> Action:
        kept = {name: value for name, value in changes.items() if name != "lease_until"}
        return note(*args, changes=kept, **given)

    patch.setattr(actions, "note", forgetful)


def _proposed_anew(patch: Patch) -> None:
    """What is proposed under an id that is there begins once more."""

    def add(self: Any, action: Action) -> None:
        self._proposals.add(action)

    def write(self: proposals.Proposals, connection: sa.Connection) -> None:
        for one in self._actions:
            values = values_of(one)
            key = list(ACTIONS.primary_key.columns)
            statement = insert(ACTIONS).values(values)
            connection.execute(statement.on_conflict_do_update(index_elements=key, set_=values))
        if self._actions:
            self.tell(connection)

    patch.setattr(batch.Batch, "_note_action", add)
    patch.setattr(proposals.Proposals, "write", write)


def _told_all(patch: Patch) -> None:
    """Commands are given out though what they begin is over."""
    query = commands._PENDING
    told = query.with_only_columns(*query.selected_columns)
    told._where_criteria = query._where_criteria[:-1]
    patch.setattr(commands, "_PENDING", told)


BROKEN_STORE: Final = (
    Break(
        name="whatever was seen",
        does=_whatever_was_seen,
        found="again without a crash",
        rare=True,
    ),
    Break(
        name="a state without its step",
        does=_state_without_its_step,
        found="not where its steps led",
    ),
    Break(name="a timer gone first", does=_timer_gone_first, found="it never ended", rare=True),
    Break(
        name="a lease not renewed",
        does=_lease_not_renewed,
        found="before its lease's end as its host told it",
    ),
    Break(name="proposed anew", does=_proposed_anew, found="not where its steps led|a step: "),
    Break(name="told whatever became of it", does=_told_all, found="handed out "),
    Break(
        name="under the kill switch",
        does=replaced(dispatching, "refuse_if_thrown", lambda *_: None),
        found="while the kill switch was thrown",
        rare=True,
    ),
    Break(
        name="past the breaker",
        does=replaced(dispatching, "_exceeded", lambda *_: None),
        found="past the breaker",
        rare=True,
    ),
    Break(
        name="by whom no longer counts",
        does=replaced(dispatching, "refuse_void", lambda *_: None),
        found="too few people",
        rare=True,
    ),
    Break(
        name="fleet-wide by anybody",
        does=replaced(dispatching, "lacking", lambda *_: ""),
        found="by one person's word|without two people",
        rare=True,
    ),
)
