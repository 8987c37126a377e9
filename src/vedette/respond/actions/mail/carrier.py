"""What takes mail out: the SMTP server or Amazon SES, behind one shape."""

from collections.abc import Sequence
from email.message import EmailMessage
from typing import Protocol

from vedette.respond.actions.mail.dialogue import Receipt
from vedette.respond.actions.mail.server import MailServer, check_server, hand_over

__all__ = ["Carrier", "Smtp"]


class Carrier(Protocol):
    """One way out."""

    @property
    def place(self) -> str:
        """Where mail goes, for plans."""

    @property
    def most(self) -> int:
        """How many recipients a mail may have."""

    def lacks(self) -> str:
        """What must be set or installed first, or nothing."""

    def check(self) -> str:
        """The trouble that sending would have, in words, or nothing. Sends nothing."""

    def hand_over(self, message: EmailMessage, to: Sequence[str]) -> Receipt:
        """Sends the message once."""


class Smtp:
    """The server of the settings."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    @property
    def place(self) -> str:
        """Name and port."""
        return f"{self._server.host}:{self._server.port}"

    @property
    def most(self) -> int:
        """Whom a server does not take at once (452) it defers, and is tried again; this bounds the message alone."""
        return 1_000

    def lacks(self) -> str:
        """A server."""
        return "" if self._server.host else "no mail server is set; set mail.host"

    def check(self) -> str:
        """Connects and signs in."""
        return check_server(self._server)

    def hand_over(self, message: EmailMessage, to: Sequence[str]) -> Receipt:
        """One session."""
        return hand_over(self._server, message, to)
