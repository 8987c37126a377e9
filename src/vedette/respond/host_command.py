"""What a host does by itself when it is told to: signed commands to it, and what it says became of them.

Every kind that an agent carries out is one of these, with its own schema and its own translation of parameters.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from vedette.core import (
    NOTHING_IN_FORCE,
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
from vedette.respond.held_back import held_back
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
from vedette.respond.renewals import may_last, moment, told_end
from vedette.seal import SigningKey, sign_command

__all__ = ["HostCommand"]

# A command that is still unread after this is about a past that may have changed.
_VALID = timedelta(minutes=15)
# What was carried out just before the end may be told a little after it.
_LATE_ANSWER = timedelta(minutes=2)
# After which a host that refused or failed to undo something is told again: at once, for what was wrong with that one command
# alone, then after this and twice as long each time, up to what a command is valid for.
_AGAIN = timedelta(minutes=1)
_MOST_DOUBLINGS = 4
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
        return Expired(detail=_unfetched(job)) if over else Waiting()

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

    def lasts_until(self, job: Job) -> datetime:
        """Its lease's end; later where a renewal may have made it so.

        Its answer did not come, is not written down yet, or does not say what is in force.
        """
        return self._may_last(job, job.action.attempts)

    def unsettled(self, job: Job) -> bool:
        """Whether one that was answered may have made it longer all the same. The last may be answered yet."""
        known = job.action.lease_until
        return known is not None and self._may_last(job, job.action.attempts - 1) > known

    def _may_last(self, job: Job, newest: int) -> datetime:
        asked = (
            (one, self._said(job, one.id), number < job.action.attempts)
            for number in range(newest, -1, -1)
            if (one := self._find(job, _numbered(job, Verb.RENEW, number))) is not None
        )
        return may_last(job.action.lease_until or job.now, asked)

    def renew(self, job: Job, *, due: bool) -> Outcome:
        """Tells the host to keep its lease for another length; by the time it runs out, the telling has too.

        A host that ended the lease by itself, or was told to by somebody at it, says so of the command that began it.
        """
        if ended := self._said(job, _apply_id(job)).get(S.RELEASED):
            return Released(detail=_words(ended), evidence=ended.data)
        ident = _numbered(job, Verb.RENEW, job.action.attempts)
        if (asked := self._find(job, ident)) is None:
            if not due:
                return Waiting()
            until = min(job.action.lease_until or job.now, job.now + _VALID)
            told = {"lease_seconds": job.renewed_for or job.action.lease_seconds}
            self._issue(job, ident, Verb.RENEW, told, max(until, job.now + timedelta(seconds=1)))
            return Waiting()
        said = self._said(job, ident)
        if gone := _nothing_left(job, said):
            return gone
        if failure := said.get(S.FAILED):
            end = told_end(asked, failure)
            bounded = min(end, _longest(job)) if end else None
            return Failed(detail=_words(failure), data=failure.data, until=bounded)
        return _ending(job, said) or Waiting()

    def recall(self, job: Job) -> Outcome:
        """Tells the host to undo it (a lease) or to call it off (within its grace); again when it did not fetch that, refused or failed."""
        verb = Verb.RELEASE if job.action.leased else Verb.CANCEL
        if self._find(job, _apply_id(job)) is None:
            return Cancelled(detail="the host was not told yet")
        number, last = 0, None
        said: dict[ActionState, CommandResult] = {}
        while (command := self._find(job, _numbered(job, verb, number))) is not None:
            last, said = command, self._said(job, command.id)
            if answer := _undone(job, said):
                return answer
            number += 1
        if last is None or _followed(last, said, number, job.now):
            self._issue(job, _numbered(job, verb, number), verb, {}, job.now + _VALID)
        elif not _not_undone(said):
            return Waiting()
        if why := _not_undone(said):
            return Refused(detail=why)
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


def _unfetched(job: Job) -> str:
    if held := held_back(job):
        return f"the host was not given the command in its time: {held}"
    return "the host did not fetch the command in time"


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
    until = moment(result)
    if until is None:
        return Failed(detail="the host does not say when its lease ends", data=result.data)
    # The clock may have been set back since.
    asked = min(job.action.dispatched_at or job.action.proposed_at, job.now)
    if until < asked:
        words = f"the host says that its lease ended at {until:%Y-%m-%d %H:%M} UTC, before it was asked for; is its clock right?"
        return Failed(detail=words, data=result.data)
    # A host whose clock or word is wrong must not make the lease look longer than it can be.
    return Verified(detail=_words(result), evidence=result.data, until=min(until, _longest(job)))


def _longest(job: Job) -> datetime:
    return job.now + timedelta(seconds=job.action.lease_seconds)


def _undone(job: Job, said: dict[ActionState, CommandResult]) -> Outcome | None:
    """The host's last word on it; None where there is none, or it did not undo it and may have it in force."""
    if gone := _nothing_left(job, said):
        return gone
    if (refusal := said.get(S.REFUSED)) and S.CANCELLED not in said:
        # What was begun with a grace may be over, or done: what came of it is said of the command that began it.
        nothing = _has_nothing(refusal)
        return Refused(detail=_words(refusal), data=refusal.data) if nothing else None
    if S.FAILED in said and S.CANCELLED not in said:
        return None
    return _ending(job, said)


def _not_undone(said: Mapping[ActionState, CommandResult]) -> str:
    """Why that command undid nothing; what an agent was stopped in, or could not do just then, it may do the next time."""
    if refusal := said.get(S.REFUSED):
        return f"the host refuses that, and is told again: {_words(refusal)}"
    if failure := said.get(S.FAILED):
        return f"the host could not undo it, and is told again: {_words(failure)}"
    return ""


def _nothing_left(job: Job, said: dict[ActionState, CommandResult]) -> Outcome | None:
    """That a lease is over, or never began, by its host's own word: commands come in order."""
    if ended := said.get(S.RELEASED):
        return Released(detail=_words(ended), evidence=ended.data)
    refusal = said.get(S.REFUSED)
    if refusal is None or not job.action.leased or not _has_nothing(refusal):
        return None
    return Released(
        detail=f"nothing of it is left at its host: {_words(refusal)}", evidence=refusal.data
    )


def _has_nothing(refusal: CommandResult) -> bool:
    """A host refuses for other reasons, too (a clock that is off, a journal made anew), with a lease in force all the same."""
    return refusal.data.get(NOTHING_IN_FORCE) is True


def _followed(
    last: Command, said: Mapping[ActionState, CommandResult], told: int, now: datetime
) -> bool:
    """Whether the last of so many commands, which undid nothing, is followed by another one now.

    At once where the clock was set back since: how long ago that was can't be told then.
    """
    if now < last.issued_at:
        return True
    if not _not_undone(said):
        return not said and now >= last.expires_at + _LATE_ANSWER
    doublings = min(told - 2, _MOST_DOUBLINGS)
    pause = min(_AGAIN * 2**doublings, _VALID) if told > 1 else timedelta(0)
    return now >= last.issued_at + pause


_ENDINGS: Final[tuple[tuple[ActionState, Callable[[Job, CommandResult], Outcome]], ...]] = (
    (S.RELEASED, lambda _, one: Released(detail=_words(one), evidence=one.data)),
    (S.CANCELLED, lambda _, one: Cancelled(detail=_words(one), data=one.data)),
    (S.FAILED, lambda _, one: Failed(detail=_words(one), data=one.data)),
    (S.REFUSED, lambda _, one: Refused(detail=_words(one), data=one.data)),
    (S.SIMULATED, lambda _, one: Simulated(plan=one.data, detail=one.detail)),
    (S.VERIFIED, _verified),
)
