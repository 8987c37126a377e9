"""Jobs of the mail action, and what of a mail its reader sees."""

from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from tests.respond.world import INCIDENT, START, action

from vedette.core import Action, ActionEvent, ActionState, Incident
from vedette.respond import Job

__all__ = ["URL", "body", "job", "to"]

URL = "https://vedette.example.com:8443/"


def job(given: Action | None = None, incident: Incident = INCIDENT, **event: Any) -> Job:
    given = given or action()
    past: tuple[ActionEvent, ...] = ()
    if event:
        past = (
            ActionEvent(
                action=given.id,
                at=START,
                actor="system:respond",
                **({"state": ActionState.DISPATCHED} | event),
            ),
        )
    return Job(action=given, incident=incident, events=past, now=START + timedelta(minutes=1))


def to(*addresses: str) -> Action:
    return action(parameters={"to": list(addresses)})


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    text = part.get_content()
    assert isinstance(text, str)
    return text
