"""Writes the mail of an action: plain and HTML, threaded with others of the same incident or host."""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import TYPE_CHECKING

from vedette.respond.actions.mail.server import MailServer
from vedette.respond.kind import Job
from vedette.respond.news import news_of, one_line

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["message_id", "subject", "write"]

_MAX_SUBJECT = 160


def message_id(job: Job, server: MailServer) -> str:
    """The same for every attempt, so that a repeat after a crash is seen as the same message."""
    return f"<action.{job.action.id}@{server.domain}>"


def subject(job: Job) -> str:
    """What it is about, on one line."""
    line = one_line(f"[Vedette] {news_of(job, '').subject}")
    return line if len(line) <= _MAX_SUBJECT else line[: _MAX_SUBJECT - 1] + "…"


def write(job: Job, server: MailServer, to: Sequence[str], public_url: str) -> EmailMessage:
    """The message to these recipients. Headers per RFC 5322; RFC 3834 marks it as automatic; RFC 2919 names the list."""
    news = news_of(job, public_url)
    message = EmailMessage()
    name, address = parseaddr(server.sender)
    message["From"] = Address(display_name=one_line(name), addr_spec=address)
    message["To"] = ", ".join(to)
    message["Subject"] = subject(job)
    message["Date"] = format_datetime(job.now)
    message["Message-ID"] = message_id(job, server)
    message["In-Reply-To"] = message["References"] = f"<{news.thread}@{server.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message["List-Id"] = f"Vedette {news.topic} <{news.topic}.{server.domain}>"
    values = {**news.values, "policy": job.action.policy, "line": one_line}
    message.set_content(_pages().get_template(f"{news.template}.txt.j2").render(values))
    html = _pages().get_template(f"{news.template}.html.j2").render(values)
    message.add_alternative(html, subtype="html")
    return message


@cache
def _pages() -> "Environment":
    # Loaded with the first mail: most processes that have this room write none.
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("vedette.respond.actions.mail", "templates"),
        autoescape=select_autoescape(("html.j2",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
