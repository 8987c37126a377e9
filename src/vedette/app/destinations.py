"""Whom policies may tell, made of the settings."""

import importlib.util
from collections.abc import Iterable

import msgspec

from vedette.app.settings import Settings
from vedette.core import ConfigError
from vedette.respond import (
    Channel,
    Destinations,
    Kind,
    Mail,
    MailServer,
    SesServer,
    Webhook,
    chat,
    is_service,
    page,
    webhook,
)

__all__ = ["check_told", "destinations_of", "kinds_of"]


def destinations_of(settings: Settings) -> Destinations:
    """The names, for checking policies; needs no secret."""
    return Destinations(
        webhooks=tuple(settings.webhook),
        chats=tuple(settings.chat),
        urgent=tuple(name for name, one in settings.chat.items() if one.urgent),
    )


def kinds_of(settings: Settings) -> list[Kind]:
    """The kinds of action that tell, with what they need to reach whom.

    Raises:
        ConfigError: a secret can't be used.
    """
    mail = msgspec.convert(msgspec.to_builtins(settings.mail), MailServer)
    ses = msgspec.convert(msgspec.to_builtins(settings.ses), SesServer)
    channels, url = _channels_of(settings), settings.public_url
    return [
        Mail(mail, url, ses if settings.mail.transport == "ses" else None),
        webhook(_webhooks_of(settings), url),
        chat(channels, url),
        page(channels, url),
    ]


def _webhooks_of(settings: Settings) -> list[Webhook]:
    """With their secrets.

    Raises:
        ConfigError: a secret can't be used.
    """
    return [
        Webhook.build(name, one.url, (one.secret, one.old_secret), one.ca_file, one.timeout_seconds)
        for name, one in settings.webhook.items()
    ]


def _channels_of(settings: Settings) -> list[Channel]:
    """With their URLs, which are secrets."""
    return [
        Channel(name=name, url=one.url, urgent=one.urgent) for name, one in settings.chat.items()
    ]


def check_told(settings: Settings) -> None:
    """Reads what the settings say of destinations, without sending anything.

    Raises:
        ConfigError: one of them can't be used.
    """
    for one in _webhooks_of(settings):
        if one.ca_file:
            one.context()
    _check_channels(_channels_of(settings))
    if settings.mail.transport == "ses" and importlib.util.find_spec("boto3") is None:
        raise ConfigError("mail.transport is ses, which needs boto3: install vedette[aws]")


def _check_channels(channels: Iterable[Channel]) -> None:
    for channel in channels:
        if not is_service(channel.url):
            raise ConfigError(
                f"chat.{channel.name}.url is no URL that Apprise understands; it is not shown, since it is a secret"
            )
