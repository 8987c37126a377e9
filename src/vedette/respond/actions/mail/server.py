"""Hands a message to an SMTP server (RFC 5321), over verified TLS, and says what trouble there was with that."""

import smtplib
import ssl
from collections.abc import Sequence
from contextlib import closing
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

from vedette.core import ConfigError, Record
from vedette.respond.actions.mail.dialogue import Receipt, leave, said_in, transact

__all__ = ["MailServer", "check_server", "hand_over"]


class MailServer(Record, frozen=True, kw_only=True):
    """Where mail goes out.

    `security`: `starttls` upgrades and refuses a server that can't, `tls` speaks TLS from the start, `none` is for a
    server on this machine. `ca_file`: trust only this PEM file instead of the system's authorities. `recipients` is
    who `@owner` stands for.
    """

    host: str = ""
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password: str = ""
    sender: str = "vedette@localhost"
    recipients: tuple[str, ...] = ()
    ca_file: str = ""
    timeout_seconds: float = 20.0

    @property
    def address(self) -> str:
        """The sender's bare address."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The sender's domain: the right side of every Message-ID."""
        return self.address.rpartition("@")[2] or "localhost"

    def __repr__(self) -> str:
        return f"MailServer(host={self.host!r}, port={self.port}, security={self.security!r})"


def hand_over(server: MailServer, message: EmailMessage, to: Sequence[str]) -> Receipt:
    """Sends the message once. Every trouble with the connection, TLS or sign-in is one that may pass."""
    try:
        smtp = _session(server)
    except (smtplib.SMTPException, OSError, ConfigError) as error:
        return Receipt(problem=f"{server.host}:{server.port}: {_words(error)}")
    with closing(smtp):
        receipt = transact(smtp, server.address, message, to)
        leave(smtp)
    return receipt


def check_server(server: MailServer) -> str:
    """Connects and signs in without sending; gives the trouble in words, or nothing."""
    try:
        with closing(_session(server)) as smtp:
            smtp.noop()
            leave(smtp)
    except (smtplib.SMTPException, OSError, ConfigError) as error:
        return f"{server.host}:{server.port}: {_words(error)}"
    return ""


def _session(server: MailServer) -> smtplib.SMTP:
    smtp = _connect(server)
    try:
        if server.security == "starttls":
            smtp.starttls(context=_context(server))
        if server.username:
            smtp.login(server.username, server.password)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _connect(server: MailServer) -> smtplib.SMTP:
    # The name is given so that none is looked up: a slow resolver must not hold mail back.
    if server.security == "tls":
        return smtplib.SMTP_SSL(
            server.host,
            server.port,
            local_hostname=server.domain,
            timeout=server.timeout_seconds,
            context=_context(server),
        )
    return smtplib.SMTP(
        server.host, server.port, local_hostname=server.domain, timeout=server.timeout_seconds
    )


def _context(server: MailServer) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"mail.ca_file {server.ca_file} can't be used: {error}") from error


def _words(error: Exception) -> str:
    """What was said, and for what people must put right, what to look at."""
    said = said_in(error)
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{said} (check mail.username and mail.password)"
        case smtplib.SMTPNotSupportedError():
            return (
                f"{said} Nothing goes out unprotected: have the server offer STARTTLS and AUTH, "
                'or set mail.security = "tls" and its port'
            )
        case ssl.SSLCertVerificationError():
            return f"{said} (set mail.ca_file to its authority, and mail.host to a name in its certificate)"
        case _:
            return said
