"""What decide is told beside the verdict, and what it gives back."""

from vedette.core import (
    Action,
    Host,
    Incident,
    IncidentEvent,
    IncidentState,
    Record,
    Silence,
)
from vedette.decide.returning import MOST_CLOSED, ended

__all__ = ["Decision", "FleetNow", "Situation"]


class Decision(Record, frozen=True, kw_only=True):
    """What one verdict changes: incidents as they now are, lines of their timelines, newly proposed actions."""

    incidents: tuple[Incident, ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    actions: tuple[Action, ...] = ()


class FleetNow(Record, frozen=True, kw_only=True):
    """How many hosts the tenant has, and on how many of them the last verdict is abnormal."""

    hosts: int = 0
    abnormal: int = 0

    @property
    def share_abnormal(self) -> float:
        """From 0 to 1; 0 of no hosts."""
        return self.abnormal / self.hosts if self.hosts else 0.0


class Situation(Record, frozen=True, kw_only=True):
    """How one host stands before a verdict.

    `incidents` are its open and quiet ones; `actions` all of the host's from `PolicySet.actions_since` on. `host` bears
    the name and labels that the verdict's own snapshot gives, so that every batching and a replay see the same. `fleet`
    counts the verdict itself. `closed` are those of its incidents that were closed last (MOST_CLOSED at most, merged ones are none),
    `silences` those that may be about one of them.
    """

    host: Host
    incidents: tuple[Incident, ...] = ()
    actions: tuple[Action, ...] = ()
    fleet: FleetNow = FleetNow()
    closed: tuple[Incident, ...] = ()
    silences: tuple[Silence, ...] = ()

    def after(self, decision: Decision) -> "Situation":
        """The situation that the next verdict of the same host meets."""
        known = {one.id: one for one in (*self.closed, *self.incidents, *decision.incidents)}
        closed = [one for one in known.values() if one.state is IncidentState.CLOSED]
        closed.sort(key=lambda one: (ended(one), one.id))
        return Situation(
            host=self.host,
            incidents=tuple(one for one in known.values() if one.state is not IncidentState.CLOSED),
            actions=(*self.actions, *decision.actions),
            fleet=self.fleet,
            closed=tuple(closed[-MOST_CLOSED:]),
            silences=self.silences,
        )
