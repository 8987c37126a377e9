"""Lets the policies answer a change of an incident: proposed actions, and a line for every one held back.

`opened` is a standing trigger: from the opening on, each abnormal verdict is asked until the action has been proposed
once for the incident, and once more each time it opens again by itself. So what holds only later (a third snapshot, a higher severity, a cooldown's end) is not missed.
The other triggers are asked once, at the change itself.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    IncidentEvent,
    IncidentState,
    InvalidInput,
    Label,
    Mode,
    Record,
    Verdict,
    derived_id,
)
from vedette.decide.condition import Condition, bind, bind_time
from vedette.decide.incidents import Change, timeline
from vedette.decide.policies import PolicySet
from vedette.decide.policy import Guards, Policy, Step
from vedette.decide.situation import Situation

__all__ = ["Proposal", "propose"]

# How long an action that needs no approval may wait to be carried out: old evidence must not start a disruption.
_ON_HOST_SECONDS = 3_600.0
_TELLING_SECONDS = 7 * 86_400.0


class Proposal(Record, frozen=True, kw_only=True):
    """What the policies make of one change."""

    actions: tuple[Action, ...] = ()
    events: tuple[IncidentEvent, ...] = ()


def propose(
    verdict: Verdict, situation: Situation, change: Change, policies: PolicySet
) -> Proposal:
    """Asks every policy about the change.

    What a guard holds back gets one `guarded` line when something happened to the incident that the policy listens
    to; not one per snapshot.
    """
    if change.incident.state is IncidentState.CLOSED and "closed" not in change.kinds:
        # It stays closed though it was seen again: nobody is told, and nothing done.
        return Proposal()
    values = bind(verdict, change.incident, situation.host, situation.fleet)
    actions: list[Action] = []
    events: list[IncidentEvent] = []
    for policy, condition in policies.rules:
        held: dict[str, None] = {}
        asking = _Asking(condition, values | bind_time(verdict.taken_at, policy.timezone))
        for trigger, ident, step in _due(verdict, situation, change, policy):
            applies, trouble = asking.on(trigger)
            if not applies:
                continue
            why = trouble or _guard(verdict, situation, change, policy, step)
            if why:
                held[why] = None
                continue
            actions.append(
                Action(
                    id=ident,
                    tenant=verdict.tenant,
                    incident=change.incident.id,
                    host=verdict.host,
                    policy=policy.name,
                    policy_version=policies.version,
                    kind=step.kind,
                    mode=policy.mode,
                    dry_run=step.dry_run,
                    state=ActionState.PROPOSED,
                    parameters=step.parameters,
                    trigger=trigger,
                    lease_seconds=step.lease_seconds,
                    most_seconds=step.most_seconds,
                    grace_seconds=step.grace_seconds,
                    disruptive=step.disruptive,
                    cohort=situation.host.labels.get("role", ""),
                    model=verdict.model,
                    approvals=policy.guards.approvals,
                    gather_seconds=0.0 if step.on_host else policy.guards.gather_seconds,
                    proposed_at=verdict.taken_at,
                    expires_at=verdict.taken_at + timedelta(seconds=_patience(policy, step)),
                    updated_at=verdict.taken_at,
                )
            )
        if held and _news(change, policy):
            events.extend(
                timeline(change.incident, verdict, "guarded", f"policy {policy.name}: {why}")
                for why in held
            )
    return Proposal(actions=tuple(actions), events=tuple(events))


def _due(
    verdict: Verdict, situation: Situation, change: Change, policy: Policy
) -> Iterator[tuple[str, ActionId, Step]]:
    """Each step with the first trigger that it has not yet answered."""
    known = {action.id for action in situation.actions}
    triggers: list[tuple[str, str]] = []
    if verdict.label is Label.ABNORMAL and "opened" in policy.on:
        # What opened again by itself is answered as what opened anew.
        again = change.incident.returns
        triggers.append(("opened", f"opened:{again}" if again else "opened"))
    triggers.extend(
        (kind, f"{kind}:{verdict.id}")
        for kind in change.kinds
        if kind in policy.on and kind != "opened"
    )
    for index, step in enumerate(policy.then):
        for trigger, key in triggers:
            ident = ActionId(derived_id("action", change.incident.id, policy.name, index, key))
            if ident not in known:
                yield trigger, ident, step
                break


class _Asking:
    """A condition over one change, evaluated once for each trigger: what all of a text's may cost is reckoned by that."""

    def __init__(self, condition: Condition, values: dict[str, Any]) -> None:
        self._condition = condition
        self._values = values
        self._known: dict[str, tuple[bool, str]] = {}

    def on(self, trigger: str) -> tuple[bool, str]:
        """Whether the policy applies, and what went wrong in asking: a failed condition is told, never taken as false."""
        if trigger not in self._known:
            self._known[trigger] = self._ask({**self._values, "trigger": trigger})
        return self._known[trigger]

    def _ask(self, values: dict[str, Any]) -> tuple[bool, str]:
        try:
            return self._condition.holds(values), ""
        except InvalidInput as error:
            return True, f"its condition has no value here ({error.detail})"


def _guard(
    verdict: Verdict, situation: Situation, change: Change, policy: Policy, step: Step
) -> str:
    """Why the policy must hold this step back, or nothing."""
    guards = policy.guards
    if why := _unconfirmed(verdict, change, guards):
        return why
    if shield := guards.shields(situation.host.labels):
        return f"the host is protected ({shield})"
    if verdict.late and step.on_host:
        return f"{step.kind} can't start on a snapshot that came late"
    for action in situation.actions:
        if (action.policy, action.kind) != (policy.name, step.kind):
            continue
        age = (verdict.taken_at - action.proposed_at).total_seconds()
        if age < guards.cooldown_seconds:
            return f"did {step.kind} {max(age, 0) / 60:.0f} minutes before, within its cooldown"
    return ""


def _unconfirmed(verdict: Verdict, change: Change, guards: Guards) -> str:
    behind = verdict.confirmation
    if guards.lately:
        if behind.abnormal >= guards.confirm or 0 < guards.experts <= behind.experts:
            return ""
        other = f", or {guards.experts} experts that agree" if guards.experts else ""
        return (
            f"waits for {guards.confirm} of ten snapshots abnormal by the same thing{other}; "
            f"{behind.abnormal} of {behind.of} and {behind.experts} so far"
        )
    seen = change.incident.verdicts_since
    return (
        f"waits for {guards.confirm} abnormal snapshots; {seen} so far"
        if seen < guards.confirm
        else ""
    )


def _news(change: Change, policy: Policy) -> bool:
    return (
        not set(policy.on).isdisjoint(change.kinds)
        or change.incident.verdicts_since == policy.guards.confirm
    )


def _patience(policy: Policy, step: Step) -> float:
    if policy.mode is Mode.APPROVE:
        return policy.guards.approval_seconds
    return _ON_HOST_SECONDS if step.on_host else _TELLING_SECONDS
