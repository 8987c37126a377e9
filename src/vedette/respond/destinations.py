"""Where people and programs are told, by name: policies write the names, the settings have what lies behind them."""

import base64
import binascii
import re
import ssl
from collections.abc import Collection, Mapping
from typing import Any, Final, Self

from vedette.core import ConfigError, InvalidInput, Record
from vedette.respond.parameters import known_only, texts

__all__ = ["ANYWHERE", "Channel", "Destinations", "Webhook", "check_destinations", "is_name"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PREFIX = "whsec_"
_LEAST_KEY, _MOST_KEY = 24, 64
_MOST_DESTINATIONS = 20


def is_name(text: str) -> bool:
    """Whether a destination may be called so: it must also be writable within a variable's name."""
    return _NAME.fullmatch(text) is not None


class Webhook(Record, frozen=True, kw_only=True):
    """A program that is told by HTTPS. `keys` sign, the newest first; a receiver takes any of them. `ca_file`: as for mail."""

    name: str
    url: str
    keys: tuple[bytes, ...]
    ca_file: str = ""
    timeout_seconds: float = 10.0

    @classmethod
    def build(
        cls, name: str, url: str, secrets: tuple[str, ...], ca_file: str, timeout_seconds: float
    ) -> Self:
        """From what the settings have.

        Raises:
            ConfigError: a secret is not what Standard Webhooks calls one.
        """
        keys = tuple(_key(name, secret) for secret in secrets if secret)
        return cls(name=name, url=url, keys=keys, ca_file=ca_file, timeout_seconds=timeout_seconds)

    def context(self) -> ssl.SSLContext:
        """Verifies the receiver's certificate, always.

        Raises:
            ConfigError: the file of authorities can't be used.
        """
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"webhook.{self.name}.ca_file {self.ca_file} can't be used: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"Webhook(name={self.name!r}, keys={len(self.keys)})"


class Channel(Record, frozen=True, kw_only=True):
    """A chat or a pager by Apprise. The whole URL is a secret: most services have their token in it."""

    name: str
    url: str
    urgent: bool = False

    def __repr__(self) -> str:
        return f"Channel(name={self.name!r}, urgent={self.urgent})"


class Destinations(Record, frozen=True, kw_only=True):
    """What policies may name. None: the settings are not at hand, so any name that could be one is taken."""

    webhooks: tuple[str, ...] | None = None
    chats: tuple[str, ...] | None = None
    urgent: tuple[str, ...] | None = None


ANYWHERE: Final = Destinations()


def check_destinations(
    parameters: Mapping[str, Any],
    schema: Mapping[str, str],
    known: Collection[str] | None,
    missing: str,
) -> dict[str, Any]:
    """`to`, a list of names that are known; `missing` says what to set for one that is not.

    Raises:
        InvalidInput: what is wrong, and where.
    """
    known_only(parameters, schema)
    to = texts(parameters, "to", most=_MOST_DESTINATIONS)
    if not to:
        raise InvalidInput("to needs at least one destination", at=["to"])
    for index, name in enumerate(to):
        if not is_name(name):
            raise InvalidInput(
                f"{name!r} is no destination's name: URLs and secrets stand in the settings, policies have names",
                at=["to", index],
            )
        if known is not None and name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidInput(
                f"there is no destination {name!r} ({missing}); known: {names}", at=["to", index]
            )
    return {"to": list(dict.fromkeys(to))}


def _key(name: str, secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _LEAST_KEY <= len(key) <= _MOST_KEY:
        raise ConfigError(
            f"webhook.{name}: a secret must be {_PREFIX} and the base64 of {_LEAST_KEY} to {_MOST_KEY} random bytes; "
            f'make one with: echo "{_PREFIX}$(head -c 32 /dev/urandom | base64)"'
        )
    return key
