"""How incidents of many hosts are made one: what the store shows of a tenant, and what is to become of it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from vedette.core.action import Action
from vedette.core.ids import ActionId, HostId, IncidentId, TenantId
from vedette.core.incident import Incident, IncidentEvent
from vedette.core.record import Record
from vedette.core.verdict import Severity

__all__ = ["DIGEST", "GatherPolicy", "Gathered", "Spread", "Storm"]

DIGEST: Final = "digest"
"""The trigger of an action that tells of many incidents at once: its parameter `incidents` names them, `more` counts the rest."""


class Storm(Record, frozen=True, kw_only=True):
    """A fleet's incident that is not closed, the incidents of hosts that are part of it, and what told of it."""

    incident: Incident
    members: tuple[Incident, ...]
    told: tuple[Action, ...] = ()


class Spread(Record, frozen=True, kw_only=True):
    """One tenant at the moment `at`.

    `loose` are the open incidents of hosts that are part of nothing; `roles` their hosts' cohorts. `fleet` counts the
    hosts that are watched, `cohorts` those of each role. `waiting` are proposed actions that tell of a host's incident and
    have not begun; `parts` says of those of their incidents that are part of a fleet's, of which. `closed` are the fleets' incidents
    that were closed last, where there is anything to gather.

    Where something waits, `told` are the notifications that began within the last hour, `digests` those of many incidents that
    have not begun; `severities` are of the incidents that are waited with and were told.
    """

    tenant: TenantId
    at: datetime
    fleet: int
    cohorts: dict[str, int]
    roles: dict[HostId, str]
    loose: tuple[Incident, ...] = ()
    storms: tuple[Storm, ...] = ()
    closed: tuple[Incident, ...] = ()
    waiting: tuple[Action, ...] = ()
    parts: dict[IncidentId, IncidentId] = {}
    told: tuple[Action, ...] = ()
    digests: tuple[Action, ...] = ()
    severities: dict[IncidentId, Severity] = {}


class Gathered(Record, frozen=True, kw_only=True):
    """Fleets' incidents as they now are, which hosts' incidents became part of which, and the lines of timelines.

    `refused` names actions that need not be carried out, and why; `actions` are proposed in their place, `grown` are digests
    as they now are.
    """

    incidents: tuple[Incident, ...] = ()
    joined: dict[IncidentId, IncidentId] = {}
    events: tuple[IncidentEvent, ...] = ()
    refused: tuple[tuple[ActionId, str], ...] = ()
    actions: tuple[Action, ...] = ()
    grown: tuple[Action, ...] = ()


GatherPolicy = Callable[[Spread], Gathered]
"""Says what is to be gathered, within the transaction that does it; it must have no effect of its own."""
