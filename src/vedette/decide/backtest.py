"""Runs policies over verdicts of the past: the very functions that decide online, and what the responder would make of it."""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from vedette.core import (
    Action,
    Course,
    Host,
    HostId,
    Incident,
    IncidentId,
    IncidentState,
    Limits,
    Mode,
    Record,
    Resolution,
    Scope,
    Silence,
    Tried,
    Valueless,
    Verdict,
    scopes_of,
)
from vedette.decide.census import Census
from vedette.decide.decision import decide
from vedette.decide.policies import PolicySet
from vedette.decide.returning import HARMLESS
from vedette.decide.situation import Decision, FleetNow, Situation
from vedette.decide.watched import Watched

__all__ = ["Fleet", "Trial", "Word"]

_MOMENT = timedelta(microseconds=1)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NOTHING = Decision()


class Word(Record, frozen=True, kw_only=True):
    """What somebody said of an incident: what it was, by which it was closed; None where it was re-opened."""

    at: datetime
    by: str
    resolution: Resolution | None


class Fleet(Record, frozen=True, kw_only=True):
    """The hosts as they are now, what people said of incidents (by the id that a replay gives them too), and silences.

    Words are in the order of their times.
    """

    hosts: Mapping[HostId, Host]
    said: Mapping[IncidentId, tuple[Word, ...]]
    silences: tuple[Silence, ...] = ()

    def count(self, scope: Scope, key: str) -> int:
        """How many hosts a limit is a share of."""
        if scope is Scope.COHORT:
            return sum(host.labels.get("role", "") == key for host in self.hosts.values())
        return len(self.hosts)


class _Begun(Record, frozen=True, kw_only=True):
    action: Action
    at: datetime
    until: datetime
    lasting: bool


class Trial:
    """Takes a tenant's verdicts in order of their snapshots; `tried` tells what would have come of them.

    `valueless` tells which conditions had no value for some of them.

    Approvals are not guessed: what a policy would have asked people for counts as asked and never begins. A lease lasts its
    time in all, or until people closed its incident as a false alarm or a benign change. Steps of its course begin at whole
    multiples of `step_seconds` in UTC.
    """

    def __init__(self, policies: PolicySet, fleet: Fleet, *, step_seconds: int = 3_600) -> None:
        self._watched = {policy.name: Watched(condition) for policy, condition in policies.rules}
        self._policies = policies.asking(self._watched)
        self._fleet = fleet
        self._situations: dict[HostId, Situation] = {}
        self._census = Census(labels=dict.fromkeys(fleet.hosts))
        self._enrolled = sorted(host.enrolled_at for host in fleet.hosts.values())
        self._begun: list[_Begun] = []
        self._open: set[tuple[Scope, str]] = set()
        self._counts: dict[str, dict[str, int]] = {}
        self._step = step_seconds
        self._courses: dict[tuple[str, datetime, str], Course] = {}
        self._last: dict[IncidentId, datetime] = {}
        self.verdicts = 0
        self.incidents: set[IncidentId] = set()

    def take(self, verdict: Verdict) -> None:
        """One verdict more. One of a host that is no more is passed over."""
        host = self._fleet.hosts.get(verdict.host)
        if host is None:
            return
        self.verdicts += 1
        situation = replace(self._met(verdict, host), fleet=self._fleet_at(verdict))
        decision = decide(verdict, situation, self._policies)
        after = situation.after(decision)
        since = self._policies.actions_since(verdict.taken_at, after.incidents)
        kept = tuple(action for action in after.actions if action.proposed_at >= since)
        self._situations[verdict.host] = replace(after, actions=kept)
        self.incidents.update(incident.id for incident in decision.incidents)
        for action in decision.actions:
            self._act(action, verdict.taken_at)

    def _fleet_at(self, verdict: Verdict) -> FleetNow:
        """The fleet of that moment: the hosts that were enrolled by then."""
        now = self._census.take(verdict)
        enrolled = bisect_right(self._enrolled, verdict.taken_at)
        return replace(now, hosts=max(enrolled, now.abnormal))

    def _met(self, verdict: Verdict, host: Host) -> Situation:
        """How the host stood, with what people had said by then."""
        known = self._situations.get(verdict.host) or Situation(host=host)
        heard = tuple(
            self._heard(one, verdict.taken_at) for one in (*known.incidents, *known.closed)
        )
        situation = Situation(
            host=host, closed=heard, actions=known.actions, silences=self._fleet.silences
        )
        return situation.after(_NOTHING)

    def _heard(self, incident: Incident, at: datetime) -> Incident:
        """It as people left it; each of their words counts once."""
        for word in self._fleet.said.get(incident.id, ()):
            if self._last.get(incident.id, _LONG_AGO) < word.at < at:
                self._last[incident.id] = word.at
                closed = word.resolution is not None
                incident = replace(
                    incident,
                    state=IncidentState.CLOSED if closed else IncidentState.OPEN,
                    quiet_since=incident.quiet_since if closed else None,
                    closed_at=word.at if closed else None,
                    closed_by=word.by if closed else "",
                    resolution=word.resolution,
                )
        return incident

    def tried(self) -> tuple[Tried, ...]:
        """By kind of action, in order of their names."""
        kinds = {
            step.kind: step.disruptive for policy in self._policies.policies for step in policy.then
        }
        return tuple(self._one(kind, disruptive=kinds[kind]) for kind in sorted(kinds))

    def valueless(self) -> tuple[Valueless, ...]:
        """The policies whose conditions had no value for some verdicts, in the order of the text."""
        found = (
            self._watched[policy.name].found(policy, self._policies.lines[policy.name])
            for policy in self._policies.policies
        )
        return tuple(one for one in found if one)

    def _act(self, action: Action, at: datetime) -> None:
        if action.dry_run:
            self._count(action, at, "dry_runs")
        elif action.mode is Mode.OBSERVE:
            return
        elif action.mode is Mode.APPROVE or (action.disruptive and self._cautious(action)):
            self._count(action, at, "asked")
        elif action.disruptive and not self._may(action, at):
            self._count(action, at, "held")
        else:
            self._begun.append(self._begin(action, at))
            self._draw(action, at, "begun")

    def _cautious(self, action: Action) -> bool:
        return not self._open.isdisjoint(scopes_of(action))

    def _may(self, action: Action, at: datetime) -> bool:
        limits = self._policies.limits
        if action.leased and any(
            one.lasting
            and one.until > at
            and (one.action.host, one.action.kind) == (action.host, action.kind)
            for one in self._begun
        ):
            return False
        for scope, key in scopes_of(action):
            if self._acted(action, scope, key, at, limits) + 1 > limits.most(
                scope, self._fleet.count(scope, key)
            ):
                self._open.add((scope, key))
                return False
        return True

    def _acted(self, action: Action, scope: Scope, key: str, at: datetime, limits: Limits) -> int:
        since = at - timedelta(seconds=limits.per_seconds)
        return len(
            {
                one.action.host
                for one in self._begun
                if one.action.disruptive
                and one.action.host != action.host
                and (scope, key) in scopes_of(one.action)
                and (one.at > since or (one.lasting and one.until > at))
            }
        )

    def _begin(self, action: Action, at: datetime) -> _Begun:
        seconds = max(action.most_seconds, action.lease_seconds)
        until = at + (timedelta(seconds=seconds) if action.leased else _MOMENT)
        said = self._said(action, at)
        if said is not None and said.resolution in HARMLESS:
            until = max(at + _MOMENT, min(until, said.at))
        return _Begun(action=action, at=at, until=until, lasting=action.leased)

    def _said(self, action: Action, begun: datetime) -> Word | None:
        """What its incident was first closed as after it began."""
        words = () if action.incident is None else self._fleet.said.get(action.incident, ())
        return next((one for one in words if one.at > begun and one.resolution is not None), None)

    def _count(self, action: Action, at: datetime, what: str) -> None:
        counts = self._counts.setdefault(action.kind, {})
        counts[what] = counts.get(what, 0) + 1
        if what != "dry_runs":
            self._draw(action, at, what)

    def _draw(self, action: Action, at: datetime, what: str) -> None:
        start = at - timedelta(seconds=at.timestamp() % self._step)
        key = (action.policy, start, action.kind)
        known = self._courses.get(key) or Course(policy=action.policy, at=start)
        self._courses[key] = replace(known, **{what: getattr(known, what) + 1})

    def _one(self, kind: str, *, disruptive: bool) -> Tried:
        begun = [one for one in self._begun if one.action.kind == kind]
        wrong = {
            one.action.host
            for one in begun
            if (said := self._said(one.action, one.at)) is not None and said.resolution in HARMLESS
        }
        return Tried(
            kind=kind,
            disruptive=disruptive,
            begun=len(begun),
            hosts=len({one.action.host for one in begun}),
            false_positives=len(wrong),
            at_once=_most_at_once(begun),
            course=tuple(one for key, one in sorted(self._courses.items()) if key[2] == kind),
            **self._counts.get(kind, {}),
        )


def _most_at_once(begun: list[_Begun]) -> int:
    # What ends at a moment is over before what begins at it.
    turns = sorted(
        turn
        for one in begun
        for turn in ((one.at, 1, one.action.id), (one.until, -1, one.action.id))
        if one.lasting
    )
    turns.sort(key=lambda turn: (turn[0], turn[1]))
    now = most = 0
    for _, step, _ in turns:
        now += step
        most = max(most, now)
    return most
