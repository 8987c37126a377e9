"""Carries out `webhook`. Verified means: every destination answered 2xx."""

from collections.abc import Iterable

from vedette.respond.actions.webhook.payload import body
from vedette.respond.actions.webhook.schema import MISSING, WebhookSchema
from vedette.respond.actions.webhook.signature import signed_headers
from vedette.respond.destinations import Webhook
from vedette.respond.kind import Job
from vedette.respond.telling import Answer, Telling

__all__ = ["webhook"]


def webhook(destinations: Iterable[Webhook], public_url: str = "") -> Telling[Webhook]:
    """The kind. The request's id is the action's, the same for every attempt, so that receivers know a repeat."""

    def attempt(place: Webhook, job: Job) -> Answer:
        content = body(job, public_url)
        headers = signed_headers(f"msg_{job.action.id}", job.now, content, place.keys)
        # Its HTTP client is slow to load, and processes that send nothing have this room, too.
        from vedette.respond.actions.webhook.delivery import deliver

        return deliver(place, content, headers, job.now)

    return Telling(WebhookSchema(), {one.name: one for one in destinations}, attempt, MISSING)
