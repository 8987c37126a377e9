"""Carries out `chat`. Verified means: Apprise said of every destination that its service took it."""

from collections.abc import Iterable

from vedette.respond.actions.chat.schema import MISSING, ChatSchema
from vedette.respond.apprise_service import send
from vedette.respond.destinations import Channel
from vedette.respond.kind import Job
from vedette.respond.news import News, news_of, one_line
from vedette.respond.telling import Answer, Telling

__all__ = ["chat"]

_MOST_REASONS = 5
_MOST_CHARACTERS = 1_500


def chat(channels: Iterable[Channel], public_url: str = "") -> Telling[Channel]:
    """The kind. A service that was told before a crash is told again: chats have no ids that they would know it by."""

    def attempt(channel: Channel, job: Job) -> Answer:
        news = news_of(job, public_url)
        return send(
            channel,
            title=one_line(f"[Vedette] {news.subject}")[:160],
            body=_text(news),
            severity=news.severity,
            good=news.good,
        )

    return Telling(ChatSchema(), {one.name: one for one in channels}, attempt, MISSING)


def _text(news: News) -> str:
    """What happened, why, and where to look; plain text, since services differ in what else they read."""
    lines = [news.happened]
    lines += [f"- {one_line(reason)}" for reason in news.reasons[:_MOST_REASONS]]
    if more := max(len(news.reasons) - _MOST_REASONS, 0) + news.more:
        lines.append(f"- and {more} more")
    text = "\n".join(lines)
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 1] + "…"
    return f"{text}\n{news.link}" if news.link else text
