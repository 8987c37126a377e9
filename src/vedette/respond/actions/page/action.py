"""Carries out `page`. Verified means: Apprise said of every destination that its service took it."""

from collections.abc import Iterable

from vedette.core import Severity
from vedette.respond.actions.page.schema import MISSING, PageSchema
from vedette.respond.apprise_service import send
from vedette.respond.destinations import Channel
from vedette.respond.kind import Job
from vedette.respond.news import news_of, one_line
from vedette.respond.telling import Answer, Telling

__all__ = ["page"]

# It is read on a watch or heard on a phone.
_MOST_CHARACTERS = 110


def page(channels: Iterable[Channel], public_url: str = "") -> Telling[Channel]:
    """The kind: urgent channels alone, one line and the link, and failure as the type unless it is good news."""

    def attempt(channel: Channel, job: Job) -> Answer:
        news = news_of(job, public_url)
        return send(
            channel,
            title=one_line(news.subject)[:_MOST_CHARACTERS],
            body=news.link or news.happened,
            severity=Severity.CRITICAL,
            good=news.good,
        )

    urgent = {one.name: one for one in channels if one.urgent}
    return Telling(PageSchema(), urgent, attempt, MISSING)
