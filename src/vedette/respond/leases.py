"""Keeps leases while they are wanted and has them undone when they are not: each look follows from the rows alone."""

from datetime import datetime, timedelta

import structlog
from msgspec import structs

from vedette.core import Action, ActionState
from vedette.respond.held_back import HELD_BACK, LET_THROUGH, held_back
from vedette.respond.kind import Job, Lasting
from vedette.respond.outcome import (
    Acknowledged,
    Cancelled,
    Failed,
    Outcome,
    Refused,
    Released,
    Waiting,
)
from vedette.respond.ports import Actions, Guards
from vedette.respond.schedule import LEASE_SLACK
from vedette.respond.steps import ACTOR, record, record_renewal

__all__ = ["Leases", "unwanted"]

_LOG = structlog.get_logger()
_PAUSE = timedelta(seconds=30)
_MOST_TOLD = 20
_APART = timedelta(minutes=10)  # that the clocks of two responders may differ


class Leases:
    """What the responder does about actions that last."""

    def __init__(self, actions: Actions, guards: Guards) -> None:
        self._actions = actions
        self._guards = guards

    def keep(self, job: Job, kind: Lasting, revoked: str = "") -> Action | None:
        """One step of a verified lease: renewed, released, or over; None while there is nothing to do.

        It is renewed until its time in all is over, the kill switch is thrown, or somebody recalls it, so an attack that is stopped by the lease does
        not end the lease by being silent. `revoked` says that its host can't be told anything any more.
        """
        action, now = job.action, job.now
        until, last = action.lease_until or now, kind.lasts_until(job)
        over = last + LEASE_SLACK if last else until
        if last and (revoked or now >= over):
            return self._out_of_hand(job, revoked, last)
        if action.recalled_by:
            return self.recall(job, kind)
        if kind.unsettled(job):
            # It was to end by itself at what is known, and may not have.
            over = until + LEASE_SLACK
        why = unwanted(job) or (_words(until) if now >= over else "")
        if not (why or last):
            why = _set_back(action, until, now)
        if why:
            return self.end(action, why)
        length = _length(job, until)
        goes_on = now < until and length > 0.0
        thrown = goes_on and self._guards.thrown(action.tenant) is not None
        due = action.wake_at is None or now >= action.wake_at
        after = None
        if last or (goes_on and not thrown):
            asking = structs.replace(job, renewed_for=length)
            asks = due and goes_on and not thrown
            after = record_renewal(self._actions, action, kind.renew(asking, due=asks), now)
        if after is None and due:
            self._sleep(action, min(now + _PAUSE, over) if goes_on else over)
        return after

    def recall(self, job: Job, kind: Lasting) -> Action | None:
        """One step towards the end that somebody asked for; None while the host has not answered, or it can't be undone yet."""
        action = job.action
        if not kind.ends_itself and _waits(action.wake_at, job.now):
            return None
        outcome = kind.recall(job)
        if isinstance(outcome, Released | Cancelled):
            return record(self._actions, action, _end_of(action, outcome), job.now)
        if isinstance(outcome, Refused | Failed):
            self._tell_once(job, f"could not be undone: {outcome.detail}", "recall-failed")
        elif isinstance(outcome, Acknowledged):
            self._tell_once(job, outcome.detail, "recall-sent")
        self._sleep(action, job.now + _PAUSE)
        return None

    def calls_off(self, job: Job, kind: Lasting) -> str:
        """Why what was begun and not yet seen in force is to end now; empty if it may go on.

        The command of a host's lease is held back by itself under the kill switch, and what of it is in force ends there.
        """
        if why := unwanted(job):
            return why
        ends_there = job.action.leased and kind.ends_itself
        if ends_there or (thrown := self._guards.thrown(job.action.tenant)) is None:
            return ""
        return f"{thrown.thrown_by} threw the kill switch: {thrown.reason}"

    def end(self, action: Action, why: str) -> Action:
        """Has its end on disk before it is undone, so that this goes on after a crash, and is not begun again meanwhile."""
        return self._actions.recall(action.tenant, action.id, actor=ACTOR, why=why)

    def undo(self, job: Job, kind: Lasting) -> None:
        """Has undone what may be in force though its action ends, or has ended, without a word of that."""
        outcome = kind.recall(job)
        if isinstance(outcome, Acknowledged):
            _LOG.warning("respond.undoing", action=job.action.id, state=job.action.state)
        elif not isinstance(outcome, Released | Cancelled | Waiting):
            _LOG.error(
                "respond.not_undone", action=job.action.id, detail=getattr(outcome, "detail", "")
            )

    def tell_late(self, action: Action, what: str) -> None:
        """Writes down what an attempt did that was under way when its action ended."""
        self._actions.note(
            action.tenant,
            action.id,
            actor=ACTOR,
            detail=f"an attempt that was under way when this ended: {what}",
            expected=action.state,
            expected_attempts=action.attempts,
            attempts=action.attempts,
        )

    def tell_held_back(self, job: Job) -> None:
        """Writes down that the kill switch holds its command back, and that it does no more."""
        thrown = None if job.action.dry_run else self._guards.thrown(job.action.tenant)
        held = held_back(job)
        if thrown is not None and not held:
            words = f"its command is held back: {thrown.thrown_by} threw the kill switch: {thrown.reason}"
            self._note(job, words, HELD_BACK)
        elif thrown is None and held:
            self._note(job, "its command is given out: the kill switch is lifted", LET_THROUGH)

    def _out_of_hand(self, job: Job, revoked: str, last: datetime) -> Action | None:
        """Over by itself, or to be so, since nobody can tell the host of it. `last` is the latest that it can be."""
        over = last + LEASE_SLACK
        if job.now >= over:
            return record(self._actions, job.action, _by_itself(job.action, last), job.now)
        if job.action.recalled_by:
            words, mark = "it can't be told to release this", "revoked-recall"
        else:
            words, mark = "this is not renewed", "revoked"
        ends = f"it ends there by itself at {last.isoformat(timespec='seconds')}"
        how = "before that, root at the host may end it by `vedette agent release`"
        self._tell_once(job, f"{revoked}: {words}; {ends}; {how}", mark)
        self._sleep(job.action, over)
        return None

    def _tell_once(self, job: Job, detail: str, mark: str) -> None:
        """Once in these words, so that another reason is told too; of reasons that are always other ones, some."""
        told = [event.detail for event in job.events if event.data.get("mark") == mark]
        if detail not in told and len(told) < _MOST_TOLD:
            self._note(job, detail, mark)

    def _note(self, job: Job, detail: str, mark: str) -> None:
        self._actions.note(
            job.action.tenant,
            job.action.id,
            actor=ACTOR,
            detail=detail,
            data={"mark": mark},
            expected=job.action.state,
            expected_attempts=job.action.attempts,
            attempts=job.action.attempts,
        )

    def _sleep(self, action: Action, until: datetime) -> None:
        self._actions.wake(action.tenant, action.id, expected=action.state, at=until)


def _by_itself(action: Action, last: datetime) -> Outcome:
    at = f"at {last.isoformat(timespec='seconds')}"
    if action.lease_until and last > action.lease_until:
        at = f"by {last.isoformat(timespec='seconds')}, if a renewal that failed or was never answered was heard"
    return Released(
        detail=f"its lease ended by itself {at}; the host has not said so",
        evidence={"seen": False},
    )


def _end_of(action: Action, outcome: Released | Cancelled) -> Outcome:
    """What had to be undone before it was ever seen in force has failed, however well it was undone; not what had a grace."""
    if action.recalled_by != ACTOR or action.state is ActionState.VERIFIED or not action.leased:
        return outcome
    data = outcome.evidence if isinstance(outcome, Released) else outcome.data
    return Failed(detail=f"{action.recalled_why}; {outcome.detail}", data=data)


def _words(until: datetime) -> str:
    return f"its lease ended at {until.isoformat(timespec='seconds')}"


def _waits(until: datetime | None, now: datetime) -> bool:
    """Whether the pause is not over. One that is longer than any was begun before the clock was set back."""
    return until is not None and now < until <= now + _PAUSE


def _set_back(action: Action, until: datetime, now: datetime) -> str:
    """Of what only the responder ends: that it has longer to go than any lease of it, so nobody knows how long it has been."""
    if until - now <= timedelta(seconds=action.lease_seconds) + _APART:
        return ""
    return (
        f"the server's clock was set back, so that its lease of {action.lease_seconds:.0f} seconds "
        f"would have lasted until {until.isoformat(timespec='seconds')}"
    )


def unwanted(job: Job) -> str:
    """That people called its incident harmless; empty while nobody did.

    It stays so for what was there when they did, though the incident is open again.
    """
    if job.action.recalled_by:
        return job.action.recalled_why
    return job.incident.harmless if job.incident else ""


def _length(job: Job, until: datetime) -> float:
    """How many seconds a renewal may be for: the lease, or what is left of its time in all; 0 if nothing is."""
    if not job.action.most_seconds:
        return job.action.lease_seconds
    begun = next(
        (event.at for event in job.events if event.state is ActionState.DISPATCHED),
        job.action.proposed_at,
    )
    end = begun + timedelta(seconds=job.action.most_seconds)
    if end <= until:
        return 0.0
    return min(job.action.lease_seconds, (end - job.now).total_seconds())
