"""Which of an action's approvals count: those of people whose token still opens anything."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import Action, ActionId, Conflict, Record, TenantId
from vedette.store.schema import APPROVALS, TOKENS

__all__ = ["Weighed", "drop_void", "refuse_void", "weigh"]

_USER: Final = "user:"


class Weighed(Record, frozen=True, kw_only=True):
    """`approved`: who has, in order. `void`: whose approvals do not count any more, each with a sentence that says why."""

    approved: tuple[str, ...]
    void: dict[str, str]

    @property
    def given(self) -> list[str]:
        """Whose count, in order."""
        return [actor for actor in self.approved if actor not in self.void]


def weigh(connection: sa.Connection, which: tuple[TenantId, ActionId], now: datetime) -> Weighed:
    """A person is a token's name. One whose token ended and who has another since must approve again with that."""
    approvals = connection.execute(
        sa.select(APPROVALS.c.actor, APPROVALS.c.at)
        .where(APPROVALS.c.tenant == which[0], APPROVALS.c.action == which[1])
        .order_by(APPROVALS.c.at, APPROVALS.c.actor)
    ).all()
    if not approvals:
        return Weighed(approved=(), void={})
    names = [row.actor.removeprefix(_USER) for row in approvals]
    tokens = connection.execute(
        sa.select(TOKENS.c.name, TOKENS.c.created_at, TOKENS.c.expires_at, TOKENS.c.revoked_at)
        .where(TOKENS.c.tenant == which[0], TOKENS.c.name.in_(names))
        .order_by(TOKENS.c.created_at, TOKENS.c.id)
    ).all()
    void: dict[str, str] = {}
    for row in approvals:
        theirs = [token for token in tokens if f"{_USER}{token.name}" == row.actor]
        if why := _ended(theirs, row.at, now):
            void[row.actor] = f"{row.actor}'s approval does not count any more: {why}"
    return Weighed(approved=tuple(row.actor for row in approvals), void=void)


def drop_void(connection: sa.Connection, action: Action, now: datetime) -> list[str]:
    """Takes away what does not count any more, so that the same person may approve anew, and gives the sentences."""
    void = weigh(connection, (action.tenant, action.id), now).void
    connection.execute(
        sa.delete(APPROVALS).where(
            APPROVALS.c.tenant == action.tenant,
            APPROVALS.c.action == action.id,
            APPROVALS.c.actor.in_(sorted(void)),
        )
    )
    return list(void.values())


def refuse_void(connection: sa.Connection, action: Action, now: datetime) -> None:
    """Raises Conflict where too few approvals are left since some do not count any more."""
    weighed = weigh(connection, (action.tenant, action.id), now)
    if weighed.void and len(weighed.given) < action.approvals:
        raise Conflict("; ".join(weighed.void.values()), kind="approval-void")


def _ended(tokens: Sequence[sa.Row[Any, Any, Any, Any]], at: datetime, now: datetime) -> str:
    """Why nothing stands any more behind what was approved at that time; empty when a token does."""
    over = [one for one in tokens if one.revoked_at is not None or _expired(one, now)]
    if not over or any(one not in over and one.created_at <= at for one in tokens):
        return ""
    return "their token was revoked" if over[-1].revoked_at else "their token has expired"


def _expired(token: sa.Row[Any, Any, Any, Any], now: datetime) -> bool:
    return token.expires_at is not None and token.expires_at <= now
