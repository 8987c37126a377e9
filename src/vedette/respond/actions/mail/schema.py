"""The parameters of `mail`: `to`, a list of addresses, where `@owner` stands for the configured recipients."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.core import InvalidInput
from vedette.respond.parameters import known_only, texts

__all__ = ["OWNER", "MailSchema", "is_address"]

OWNER: Final = "@owner"
_MAX_RECIPIENTS = 50
# Deliberately narrower than RFC 5321: no quoted local parts, no comments, no address literals, ASCII only.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,10}"
)


def is_address(text: str) -> bool:
    """Whether it is a mail address that we send to, such as `ops@example.com`."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


class MailSchema:
    """As policies write it."""

    name: Final = "mail"
    disruptive: Final = False
    on_host: Final = False
    parameters: Final[Mapping[str, str]] = {
        "to": "At least one mail address; `@owner` stands for `mail.recipients` in the settings",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """At least one recipient, each an address or `@owner`; both dry and real runs.

        Raises:
            InvalidInput: what is wrong, and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        to = texts(parameters, "to", most=_MAX_RECIPIENTS)
        if not to:
            raise InvalidInput("to needs at least one recipient", at=["to"])
        for index, address in enumerate(to):
            if address != OWNER and not is_address(address):
                raise InvalidInput(
                    f"{address!r} is neither a mail address nor {OWNER}", at=["to", index]
                )
        return {"to": list(dict.fromkeys(to))}
