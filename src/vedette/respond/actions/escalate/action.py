"""Carries out `escalate`. Verified means: the escalation's row is there, so that its timer outlives whoever began it."""

from collections.abc import Callable, Collection
from typing import Any, Final

from vedette.core import Conflict, InvalidInput, TenantId
from vedette.respond.actions.escalate.schema import EscalateSchema
from vedette.respond.kind import Job
from vedette.respond.outcome import Failed, Outcome, Refused, Simulated, Verified
from vedette.respond.ports import Escalations

__all__ = ["Escalate"]


class Escalate:
    """`chains` gives those that a tenant has."""

    remote: Final = False

    def __init__(
        self, escalations: Escalations, chains: Callable[[TenantId], Collection[str]]
    ) -> None:
        self.schema = EscalateSchema()
        self._escalations = escalations
        self._chains = chains

    def plan(self, job: Job) -> dict[str, Any]:
        """The chain.

        Raises:
            InvalidInput: there is no such chain, or nothing to acknowledge.
        """
        chain = str(job.action.parameters["chain"])
        if job.action.incident is None:
            raise InvalidInput("this action answers no incident that somebody could acknowledge")
        if chain not in self._chains(job.action.tenant):
            raise InvalidInput(f"there is no chain {chain!r} in the on-call document")
        return {"chain": chain}

    def apply(self, job: Job) -> Outcome:
        """Begins it; again for the same action begins nothing new."""
        plan = self.plan(job)
        if job.action.dry_run:
            return Simulated(plan=plan)
        try:
            run = self._escalations.start(job.action, plan["chain"])
        except Conflict as error:
            return Refused(detail=error.detail)
        return Verified(
            detail=f"chain {plan['chain']} began",
            evidence={"escalation": run.id, "started_at": run.started_at.isoformat()},
        )

    def probe(self, job: Job) -> Outcome:
        """What is in the store."""
        if job.action.dry_run:
            return Simulated(plan=self.plan(job))
        run = self._escalations.begun_by(job.action.tenant, job.action.id)
        if run is None:
            return Failed(detail="no escalation was begun")
        return Verified(
            detail=f"it began at {run.started_at:%Y-%m-%d %H:%M:%S} UTC",
            evidence={"escalation": run.id, "started_at": run.started_at.isoformat()},
        )
