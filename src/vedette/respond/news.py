"""What people are told, and of what: an incident, a host that fell silent or is heard again, or many of them at once."""

from typing import Any, Final

from vedette.core import Action, Incident, InvalidInput, Record, Severity, Standing
from vedette.respond.kind import Job

__all__ = ["TRIAL", "News", "news_of", "one_line"]

TRIAL: Final = "trial"
"""The trigger of what is sent to see whether it arrives."""

_INCIDENT = {
    "opened": "A new incident.",
    "raised": "The incident's severity rose.",
    "grew": "The incident has spread to more hosts.",
    "reopened": "The incident is open again.",
    "quiet": "The host is normal again; the incident stays in view for a while.",
    "closed": "The incident is closed.",
    "escalated": "Nobody has acknowledged this incident yet. Acknowledge it, and nobody else is told.",
    "tripped": "Vedette has stopped acting by itself, and waits for people.",
}
_AGAIN = "An incident that was closed is open again: its cause was seen again."
_GOOD = frozenset({"quiet", "closed", "heard", TRIAL})
_TRIAL = "This is a trial: nothing has happened, and nothing needs to be done."


class News(Record, frozen=True, kw_only=True):
    """`subject` says it on one line, `happened` in a sentence; `reasons` are the weightiest first, `more` counts those that are not among them; `good`: nothing to be done.

    `thread` is the left side of the Message-ID that all mails of one matter refer to. That root is never sent itself;
    readers thread by it all the same. `topic` names the list, `template` the two files that `values` are put into.
    """

    subject: str
    happened: str
    severity: Severity
    good: bool
    reasons: tuple[str, ...] = ()
    more: int = 0
    link: str = ""
    thread: str
    topic: str
    template: str
    values: dict[str, Any]


def news_of(job: Job, public_url: str) -> News:
    """What the job's action has to tell; links lead to `public_url`, and are left out where it is empty.

    Raises:
        InvalidInput: the action says nothing of what was seen.
    """
    base = public_url.rstrip("/")
    if job.incident is not None:
        return _of_incident(job.incident, job.action.trigger, base)
    if job.gathered:
        return _of_many_incidents(job, base)
    if job.action.trigger == TRIAL:
        return _of_trial(job.action, base)
    return _of_standing(job.action, base)


def _of_incident(incident: Incident, trigger: str, public_url: str) -> News:
    """Severity, then host and cause."""
    happened = _INCIDENT.get(trigger, "News of an incident.")
    if trigger == "opened" and incident.returns:
        happened = _AGAIN
    link = f"{public_url}/incidents/{incident.id}" if public_url else ""
    return News(
        subject=f"{incident.severity}: {incident.title}",
        happened=happened,
        severity=incident.severity,
        good=trigger in _GOOD,
        reasons=tuple(reason.text for reason in incident.reasons),
        link=link,
        thread=f"incident.{incident.id}",
        topic="incidents",
        template="incident",
        values={
            "incident": incident,
            "news": happened,
            "link": link,
        },
    )


def _of_many_incidents(job: Job, public_url: str) -> News:
    """Each by itself, the worst first; what a digest can't list is counted."""
    ones = sorted(job.gathered, key=lambda one: (-one.severity.rank, one.opened_at, one.id))
    more = int(job.action.parameters["more"])
    count, worst = len(ones) + more, ones[0].severity
    happened = f"{count} incidents within a short time, told together."
    link = f"{public_url}/incidents" if public_url else ""
    return News(
        subject=f"{worst}: {count} incident{'' if count == 1 else 's'} in a digest",
        happened=happened,
        severity=worst,
        good=False,
        reasons=tuple(f"{one.severity}: {one.title}" for one in ones),
        more=more,
        link=link,
        thread=f"digest.{job.action.id}",
        topic="incidents",
        template="digest",
        values={"news": happened, "incidents": ones, "more": more, "link": link},
    )


def _of_trial(action: Action, public_url: str) -> News:
    return News(
        subject="a trial of this destination",
        happened=_TRIAL,
        severity=Severity.NONE,
        good=True,
        link=public_url,
        thread=f"trial.{action.id}",
        topic="trials",
        template="trial",
        values={"news": _TRIAL, "link": public_url},
    )


def _of_standing(action: Action, public_url: str) -> News:
    """One host, or how many of how many."""
    about = action.about
    if about is None or not about.hosts:
        raise InvalidInput("this action answers no incident and says of no host how it stands")
    silent = action.trigger == "silent"
    path = f"/hosts/{action.host}" if action.host else "/hosts?standing=silent"
    headline = _of_one(about, silent=silent) if action.host else _of_many(about, silent=silent)
    link = f"{public_url}{path}" if public_url else ""
    return News(
        subject=f"{'silent' if silent else 'heard again'}: {headline}",
        happened=f"{headline}.",
        severity=Severity.MEDIUM,
        good=action.trigger in _GOOD,
        link=link,
        thread=f"standing.{action.host or action.tenant}",
        topic="hosts",
        template="standing",
        values={
            "headline": headline,
            "about": about,
            "silent": silent,
            "fleet": action.host is None,
            "at": action.proposed_at,
            "link": link,
        },
    )


def _of_one(about: Standing, *, silent: bool) -> str:
    host = about.hosts[0]
    if not silent:
        return f"{host.hostname} is heard again"
    return f"{host.hostname} {'sends no snapshots any more' if host.last_seen_at else 'never sent a snapshot'}"


def _of_many(about: Standing, *, silent: bool) -> str:
    return f"{about.count} of {about.fleet} hosts {'fell silent' if silent else 'are back'}"


def one_line(text: str) -> str:
    """Without control characters, which come from hosts and would break headers or mislead a reader."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())
