"""What a webhook's body says: `vedette.notification/1`, whose schema is docs/notification.schema.json."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from vedette.core import Action, Incident, Reason, Record, Standing
from vedette.respond.kind import Job
from vedette.respond.news import TRIAL, news_of

__all__ = ["body", "notification_schema"]

_MOST_REASONS = 20


class ToldAction(Record, frozen=True, kw_only=True):
    """The action that tells. `trigger` is what happened."""

    id: str
    policy: str
    policy_version: str
    trigger: str


class ToldIncident(Record, frozen=True, kw_only=True):
    """The incident as it stands when it is told. `kind` is host, fleet or breaker; `hosts` is how many it has.

    `returns` is how often it has opened again by itself.
    """

    id: str
    kind: str
    title: str
    state: str
    severity: str
    opened_at: datetime
    last_abnormal_at: datetime
    verdicts: int
    peak_score: float
    hosts: int
    acknowledged_by: str
    resolution: str | None
    returns: int = 0


class ToldHost(Record, frozen=True, kw_only=True):
    """The host that it is about."""

    id: str
    hostname: str


class Told(Record, frozen=True, kw_only=True):
    """`incident` and `host` are null where it is about none; `standing` says which of how many hosts fell silent or came back."""

    schema: Literal["vedette.notification/1"] = "vedette.notification/1"
    tenant: str
    subject: str
    action: ToldAction
    incident: ToldIncident | None = None
    host: ToldHost | None = None
    reasons: tuple[Reason, ...] = ()
    standing: Standing | None = None
    link: str = ""


class Notification(Record, frozen=True, kw_only=True):
    """`type` is incident.TRIGGER, hosts.silent, hosts.heard or trial; `timestamp` is when it was decided to tell."""

    type: str
    timestamp: datetime
    data: Told


def notification_schema() -> dict[str, Any]:
    """The JSON Schema of a body."""
    return msgspec.json.schema(Notification)


def body(job: Job, public_url: str) -> bytes:
    """The request's body, in UTF-8.

    Raises:
        InvalidInput: the action says nothing of what was seen.
    """
    action, incident, news = job.action, job.incident, news_of(job, public_url)
    told = Told(
        tenant=action.tenant,
        subject=news.subject,
        action=ToldAction(
            id=action.id,
            policy=action.policy,
            policy_version=action.policy_version,
            trigger=action.trigger,
        ),
        incident=_incident(incident) if incident else None,
        host=_host(action, incident),
        reasons=incident.reasons[:_MOST_REASONS] if incident else (),
        standing=action.about,
        link=news.link,
    )
    kind = f"incident.{action.trigger}" if incident else f"hosts.{action.trigger}"
    if incident is None and action.trigger == TRIAL:
        kind = TRIAL
    return msgspec.json.encode(Notification(type=kind, timestamp=action.proposed_at, data=told))


def _incident(incident: Incident) -> ToldIncident:
    return ToldIncident(
        id=incident.id,
        kind=incident.kind,
        title=incident.title,
        state=incident.state,
        severity=incident.severity,
        opened_at=incident.opened_at,
        last_abnormal_at=incident.last_abnormal_at,
        verdicts=incident.verdicts,
        peak_score=incident.peak_score,
        hosts=incident.hosts,
        acknowledged_by=incident.acknowledged_by,
        resolution=incident.resolution,
        returns=incident.returns,
    )


def _host(action: Action, incident: Incident | None) -> ToldHost | None:
    if incident is not None:
        return ToldHost(id=incident.host, hostname=incident.hostname) if incident.host else None
    if action.host is None or action.about is None:
        return None
    return ToldHost(id=action.host, hostname=action.about.hosts[0].hostname)
