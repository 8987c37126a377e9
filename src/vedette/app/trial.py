"""Sends one message to a destination, outside of all incidents, to see whether it is taken."""

import uuid
from datetime import timedelta

from vedette.app.destinations import kinds_of
from vedette.app.settings import Settings
from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Clock,
    ConfigError,
    InvalidInput,
    Mode,
    Record,
    TenantId,
)
from vedette.respond import TRIAL, Job, Verified

__all__ = ["Trial", "send_trial"]


class Trial(Record, frozen=True, kw_only=True):
    """Whether it was `taken`, and what the destination said."""

    taken: bool
    detail: str


def send_trial(settings: Settings, destination: str, clock: Clock) -> Trial:
    """One attempt by the kind of action that policies would use. Nothing is written to the store.

    Raises:
        ConfigError: there is no such destination, or it is not set up.
    """
    kind, to = _way(settings, destination)
    now = clock.now()
    action = Action(
        id=ActionId(str(uuid.uuid4())),
        tenant=TenantId(settings.tenant),
        incident=None,
        host=None,
        policy="vedette notify test",
        policy_version="",
        kind=kind,
        mode=Mode.AUTO,
        dry_run=False,
        state=ActionState.DISPATCHED,
        parameters={"to": [to]},
        trigger=TRIAL,
        proposed_at=now,
        expires_at=now + timedelta(minutes=1),
        updated_at=now,
    )
    found = next(one for one in kinds_of(settings) if one.schema.name == kind)
    try:
        outcome = found.apply(Job(action=action, incident=None, events=(), now=now))
    except InvalidInput as error:
        raise ConfigError(error.detail) from error
    return Trial(taken=isinstance(outcome, Verified), detail=getattr(outcome, "detail", ""))


def _way(settings: Settings, destination: str) -> tuple[str, str]:
    if destination == "mail":
        return "mail", "@owner"
    if destination in settings.webhook:
        return "webhook", destination
    if destination in settings.chat:
        return "page" if settings.chat[destination].urgent else "chat", destination
    known = ", ".join(["mail", *settings.webhook, *settings.chat])
    raise ConfigError(f"there is no destination {destination!r}; known: {known}")
