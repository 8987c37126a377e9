"""Carries out `quarantine`: a signed command to the host, then what the host says became of it."""

import secrets
from datetime import timedelta
from typing import Any, Final

from vedette.core import (
    ActionState,
    Command,
    CommandId,
    CommandResult,
    InvalidInput,
    NotFound,
    derived_id,
)
from vedette.respond.actions.quarantine.schema import QuarantineSchema
from vedette.respond.kind import Job
from vedette.respond.outcome import (
    Acknowledged,
    Expired,
    Failed,
    Outcome,
    Refused,
    Simulated,
    Waiting,
)
from vedette.respond.ports import Commands
from vedette.seal import SigningKey, sign_command

__all__ = ["Quarantine"]

# A command that is still unread after this is about a past that may have changed.
_VALID = timedelta(minutes=15)
# What was carried out just before the end may be told a little after it.
_LATE_ANSWER = timedelta(minutes=2)
_ENDINGS = (
    ActionState.SIMULATED,
    ActionState.APPLIED,
    ActionState.VERIFIED,
    ActionState.REFUSED,
    ActionState.FAILED,
)


class Quarantine:
    """Only the responder's process holds `key`; hosts know its public half from their enrolment."""

    remote: Final = True

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        self.schema = QuarantineSchema()
        self._commands = commands
        self._key = key

    def plan(self, job: Job) -> dict[str, Any]:
        """What the host will be told. The ruleset itself is planned by the host, which knows its addresses.

        Raises:
            InvalidInput: it is not a dry run, or not about one host.
        """
        if job.action.host is None:
            raise InvalidInput("a quarantine is of one host; this action names none")
        if not job.action.dry_run:
            raise InvalidInput("this version only simulates a quarantine")
        return {
            "lease_seconds": job.action.parameters["lease"],
            "exceptions": [
                {"address": network, "direction": direction, "protocol": protocol}
                for network in job.action.parameters["allow"]
                for direction in ("out", "in")
                for protocol in ("tcp", "udp")
            ],
        }

    def apply(self, job: Job) -> Outcome:
        """Issues the command, once: its id is derived from the action's."""
        ident, host = _command_id(job), job.action.host
        if host is None:
            return Failed(detail="a quarantine is of one host; this action names none")
        try:
            self._commands.get(job.action.tenant, ident)
        except NotFound:
            if job.now >= job.action.updated_at + _VALID:
                return Expired(detail="the command could not be issued in time")
            command = Command(
                id=ident,
                tenant=job.action.tenant,
                host=host,
                action=job.action.id,
                kind=job.action.kind,
                parameters=self.plan(job),
                dry_run=True,
                issued_at=job.now,
                expires_at=job.now + _VALID,
                nonce=secrets.token_hex(16),
            )
            self._commands.put(command, sign_command(command, self._key))
        return Waiting()

    def probe(self, job: Job) -> Outcome:
        """What the host said, or that its time is over."""
        command = self._commands.get(job.action.tenant, _command_id(job))
        results = self._commands.results(job.action.tenant, command.id)
        ending = next((result for result in results if result.state in _ENDINGS), None)
        if ending is not None:
            return _outcome(ending)
        over = job.now >= command.expires_at + _LATE_ANSWER
        if results:
            if over:
                return Failed(detail="the host took the command and said nothing more")
            return Acknowledged(detail=results[0].detail or "the host has it", data=results[0].data)
        return Expired(detail="the host did not fetch the command in time") if over else Waiting()


def _command_id(job: Job) -> CommandId:
    return CommandId(derived_id("command", job.action.id))


def _outcome(result: CommandResult) -> Outcome:
    if result.state is ActionState.SIMULATED:
        return Simulated(plan=result.data, detail=result.detail)
    if result.state is ActionState.REFUSED:
        return Refused(detail=result.detail or "the host refused", data=result.data)
    if result.state is ActionState.FAILED:
        return Failed(detail=result.detail or "the host failed", data=result.data)
    return Failed(
        detail=f"the host says {result.state}, but was asked for a dry run", data=result.data
    )
