"""Leases that the responder itself puts in force and undoes, through a cloud's API: no agent and no host takes part.

What was there before is on disk before anything is changed. Nothing in a cloud ends by itself, so the lease's end is the
responder's to bring about, from rows that outlive it.
"""

from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from vedette.core import ActionState, InvalidInput, NotFound, Unavailable, VedetteError
from vedette.respond.kind import Job, Schema
from vedette.respond.outcome import (
    Applied,
    Cancelled,
    Failed,
    Outcome,
    Prepared,
    Released,
    Retry,
    Simulated,
    Verified,
    Waiting,
)

__all__ = ["CloudLease", "Measure", "dispatched_at", "simulated", "was_put"]

# What could not be done by then would answer a past that may have changed.
_VALID = timedelta(minutes=15)
_FORMER: Final = "former"
_PUT: Final = frozenset({ActionState.ACKNOWLEDGED, ActionState.APPLIED, ActionState.VERIFIED})


class Measure(Protocol):
    """One thing that can be done through an API and undone. Unavailable may pass; every other error stays."""

    @property
    def lacks(self) -> str:
        """What must be installed or set before anything can be done; empty if nothing."""

    @property
    def settles(self) -> timedelta:
        """How long it may take to be seen after the change."""

    def look(self, job: Job) -> dict[str, Any]:
        """Finds what it is about, whether it may be touched, and what must be put back; plain JSON, without any effect."""

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What would be changed, and what the API says about being allowed to; without any effect."""

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Makes the change. A repeat finds what is done and does the rest."""

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Reads back that it is in force.

        Raises:
            Conflict: it is not, or not all of it.
        """

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Puts back what the action changed and nothing else, and reads that back. A repeat finds nothing to do."""


class CloudLease:
    """A lease over a measure."""

    remote: Final = False
    ends_itself: Final = False

    def __init__(self, schema: Schema, measure: Measure) -> None:
        self.schema = schema
        self._measure = measure

    def plan(self, job: Job) -> dict[str, Any]:
        """Which host; the rest needs the network and is found by a dry run.

        Raises:
            InvalidInput: it is not about one host, or something must be set or installed first.
        """
        if job.action.host is None:
            raise InvalidInput(f"{self.schema.name} is of one host; this action names none")
        if self._measure.lacks:
            raise InvalidInput(f"{self.schema.name}: {self._measure.lacks}")
        return {"host": job.action.host, **job.action.parameters}

    def apply(self, job: Job) -> Outcome:
        """First says what is there before; with that on disk, changes it and reads it back."""
        try:
            if job.action.dry_run:
                return Simulated(plan=self._measure.plan(job, self._measure.look(job)))
            if job.now >= dispatched_at(job) + _VALID:
                return Failed(detail=f"could not be done in time: {job.action.detail}")
            former = _former(job)
            if former is None:
                data = {_FORMER: self._measure.look(job)}
                return Prepared(detail="noted what is there before", data=data)
            return self._put(job, former)
        except Unavailable as error:
            return Retry(detail=error.detail)
        except VedetteError as error:
            return Failed(detail=error.detail)

    def probe(self, job: Job) -> Outcome:
        """What the API shows by now."""
        if job.action.dry_run:
            return simulated(job)
        try:
            return self._verified(job, None)
        except Unavailable as error:
            if job.now < dispatched_at(job) + _VALID:
                return Waiting()
            return Failed(detail=f"could not be seen in time: {error.detail}")
        except VedetteError as error:
            if job.now < job.action.updated_at + self._measure.settles:
                return Waiting()
            return Failed(detail=error.detail)

    def lasts_until(self, job: Job) -> None:
        """Nothing ends it but an undoing."""
        del job

    def unsettled(self, job: Job) -> bool:
        """It never ends by itself."""
        del job
        return False

    def renew(self, job: Job, *, due: bool) -> Outcome:
        """Goes on for as long as what is read back is in force whole; what somebody else took away is not put back."""
        if not due:
            return Waiting()
        try:
            return self._verified(job, job.now + timedelta(seconds=job.renewed_for))
        except VedetteError as error:
            return Retry(detail=error.detail)

    def recall(self, job: Job) -> Outcome:
        """Puts back what was there before; again and again for as long as an attempt may still make the change."""
        former, evidence = _former(job), {}
        try:
            if former is not None:
                evidence = self._measure.restore(job, former)
        except VedetteError as error:
            return Failed(detail=error.detail)
        if job.under_way:
            return Waiting()
        if former is None:
            return Cancelled(detail="nothing was changed")
        return Released(detail="all that it changed is as before", evidence=evidence)

    def _put(self, job: Job, former: dict[str, Any]) -> Outcome:
        """What fails in the middle and may work later is put back meanwhile; what will not, the responder undoes."""
        try:
            self._measure.put(job, former)
        except Unavailable as error:
            try:
                self._measure.restore(job, former)
            except VedetteError as second:
                words = f"{error.detail}; not all could be put back: {second.detail}"
                raise Unavailable(words) from error
            raise Unavailable(f"{error.detail}; all is as before") from error
        return Applied(detail="changed; to be read back")

    def _verified(self, job: Job, until: datetime | None) -> Verified:
        former = _former(job)
        if former is None:
            raise NotFound("nothing shows what was there before")
        evidence = self._measure.seen(job, former)
        return Verified(detail="seen in force", evidence=evidence, until=until)


def dispatched_at(job: Job) -> datetime:
    """When it began."""
    return job.action.dispatched_at or job.action.updated_at


def was_put(job: Job) -> bool:
    """Whether a row says that its change was made, so that what looks like it is no chance."""
    return any(event.state in _PUT for event in job.events)


def simulated(job: Job) -> Simulated:
    """What the dry run found, as its acknowledged step has it."""
    found: dict[str, Any] = next(
        (event.data for event in job.events if event.state is ActionState.ACKNOWLEDGED), {}
    )
    return Simulated(plan=found)


def _former(job: Job) -> dict[str, Any] | None:
    for event in job.events:
        if event.state is ActionState.DISPATCHED and _FORMER in event.data:
            found: dict[str, Any] = event.data[_FORMER]
            return found
    return None
