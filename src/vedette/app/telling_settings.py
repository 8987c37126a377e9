"""Settings of how people and programs are told: mail, and webhooks, chats and pagers by name."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta

from vedette.app.section import Section

__all__ = [
    "ChatSettings",
    "MailSettings",
    "Name",
    "RespondSettings",
    "SesSettings",
    "WebhookSettings",
    "wrong_told",
]

# Lower case and without a hyphen, so that it can stand within a variable's name too.
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class MailSettings(Section, frozen=True, kw_only=True):
    """What takes mail: an SMTP server, or Amazon SES. Without a host, mail actions by SMTP fail and say so."""

    transport: Annotated[
        Literal["smtp", "ses"], Meta(description="By which way; ses is set up in `[ses]`")
    ] = "smtp"
    host: Annotated[str, Meta(description="SMTP server; empty: no mail")] = ""
    port: Annotated[int, Meta(description="Its port")] = 587
    security: Annotated[
        Literal["starttls", "tls", "none"], Meta(description="How the connection is protected")
    ] = "starttls"
    username: Annotated[str, Meta(description="Login name; empty: no login")] = ""
    password: Annotated[
        str, Meta(description="Its password; better by VEDETTE_MAIL__PASSWORD_FILE")
    ] = ""
    sender: Annotated[str, Meta(description="From address")] = "vedette@localhost"
    recipients: Annotated[
        tuple[str, ...], Meta(description="Who `@owner` stands for in policies")
    ] = ()
    ca_file: Annotated[str, Meta(description="CA to trust; empty: the system's")] = ""
    timeout_seconds: Annotated[float, Meta(description="Longest wait for the server")] = 20.0


class SesSettings(Section, frozen=True, kw_only=True):
    """Amazon SES, for `mail.transport = "ses"`. What is empty comes from AWS's own chain: environment, files, role."""

    region: Annotated[str, Meta(description="Region, such as eu-central-1")] = ""
    endpoint: Annotated[str, Meta(description="URL of another endpoint, such as a VPC's own")] = ""
    access_key_id: Annotated[str, Meta(description="Id of an access key")] = ""
    secret_access_key: Annotated[
        str, Meta(description="Its secret; better by `secret_access_key_file`")
    ] = ""
    configuration_set: Annotated[str, Meta(description="Configuration set; empty: none")] = ""
    timeout_seconds: Annotated[
        float, Meta(description="Longest wait for an answer", gt=0, le=60)
    ] = 20.0


class RespondSettings(Section, frozen=True, kw_only=True):
    """What is done about incidents."""

    policies: Annotated[str, Meta(description="Policy file (YAML); empty: the shipped one")] = ""
    tick_seconds: Annotated[float, Meta(description="How often timers are looked at")] = 0.5
    trial_days: Annotated[
        float,
        Meta(
            ge=0,
            description="How long a model must have judged here before policies act on its word unasked; 0: no trial",
        ),
    ] = 7.0
    backtest_days: Annotated[
        float,
        Meta(
            ge=0,
            description="How many days of history, or all there is of a shorter one, a back-test must meet before its text may act unasked",
        ),
    ] = 7.0
    backtest_verdicts: Annotated[
        int,
        Meta(
            ge=1,
            description="How many verdicts it must meet in them, the last within a day",
        ),
    ] = 1_000
    drift_share: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Open incidents by one model on more than this share of hosts make policies ask; 1: never",
        ),
    ] = 0.2
    digest_above: Annotated[
        int,
        Meta(
            description="Mails, or chats, to the same people within the time; more are a digest",
            ge=1,
        ),
    ] = 10
    digest_minutes: Annotated[float, Meta(description="That time", gt=0, le=60)] = 15.0


class WebhookSettings(Section, frozen=True, kw_only=True):
    """A program that policies may tell by `webhook`, under this name."""

    url: Annotated[str, Meta(description="https URL that takes the signed POST")] = ""
    secret: Annotated[
        str,
        Meta(
            description="Signs: `whsec_` and the base64 of 24 to 64 random bytes; better by `secret_file`"
        ),
    ] = ""
    old_secret: Annotated[
        str, Meta(description="Signs too while receivers change from this one; empty: none")
    ] = ""
    ca_file: Annotated[str, Meta(description="CA to trust; empty: the system's")] = ""
    timeout_seconds: Annotated[
        float, Meta(description="Longest wait for the whole request", gt=0, le=60)
    ] = 10.0


class ChatSettings(Section, frozen=True, kw_only=True):
    """A chat or pager that policies may tell by `chat` or `page`, under this name."""

    url: Annotated[
        str, Meta(description="Apprise URL; a secret as a whole, so better by `url_file`")
    ] = ""
    urgent: Annotated[bool, Meta(description="Whether it wakes people; only such can be paged")] = (
        False
    )


def wrong_told(
    mail: MailSettings, webhooks: Mapping[str, WebhookSettings], chats: Mapping[str, ChatSettings]
) -> Iterator[str]:
    """What can't be used, in words that show no secret."""
    if mail.password and mail.security == "none":
        yield "mail.password is set but mail.security is none; use starttls or tls"
    yield from (f"chat.{name}.url is not set" for name, one in chats.items() if not one.url)
    yield from (
        f"{name} is the name of a webhook and of a chat; each needs a name of its own"
        for name in webhooks
        if name in chats
    )
    yield from (
        f"{name}.mail: a destination can't be called mail, which is the mail server's name"
        for name, some in (("webhook", webhooks), ("chat", chats))
        if "mail" in some
    )
    yield from _wrong_webhooks(webhooks)


def _wrong_webhooks(webhooks: Mapping[str, WebhookSettings]) -> Iterator[str]:
    for name, one in webhooks.items():
        try:
            url = urlsplit(one.url)
            usable = url.scheme == "https" and bool(url.hostname) and url.port != 0
        except ValueError:
            yield f"webhook.{name}.url is no URL"
            continue
        if not usable:
            yield f"webhook.{name}.url must start with https:// and name a host; TLS is never off"
        if url.username is not None or url.password is not None or url.fragment:
            yield f"webhook.{name}.url may have neither a password nor a fragment"
        if not one.secret:
            yield f"webhook.{name}.secret is not set; requests are never sent unsigned"
