"""Lets the policies answer an incident of the service itself: a breaker that tripped."""

from datetime import datetime, timedelta

from vedette.core import Action, ActionId, ActionState, Incident, Mode, derived_id
from vedette.decide.policies import PolicySet

__all__ = ["answer_own"]

_TELLING = timedelta(days=7)


def answer_own(incident: Incident, policies: PolicySet, at: datetime) -> tuple[Action, ...]:
    """What every policy that listens to it proposes. The same ids whenever it is asked."""
    return tuple(
        Action(
            id=ActionId(derived_id("own-action", incident.id, policy.name, index)),
            tenant=incident.tenant,
            incident=incident.id,
            host=None,
            policy=policy.name,
            policy_version=policies.version,
            kind=step.kind,
            mode=policy.mode,
            dry_run=step.dry_run,
            state=ActionState.PROPOSED,
            parameters=step.parameters,
            trigger="tripped",
            proposed_at=at,
            expires_at=at
            + (
                timedelta(seconds=policy.guards.approval_seconds)
                if policy.mode is Mode.APPROVE
                else _TELLING
            ),
            updated_at=at,
        )
        for policy in policies.policies
        if "tripped" in policy.on
        for index, step in enumerate(policy.then)
    )
