"""Lets the policies answer hosts that fell silent or are heard again.

When more than ten of a tenant's hosts turn the same way within ten minutes, and they are a tenth of its fleet or thirty,
it is the network that is ill and not they: then one action tells of all of them, and another only when they have become
twice as many.
"""

from datetime import timedelta

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Answer,
    Host,
    HostId,
    InvalidInput,
    Mode,
    Standing,
    StandingHost,
    Turn,
    derived_id,
)
from vedette.decide.condition import Condition, bind_host, bind_time
from vedette.decide.many import is_many
from vedette.decide.policies import PolicySet
from vedette.decide.policy import Policy, Step

__all__ = ["answer"]

_EXAMPLES = 10
_TELLING = timedelta(days=7)


def answer(turn: Turn, policies: PolicySet) -> Answer:
    """What every policy that listens to the turn makes of it. Deterministic, ids included."""
    actions: list[Action] = []
    held: list[tuple[HostId, str]] = []
    for policy, condition in policies.rules:
        if turn.trigger not in policy.on:
            continue
        meant = []
        for host in turn.hosts:
            applies, why = _weigh(turn, policy, condition, host)
            if applies and not why:
                meant.append(host)
            elif why:
                held.append((host.id, f"policy {policy.name}: {why}"))
        actions += _proposals(turn, policies.version, policy, meant)
    return Answer(actions=tuple(actions), held=tuple(held))


def _weigh(turn: Turn, policy: Policy, condition: Condition, host: Host) -> tuple[bool, str]:
    """Whether the policy is about the host, and why it must be held back all the same."""
    try:
        if not condition.holds(
            {
                "trigger": turn.trigger,
                **bind_time(turn.at, policy.timezone),
                **bind_host(host),
            }
        ):
            return False, ""
    except InvalidInput as error:
        return True, f"its condition has no value here ({error.detail})"
    if shield := policy.guards.shields(host.labels):
        return True, f"the host is protected ({shield})"
    last = turn.last.get((host.id, policy.name))
    if last is not None:
        age = (turn.at - last).total_seconds()
        if 0 <= age < policy.guards.cooldown_seconds:
            return True, f"told of it {age / 60:.0f} minutes before, within its cooldown"
    return True, ""


def _proposals(turn: Turn, version: str, policy: Policy, hosts: list[Host]) -> list[Action]:
    if not hosts:
        return []
    if is_many(turn.recent, turn.fleet):
        if turn.recent < 2 * turn.told.get(policy.name, 0):
            return []
        return [
            _action(turn, version, policy, index, None, _standing(turn, hosts, turn.recent))
            for index in range(len(policy.then))
        ]
    return [
        _action(turn, version, policy, index, host, _standing(turn, [host], 1))
        for host in hosts
        for index in range(len(policy.then))
    ]


def _standing(turn: Turn, hosts: list[Host], count: int) -> Standing:
    return Standing(
        count=count,
        fleet=turn.fleet,
        hosts=tuple(
            StandingHost(
                id=host.id,
                hostname=host.hostname,
                last_seen_at=host.last_seen_at,
                silent_since=host.silent_since,
                interval=host.interval,
            )
            for host in hosts[:_EXAMPLES]
        ),
    )


def _action(
    turn: Turn, version: str, policy: Policy, index: int, host: Host | None, about: Standing
) -> Action:
    step: Step = policy.then[index]
    whom = host.id if host else turn.tenant
    key = (turn.trigger, whom, policy.name, index, turn.at.isoformat())
    waits = timedelta(seconds=policy.guards.approval_seconds)
    return Action(
        id=ActionId(derived_id("standing-action", turn.tenant, *key)),
        tenant=turn.tenant,
        incident=None,
        host=host.id if host else None,
        policy=policy.name,
        policy_version=version,
        kind=step.kind,
        mode=policy.mode,
        dry_run=step.dry_run,
        state=ActionState.PROPOSED,
        parameters=step.parameters,
        trigger=turn.trigger,
        proposed_at=turn.at,
        expires_at=turn.at + (waits if policy.mode is Mode.APPROVE else _TELLING),
        updated_at=turn.at,
        about=about,
    )
