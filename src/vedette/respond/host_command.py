"""What a host does by itself when it is told to: signed commands to it, and what it says became of them.

Every kind that an agent carries out is one of these, with its own schema and its own translation of parameters.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from vedette.core import (
    Action,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    HostId,
    InvalidInput,
    NotFound,
    Verb,
    derived_id,
)
from vedette.respond.kind import Job, Schema
from vedette.respond.outcome import (
    Acknowledged,
    Applied,
    Cancelled,
    Expired,
    Failed,
    Outcome,
    Refused,
    Released,
    Simulated,
    Verified,
    Waiting,
)
from vedette.respond.ports import Commands
from vedette.seal import SigningKey, sign_command

__all__ = ["HostCommand"]

# A command that is still unread after this is about a past that may have changed.
_VALID = timedelta(minutes=15)
# What was carried out just before the end may be told a little after it.
_LATE_ANSWER = timedelta(minutes=2)
S = ActionState
_EFFECTS: Final = (S.APPLIED, S.VERIFIED)


class HostCommand:
    """Only the responder's process holds `key`; hosts know its public half from their enrolment.

    `told` gives what the host is told, from the action's checked parameters.
    """

    remote: Final = True
    ends_itself: Final = True

    def __init__(
        self,
        schema: Schema,
        commands: Commands,
        key: SigningKey,
        told: Callable[[Action], dict[str, Any]],
    ) -> None:
        self.schema = schema
        self._commands = commands
        self._key = key
        self._told = told

    def plan(self, job: Job) -> dict[str, Any]:
        """What the host will be told. How it does that is planned by the host, which knows itself.

        Raises:
            InvalidInput: it is not about one host.
        """
        self._host_of(job)
        return self._told(job.action)

    def apply(self, job: Job) -> Outcome:
        """Issues the command, once: its id is derived from the action's."""
        if self._find(job, _apply_id(job)) is None:
            if job.now >= job.action.updated_at + _VALID:
                return Expired(detail="the command could not be issued in time")
            grace = timedelta(seconds=job.action.grace_seconds)
            self._issue(job, _apply_id(job), Verb.APPLY, self.plan(job), job.now + _VALID + grace)
        return Waiting()

    def begun_by(self, job: Job, until: datetime) -> tuple[Command, bytes]:
        """The command that begins it, for a host that is told it by another way; nothing is kept of it here."""
        command = self._command(job, _apply_id(job), Verb.APPLY, self.plan(job), until)
        return command, sign_command(command, self._key)

    def probe(self, job: Job) -> Outcome:
        """What the host said, or that its time is over."""
        command = self._commands.get(job.action.tenant, _apply_id(job))
        said = self._said(job, command.id)
        if ending := _ending(job, said) or self._seen(job, said):
            return ending
        over = job.now >= self._over_at(job, command, said)
        if said:
            if over:
                return Failed(detail="the host took the command and said nothing more")
            first = said.get(S.ACKNOWLEDGED) or next(iter(said.values()))
            if S.APPLIED in said:
                return Applied(detail=_words(said[S.APPLIED]), data=said[S.APPLIED].data)
            return Acknowledged(detail=_words(first), data=first.data)
        return Expired(detail="the host did not fetch the command in time") if over else Waiting()

    def _seen(self, job: Job, said: Mapping[ActionState, CommandResult]) -> Outcome | None:
        """What can be seen of it without the host's word; a kind that can see something says it here."""
        del job, said
        return None

    def _over_at(
        self, job: Job, command: Command, said: Mapping[ActionState, CommandResult]
    ) -> datetime:
        """From when on no more word is waited for."""
        del job, said
        return command.expires_at + _LATE_ANSWER

    def renew(self, job: Job, *, due: bool) -> Outcome:
        """Tells the host to keep its lease for another length; by the time it runs out, the telling has too.

        A host that ended the lease by itself, or was told to by somebody at it, says so of the command that began it.
        """
        if ended := self._said(job, _apply_id(job)).get(S.RELEASED):
            return Released(detail=_words(ended), evidence=ended.data)
        ident = _numbered(job, Verb.RENEW, job.action.attempts)
        if self._find(job, ident) is None:
            if not due:
                return Waiting()
            until = min(job.action.lease_until or job.now, job.now + _VALID)
            told = {"lease_seconds": job.renewed_for or job.action.lease_seconds}
            self._issue(job, ident, Verb.RENEW, told, max(until, job.now + timedelta(seconds=1)))
            return Waiting()
        said = self._said(job, ident)
        if S.RELEASED in said:
            return Released(detail=_words(said[S.RELEASED]), evidence=said[S.RELEASED].data)
        return _ending(job, said) or Waiting()

    def recall(self, job: Job) -> Outcome:
        """Tells the host to undo it (a lease) or to call it off (within its grace), again when it did not fetch that."""
        verb = Verb.RELEASE if job.action.leased else Verb.CANCEL
        if self._find(job, _apply_id(job)) is None:
            return Cancelled(detail="the host was not told yet")
        number = 0
        while (command := self._find(job, _numbered(job, verb, number))) is not None:
            said = self._said(job, command.id)
            if answer := _undone(job, said):
                return answer
            if said or job.now < command.expires_at + _LATE_ANSWER:
                return Waiting()
            number += 1
        self._issue(job, _numbered(job, verb, number), verb, {}, job.now + _VALID)
        return Acknowledged(detail="the host is told to undo it")

    def _host_of(self, job: Job) -> HostId:
        if job.action.host is None:
            raise InvalidInput(f"{self.schema.name} is of one host; this action names none")
        return job.action.host

    def _find(self, job: Job, ident: CommandId) -> Command | None:
        try:
            return self._commands.get(job.action.tenant, ident)
        except NotFound:
            return None

    def _said(self, job: Job, command: CommandId) -> dict[ActionState, CommandResult]:
        return {one.state: one for one in self._commands.results(job.action.tenant, command)}

    def _issue(
        self, job: Job, ident: CommandId, verb: Verb, parameters: dict[str, Any], until: datetime
    ) -> None:
        command = self._command(job, ident, verb, parameters, until)
        self._commands.put(command, sign_command(command, self._key))

    def _command(
        self, job: Job, ident: CommandId, verb: Verb, parameters: dict[str, Any], until: datetime
    ) -> Command:
        return Command(
            id=ident,
            tenant=job.action.tenant,
            host=self._host_of(job),
            action=job.action.id,
            kind=job.action.kind,
            verb=verb,
            parameters=parameters,
            dry_run=job.action.dry_run,
            issued_at=job.now,
            expires_at=until,
            nonce=secrets.token_hex(16),
        )


def _apply_id(job: Job) -> CommandId:
    return CommandId(derived_id("command", job.action.id))


def _numbered(job: Job, verb: Verb, number: int) -> CommandId:
    return CommandId(derived_id("command", job.action.id, verb, number))


def _words(result: CommandResult) -> str:
    return result.detail or f"the host says {result.state}"


def _ending(job: Job, said: dict[ActionState, CommandResult]) -> Outcome | None:
    """What ends the waiting. What came of it in the end outranks what was said of it on the way."""
    for state in _EFFECTS if job.action.dry_run else ():
        if result := said.get(state):
            words = f"the host says {result.state}, but was asked for a dry run"
            return Failed(detail=words, data=result.data)
    for state, outcome in _ENDINGS:
        if result := said.get(state):
            return outcome(job, result)
    return None


def _verified(job: Job, result: CommandResult) -> Outcome:
    if not result.data.get("probe"):
        return Failed(
            detail=f"the host says verified, but no probe saw it: {result.detail}", data=result.data
        )
    if not job.action.leased:
        return Verified(detail=_words(result), evidence=result.data)
    until = _told_end(result)
    if until is None:
        return Failed(detail="the host does not say when its lease ends", data=result.data)
    # The clock may have been set back since.
    asked = min(job.action.dispatched_at or job.action.proposed_at, job.now)
    if until < asked:
        words = f"the host says that its lease ended at {until:%Y-%m-%d %H:%M} UTC, before it was asked for; is its clock right?"
        return Failed(detail=words, data=result.data)
    # A host whose clock or word is wrong must not make the lease look longer than it can be.
    longest = job.now + timedelta(seconds=job.action.lease_seconds)
    return Verified(detail=_words(result), evidence=result.data, until=min(until, longest))


def _told_end(result: CommandResult) -> datetime | None:
    """When a lease ends by the host's word; None where that is no moment at all."""
    try:
        until = datetime.fromisoformat(str(result.data.get("until")))
        return until.astimezone(UTC) if until.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _undone(job: Job, said: dict[ActionState, CommandResult]) -> Outcome | None:
    refusal = said.get(S.REFUSED)
    if refusal and job.action.leased and S.RELEASED not in said:
        # Commands come in order: whatever was in force is not any more, or never was.
        return Released(detail=f"the host has nothing to undo: {_words(refusal)}")
    if failure := said.get(S.FAILED):
        return Failed(detail=f"the host could not undo it: {_words(failure)}", data=failure.data)
    return _ending(job, said)


_ENDINGS: Final[tuple[tuple[ActionState, Callable[[Job, CommandResult], Outcome]], ...]] = (
    (S.RELEASED, lambda _, one: Released(detail=_words(one), evidence=one.data)),
    (S.CANCELLED, lambda _, one: Cancelled(detail=_words(one), data=one.data)),
    (S.FAILED, lambda _, one: Failed(detail=_words(one), data=one.data)),
    (S.REFUSED, lambda _, one: Refused(detail=_words(one), data=one.data)),
    (S.SIMULATED, lambda _, one: Simulated(plan=one.data, detail=one.detail)),
    (S.VERIFIED, _verified),
)
