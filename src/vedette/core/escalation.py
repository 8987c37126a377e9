"""A chain of tiers on its way for one incident, and what the rule that moves it is shown and says."""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from vedette.core.action import Action
from vedette.core.ids import ActionId, IncidentId, TenantId
from vedette.core.incident import Incident, IncidentEvent
from vedette.core.record import Record
from vedette.core.silence import Silence

__all__ = ["Escalated", "Escalating", "Escalation", "EscalationRule", "EscalationState"]


class EscalationState(StrEnum):
    """`running` until somebody acknowledges the incident, it is closed, told of elsewhere, or all tiers were told in vain."""

    RUNNING = "running"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"
    GATHERED = "gathered"
    EXHAUSTED = "exhausted"


class Escalation(Record, frozen=True, kw_only=True):
    """A row that is a timer: at `due_at` the next thing is to be done; None once it has ended.

    `action` started it. `chain` and `tier` (from 0) are where it is, `told` how often that tier was told. `detail` says what
    was done last, or what it waits for.
    """

    id: str
    tenant: TenantId
    incident: IncidentId
    action: ActionId
    chain: str
    state: EscalationState
    started_at: datetime
    due_at: datetime | None
    tier: int = 0
    told: int = 0
    detail: str = ""
    ended_at: datetime | None = None


class Escalating(Record, frozen=True, kw_only=True):
    """What is known when an escalation is due, `at` that moment.

    `action` is the one that started it. `silence` holds news of the incident. `home` is the fleet's incident that it is part of,
    `home_escalated` whether that one has an escalation too.
    """

    run: Escalation
    incident: Incident
    action: Action
    at: datetime
    silence: Silence | None = None
    home: Incident | None = None
    home_escalated: bool = False


class Escalated(Record, frozen=True, kw_only=True):
    """The escalation as it is after that, who is told, and the lines of the incident's timeline."""

    run: Escalation
    actions: tuple[Action, ...] = ()
    events: tuple[IncidentEvent, ...] = ()


EscalationRule = Callable[[Escalating], Escalated]
"""Says what is due, within the transaction that does it; it must have no effect of its own."""
