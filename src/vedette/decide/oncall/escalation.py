"""Moves an escalation on when it is due: who is told, or why nobody is. Pure: the same is due whoever asks."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Chain,
    Escalated,
    Escalating,
    Escalation,
    EscalationState,
    IncidentEvent,
    IncidentState,
    Mode,
    Tier,
    derived_id,
)
from vedette.decide.incidents import ACTOR
from vedette.decide.oncall.book import OnCall

__all__ = ["escalate"]

# How often what waits is looked at again: a silence may end early, and what grew worse may not wait.
_AGAIN = timedelta(minutes=1)
_TELLING = timedelta(days=7)


def escalate(case: Escalating, oncall: OnCall) -> Escalated:
    """What is due. Deterministic, ids included, so that a repeat after a crash tells nobody twice."""
    ended = _over(case)
    if ended is not None:
        return _end(case, case.run, *ended)
    if case.silence is not None:
        held = case.silence
        why = f"waits: {held.kind} {held.id} of {held.owner}: {held.reason}"
        return _wait(case, case.run, held.ends_at, why)
    return _go_on(case, oncall)


def _over(case: Escalating) -> tuple[EscalationState, str] | None:
    """Why nobody need be told any more."""
    one = case.incident
    if one.state is IncidentState.CLOSED:
        return EscalationState.CLOSED, "the incident is closed"
    if one.acknowledged_by:
        return EscalationState.ACKNOWLEDGED, f"acknowledged by {one.acknowledged_by}"
    if case.home is not None and (case.home_escalated or case.home.acknowledged_by):
        return EscalationState.GATHERED, f"incident {case.home.id} is escalated in its place"
    return None


def _go_on(case: Escalating, oncall: OnCall) -> Escalated:
    run, lines = case.run, list[str]()
    for chain, tier, told in _stations(run, oncall):
        run = msgspec.structs.replace(run, chain=chain.name, tier=tier, told=told)
        step = chain.tiers[tier]
        closed = oncall.closed(step.within or chain.within, case.incident.severity, case.at)
        if closed is not None:
            return _wait(case, run, *closed, lines)
        people = dict.fromkeys(oncall.on_duty(name, case.at) for name in step.tell)
        people.pop("", None)
        place = f"tier {tier + 1} of {len(chain.tiers)} of chain {chain.name}"
        if people:
            return _tell(case, run, oncall, step, list(people), place, lines)
        lines.append(f"{place}: nobody is on duty in {', '.join(step.tell)}")
    known = case.run.chain in oncall.chains
    why = "nobody acknowledged it" if known else f"there is no chain {case.run.chain} any more"
    return _end(case, run, EscalationState.EXHAUSTED, why, lines)


def _stations(run: Escalation, oncall: OnCall) -> Iterator[tuple[Chain, int, int]]:
    """The tiers that may come next, in order, each with how often it was told."""
    chain, first, told = oncall.chains.get(run.chain), run.tier, run.told
    while chain is not None:
        for tier in range(first, len(chain.tiers)):
            if told < chain.tiers[tier].times:
                yield chain, tier, told
            told = 0
        chain, first, told = oncall.chains.get(chain.then), 0, 0


def _tell(
    case: Escalating,
    run: Escalation,
    oncall: OnCall,
    step: Tier,
    people: list[str],
    place: str,
    lines: list[str],
) -> Escalated:
    time = f", time {run.told + 1} of {step.times}" if step.times > 1 else ""
    told = f"{place}{time}: {', '.join(people)} by {', '.join(step.by)}"
    actions = tuple(
        _action(case, run, oncall, name, kind, told) for name in people for kind in step.by
    )
    after = msgspec.structs.replace(
        run,
        told=run.told + 1,
        due_at=case.at + timedelta(seconds=step.wait_seconds),
        detail=told,
    )
    return Escalated(run=after, actions=actions, events=_events(case, [*lines, told], "escalated"))


def _action(
    case: Escalating, run: Escalation, oncall: OnCall, name: str, kind: str, told: str
) -> Action:
    began = case.action
    key = (run.id, run.chain, run.tier, run.told, name, kind)
    return Action(
        id=ActionId(derived_id("escalation-action", *key)),
        tenant=run.tenant,
        incident=run.incident,
        host=began.host,
        policy=began.policy,
        policy_version=began.policy_version,
        kind=kind,
        mode=Mode.AUTO,
        dry_run=False,
        state=ActionState.PROPOSED,
        parameters=oncall.people[name].reach[kind],
        trigger="escalated",
        detail=told,
        proposed_at=case.at,
        expires_at=case.at + _TELLING,
        updated_at=case.at,
        about=began.about,
        cohort=began.cohort,
        model=began.model,
    )


def _wait(
    case: Escalating, run: Escalation, until: datetime, why: str, lines: list[str] | None = None
) -> Escalated:
    after = msgspec.structs.replace(run, due_at=min(until, case.at + _AGAIN), detail=why)
    news = [*(lines or ()), *([why] if why != case.run.detail else ())]
    return Escalated(run=after, events=_events(case, news, "held"))


def _end(
    case: Escalating,
    run: Escalation,
    state: EscalationState,
    why: str,
    lines: list[str] | None = None,
) -> Escalated:
    after = msgspec.structs.replace(run, state=state, due_at=None, detail=why, ended_at=case.at)
    told = [*(lines or ()), f"the escalation ended: {why}"]
    return Escalated(run=after, events=_events(case, told, "escalated"))


def _events(case: Escalating, lines: list[str], kind: str) -> tuple[IncidentEvent, ...]:
    return tuple(
        IncidentEvent(incident=case.run.incident, at=case.at, kind=kind, actor=ACTOR, text=line)
        for line in lines
    )
