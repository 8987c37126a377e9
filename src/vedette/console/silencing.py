"""Silences and maintenance windows by people's hands: the same for the API and the pages."""

from datetime import datetime, timedelta

import msgspec

from vedette.console.asking import named
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    InvalidInput,
    Record,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
)
from vedette.store import BackTest

__all__ = [
    "FalsePositive",
    "NewSilence",
    "end_silence",
    "false_positive",
    "scope_of",
    "silence",
    "would_hold",
]

_BACK = timedelta(days=30)


class NewSilence(Record, frozen=True, kw_only=True):
    """What people ask for. `request` names the request itself, with its times as they were sent; empty: each is another."""

    kind: SilenceKind
    scope: SilenceScope
    starts_at: datetime | None
    ends_at: datetime
    reason: str
    request: str = ""


class FalsePositive(Record, frozen=True, kw_only=True):
    """An incident closed as a false alarm, what is silenced for it, and what that would have held in 30 days."""

    incident: Incident
    silence: Silence
    back_test: BackTest


def silence(console: Console, person: Person, asked: NewSilence) -> Silence:
    """Makes one. What this request made before is given as it is now.

    Raises:
        NotFound: the tenant has no such host.
        InvalidInput: it is about everything, for too long, over already, or says not why.
    """
    if asked.scope.host is not None:
        console.store.hosts.get(person.tenant, asked.scope.host)
    return console.store.silences.create(
        person.tenant,
        asked.scope,
        kind=asked.kind,
        starts_at=asked.starts_at,
        ends_at=asked.ends_at,
        owner=person.actor,
        reason=asked.reason.strip(),
        identifier=named(person, asked.request, asked.kind, _text(asked.scope), asked.reason),
    )


def _text(scope: SilenceScope) -> str:
    return msgspec.json.encode(scope).decode()


def end_silence(console: Console, person: Person, identifier: str, reason: str) -> Silence:
    """Ends it now; what it held is told, where that is still so.

    Raises:
        NotFound: the tenant has none of this id.
        Conflict: it is over.
    """
    return console.store.silences.end(
        person.tenant, identifier, actor=person.actor, reason=reason.strip()
    )


def would_hold(console: Console, incident: Incident) -> BackTest | None:
    """What silencing its causes would have held in the last 30 days; None where it names no cause."""
    if not incident.causes:
        return None
    scope = scope_of(console, incident)
    return console.store.silences.back_test(incident.tenant, scope, console.clock.now() - _BACK)


def scope_of(console: Console, incident: Incident) -> SilenceScope:
    """Exactly its causes, on its host, or of a fleet's on the cohorts of its hosts; no worse than it was."""
    fleet = incident.kind is IncidentKind.FLEET
    return SilenceScope(
        cohorts=console.store.triage.cohorts(incident.tenant, incident.id) if fleet else (),
        host=None if incident.host is None else HostId(incident.host),
        causes=incident.causes,
        severity=max(incident.severity, Severity.LOW, key=lambda one: one.rank),
    )


def false_positive(
    console: Console, person: Person, incident_id: IncidentId, *, reason: str, days: int
) -> FalsePositive:
    """Closes the incident as a false alarm and silences its causes there, in one step; its leases are released.

    Raises:
        NotFound: the tenant has no such incident.
        Conflict: it is closed.
        InvalidInput: it names no cause, so there is nothing to silence; close it as a false positive then.
    """
    incident = console.store.incidents.get(person.tenant, incident_id)
    tested = would_hold(console, incident)
    if tested is None:
        raise InvalidInput("this incident names no cause to silence; close it as false_positive")
    closed, made = console.store.incidents.false_positive(
        person.tenant,
        incident_id,
        person.actor,
        reason.strip() or "a false positive",
        scope=scope_of(console, incident),
        ends_at=console.clock.now() + timedelta(days=days),
    )
    return FalsePositive(incident=closed, silence=made, back_test=tested)
