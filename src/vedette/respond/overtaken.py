"""What is not to be begun, or told, any more because of what happened since it was proposed."""

from datetime import datetime

from vedette.core import Action, ActionState, Incident, IncidentState
from vedette.respond.desk import Desk
from vedette.respond.holding import Holding
from vedette.respond.kind import Job, Lasting
from vedette.respond.leases import unwanted
from vedette.respond.ports import Incidents, Ports
from vedette.respond.registry import Registry
from vedette.respond.revoked import revocation
from vedette.respond.schedule import late

__all__ = ["Overtaken"]

S = ActionState
_BEFORE = frozenset({S.PROPOSED, S.AWAITING_APPROVAL, S.APPROVED})
_UNDECIDED = frozenset({S.PROPOSED, S.AWAITING_APPROVAL})
_NOT_TOLD = frozenset({S.PROPOSED, S.APPROVED, S.DISPATCHED})


class Overtaken:
    """Asked before each step."""

    def __init__(self, ports: Ports, kinds: Registry, desk: Desk, holding: Holding) -> None:
        self._ports = ports
        self._kinds = kinds
        self._desk = desk
        self._holding = holding

    def ends(self, action: Action, now: datetime) -> tuple[ActionState, str] | None:
        """What it becomes instead of what it would have, and why; None while it goes its way."""
        if action.state in _UNDECIDED and now >= action.expires_at:
            return S.EXPIRED, late(action)
        if why := self._refused(action):
            return S.REFUSED, why
        if why := self._called_back(action):
            return S.CANCELLED, why
        return None

    def _refused(self, action: Action) -> str:
        if action.state not in _BEFORE:
            return ""
        kind = self._kinds.get(action.kind)
        if kind is not None and kind.remote and (why := revocation(self._ports.hosts, action)):
            return f"{why}: it can't be told of this any more"
        asked = action.state is not S.AWAITING_APPROVAL
        if asked and (why := self._holding.refuses(action)):
            return why
        on_host = action.disruptive or isinstance(kind, Lasting)
        return unwanted(self._desk.job(action)) if on_host else ""

    def _called_back(self, action: Action) -> str:
        """Of what an escalation tells: why it need not any more; empty while it must, and once it has."""
        if action.trigger != "escalated" or action.state not in _NOT_TOLD:
            return ""
        job = self._desk.job(action)
        why = job.incident and _taken_up(job.incident, self._ports.incidents)
        return f"{why}; {_gone_out(job)}" if why else ""


def _taken_up(incident: Incident, incidents: Incidents) -> str:
    """By whom; of an incident that is part of another by who took up that one, too."""
    if incident.state is IncidentState.CLOSED:
        return f"{incident.closed_by or 'somebody'} closed the incident"
    if incident.acknowledged_by:
        return f"{incident.acknowledged_by} acknowledged the incident"
    if incident.part_of is None:
        return ""
    why = _taken_up(incidents.get(incident.tenant, incident.part_of), incidents)
    return f"{why} {incident.part_of}, of which it is part" if why else ""


def _gone_out(job: Job) -> str:
    """What was told before."""
    if job.action.state is not S.DISPATCHED:
        return "it had not gone out"
    number = job.action.attempts
    if job.events[-1].detail == f"attempt {number}":
        return f"whether attempt {number} went out was not seen"
    had = dict.fromkeys(one for event in job.events for one in event.data.get("accepted", ()))
    told = f"{', '.join(had)} had been told" if had else "it had not gone out"
    return f"{told}; it is not tried again after attempt {number}"
