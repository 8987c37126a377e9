"""Writes the mail of an incident: plain and HTML, threaded with the incident's other mails."""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from vedette.core import Incident
from vedette.respond.actions.mail.server import MailServer
from vedette.respond.kind import Job

__all__ = ["message_id", "subject", "thread_id", "write"]

_MAX_SUBJECT = 160
_NEWS = {
    "opened": "A new incident.",
    "raised": "The incident's severity rose.",
    "reopened": "The incident is open again.",
    "quiet": "The host is normal again; the incident stays in view for a while.",
    "closed": "The incident is closed.",
}
_PAGES = Environment(
    loader=PackageLoader("vedette.respond.actions.mail", "templates"),
    autoescape=select_autoescape(("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def message_id(job: Job, server: MailServer) -> str:
    """The same for every attempt, so that a repeat after a crash is seen as the same message."""
    return f"<action.{job.action.id}@{server.domain}>"


def thread_id(incident: Incident, server: MailServer) -> str:
    """The root that all mails of an incident refer to. It is never sent itself; readers thread by it all the same."""
    return f"<incident.{incident.id}@{server.domain}>"


def subject(job: Job) -> str:
    """Severity, then host and cause, on one line."""
    line = _line(f"[Vedette] {job.incident.severity}: {job.incident.title}")
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"


def write(job: Job, server: MailServer, to: Sequence[str], public_url: str) -> EmailMessage:
    """The message to these recipients. Headers per RFC 5322; RFC 3834 marks it as automatic; RFC 2919 names the list."""
    message = EmailMessage()
    name, address = parseaddr(server.sender)
    message["From"] = Address(display_name=_line(name), addr_spec=address)
    message["To"] = ", ".join(to)
    message["Subject"] = subject(job)
    message["Date"] = format_datetime(job.now)
    message["Message-ID"] = message_id(job, server)
    message["In-Reply-To"] = thread_id(job.incident, server)
    message["References"] = thread_id(job.incident, server)
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"Vedette incidents <incidents.{server.domain}>"
    values = _values(job, public_url)
    message.set_content(_PAGES.get_template("incident.txt.j2").render(values))
    message.add_alternative(_PAGES.get_template("incident.html.j2").render(values), subtype="html")
    return message


def _values(job: Job, public_url: str) -> dict[str, Any]:
    return {
        "incident": job.incident,
        "news": _NEWS.get(job.action.trigger, "News of an incident."),
        "policy": job.action.policy,
        "link": f"{public_url.rstrip('/')}/incidents/{job.incident.id}" if public_url else "",
        "line": _line,
    }


def _line(text: str) -> str:
    """Without control characters, which come from hosts and would break headers or mislead a reader."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())
