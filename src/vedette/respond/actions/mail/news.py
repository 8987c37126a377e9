"""What a mail tells, and of what: an incident, a host that fell silent or is heard again, or many of them at once."""

from typing import Any

from vedette.core import Action, Incident, InvalidInput, Record, Standing

__all__ = ["News", "of_incident", "of_standing", "one_line"]

_INCIDENT = {
    "opened": "A new incident.",
    "raised": "The incident's severity rose.",
    "grew": "The incident has spread to more hosts.",
    "reopened": "The incident is open again.",
    "quiet": "The host is normal again; the incident stays in view for a while.",
    "closed": "The incident is closed.",
}


class News(Record, frozen=True, kw_only=True):
    """`thread` is the left side of the Message-ID that all mails of one matter refer to.

    That root is never sent itself; readers thread by it all the same. `topic` names the list, `template` the two files
    that `values` are put into.
    """

    subject: str
    thread: str
    topic: str
    template: str
    values: dict[str, Any]


def of_incident(incident: Incident, trigger: str, public_url: str) -> News:
    """Severity, then host and cause."""
    return News(
        subject=f"{incident.severity}: {incident.title}",
        thread=f"incident.{incident.id}",
        topic="incidents",
        template="incident",
        values={
            "incident": incident,
            "news": _INCIDENT.get(trigger, "News of an incident."),
            "link": f"{public_url}/incidents/{incident.id}" if public_url else "",
        },
    )


def of_standing(action: Action, public_url: str) -> News:
    """One host, or how many of how many.

    Raises:
        InvalidInput: the action says nothing of what was seen.
    """
    about = action.about
    if about is None or not about.hosts:
        raise InvalidInput("this action answers no incident and says of no host how it stands")
    silent = action.trigger == "silent"
    path = f"/hosts/{action.host}" if action.host else "/hosts?standing=silent"
    headline = _of_one(about, silent=silent) if action.host else _of_many(about, silent=silent)
    return News(
        subject=f"{'silent' if silent else 'heard again'}: {headline}",
        thread=f"standing.{action.host or action.tenant}",
        topic="hosts",
        template="standing",
        values={
            "headline": headline,
            "about": about,
            "silent": silent,
            "fleet": action.host is None,
            "at": action.proposed_at,
            "link": f"{public_url}{path}" if public_url else "",
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
