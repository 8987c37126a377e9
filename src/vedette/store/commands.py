"""Signed commands on their way to hosts, and what the hosts say became of them."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import (
    ENDED,
    Action,
    ActionState,
    Clock,
    Command,
    CommandId,
    CommandResult,
    HostId,
    InvalidInput,
    NotFound,
    TenantId,
    Verb,
)
from vedette.store.database import Database
from vedette.store.dispatching import EVERYONE
from vedette.store.misdirected import keep_refusal
from vedette.store.rows import columns_of, read, tenant_of, values_of
from vedette.store.schema import ACTIONS, COMMAND_RESULTS, COMMANDS, SWITCHES
from vedette.store.trail import Trail

__all__ = ["Commands"]

_COLUMNS = columns_of(COMMANDS, Command)
_TOLD = {
    ActionState.ACKNOWLEDGED,
    ActionState.SIMULATED,
    ActionState.APPLIED,
    ActionState.VERIFIED,
    ActionState.RELEASED,
    ActionState.CANCELLED,
    ActionState.REFUSED,
    ActionState.FAILED,
}
# What the kill switch lets through.
_UNDOES = (Verb.RELEASE, Verb.CANCEL)


class Commands:
    """A command is given out again and again until its host said a first word of it or its time is over."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(self, command: Command, blob: bytes, *, actor: str = "system:responder") -> None:
        """Keeps a signed command for its host. The same id again is no second effect.

        Raises:
            Conflict: there is no such action or host.
        """
        with self._database.writing() as connection:
            if self._database.insert_new(connection, COMMANDS, values_of(command, blob=blob)):
                Trail(connection, command.tenant, actor, self._clock.now()).audit(
                    "command.issued",
                    command.id,
                    data={
                        "host": command.host,
                        "action": command.action,
                        "kind": command.kind,
                        "dry_run": command.dry_run,
                    },
                )

    def get(self, tenant: TenantId, identifier: CommandId) -> Command:
        """One command.

        Raises:
            NotFound: the tenant has none of this id.
        """
        query = sa.select(*_COLUMNS).where(COMMANDS.c.tenant == tenant, COMMANDS.c.id == identifier)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"no command {identifier}")
        return read(Command, row)

    def of(self, action: Action) -> list[Command]:
        """What its host was told to do about it, oldest first; of an action without a host there is nothing."""
        query = sa.select(*_COLUMNS).where(
            COMMANDS.c.tenant == action.tenant,
            COMMANDS.c.host == action.host,
            COMMANDS.c.action == action.id,
        )
        with self._database.reading() as connection:
            found = connection.execute(query.order_by(COMMANDS.c.issued_at, COMMANDS.c.id))
            return [read(Command, row) for row in found]

    def pending(
        self, tenant: TenantId, host: HostId, now: datetime, *, limit: int = 50
    ) -> list[tuple[CommandId, bytes]]:
        """Signed commands that the host has not answered and whose time is not over, oldest first.

        While the kill switch is thrown, only those that change nothing or undo something. What begins or keeps something is not
        among them once its action has ended or its end was asked for: a clock that was set back must not turn their order.
        """
        which = {"tenant": tenant, "host": host, "now": now, "most": limit}
        with self._database.reading() as connection:
            return [(CommandId(row.id), row.blob) for row in connection.execute(_PENDING, which)]

    def record_result(
        self, result: CommandResult, host: HostId, *, tenant: TenantId | None = None
    ) -> bool:
        """Keeps what the host said. The same state again is no second effect.

        That it refused what is no command of its own is kept in the audit (`command.misdirected`), and raised all the same.
        Give the tenant of the key that signed the request.

        Returns:
            Whether it was news.

        Raises:
            InvalidInput: a state that no host can tell.
            NotFound: the host was given no such command.
        """
        if result.state not in _TOLD:
            raise InvalidInput(f"a host cannot tell that a command is {result.state}")
        now = self._clock.now()
        with self._database.writing() as connection:
            owner = tenant_of(connection, COMMANDS, result.command, tenant)
            which = (COMMANDS.c.tenant == owner, COMMANDS.c.id == result.command)
            command = connection.execute(sa.select(*_COLUMNS).where(*which)).first()
            if command is not None and command.host == host:
                return self._keep_result(connection, result, command, now)
            if result.state is ActionState.REFUSED:
                keep_refusal(
                    self._database,
                    connection,
                    result,
                    by=host,
                    tenant=owner,
                    now=now,
                    known=command,
                )
        # Beyond the transaction: what it kept of this stays.
        raise NotFound(f"no command {result.command}")

    def _keep_result(
        self, connection: sa.Connection, result: CommandResult, command: sa.Row[Any], now: datetime
    ) -> bool:
        owner, host = TenantId(command.tenant), command.host
        row = values_of(result, tenant=owner, received_at=now)
        if not self._database.insert_new(connection, COMMAND_RESULTS, row):
            return False
        connection.execute(
            sa.update(COMMANDS)
            .where(
                COMMANDS.c.tenant == owner,
                COMMANDS.c.id == result.command,
                COMMANDS.c.acknowledged_at.is_(None),
            )
            .values(acknowledged_at=now)
        )
        told: dict[str, Any] = {
            "action": command.action,
            "host": host,
            "state": str(result.state),
        }
        trail = Trail(connection, owner, f"host:{host}", now)
        trail.audit("command.result", result.command, result.detail, told)
        trail.notify("command.result", result.command, told)
        return True

    def results(self, tenant: TenantId, identifier: CommandId) -> list[CommandResult]:
        """What came back, in the order it came."""
        query = (
            sa.select(*columns_of(COMMAND_RESULTS, CommandResult))
            .where(COMMAND_RESULTS.c.tenant == tenant, COMMAND_RESULTS.c.command == identifier)
            .order_by(COMMAND_RESULTS.c.received_at, COMMAND_RESULTS.c.at)
        )
        with self._database.reading() as connection:
            return [read(CommandResult, row) for row in connection.execute(query)]


def _pending() -> sa.Select[Any]:
    """What `Commands.pending` gives, of `tenant`, `host`, `now` and `most`."""
    tenant: sa.BindParameter[str] = sa.bindparam("tenant")
    thrown = sa.exists().where(
        sa.or_(SWITCHES.c.tenant == tenant, SWITCHES.c.tenant == sa.literal(EVERYONE))
    )
    over = sa.or_(ACTIONS.c.state.in_(sorted(ENDED)), ACTIONS.c.recalled_by != "")
    return (
        sa.select(COMMANDS.c.id, COMMANDS.c.blob)
        .join(
            ACTIONS,
            sa.and_(ACTIONS.c.tenant == COMMANDS.c.tenant, ACTIONS.c.id == COMMANDS.c.action),
        )
        .where(
            COMMANDS.c.tenant == tenant,
            COMMANDS.c.host == sa.bindparam("host"),
            COMMANDS.c.acknowledged_at.is_(None),
            COMMANDS.c.expires_at > sa.bindparam("now"),
            sa.or_(
                COMMANDS.c.verb.in_(_UNDOES),
                sa.and_(sa.or_(COMMANDS.c.dry_run, ~thrown), ~over),
            ),
        )
        .order_by(COMMANDS.c.issued_at, COMMANDS.c.id)
        .limit(sa.bindparam("most", type_=sa.Integer))
    )


# Every host that waits asks for it again and again; to put it together each time costs more than to ask it.
_PENDING: Final = _pending()
