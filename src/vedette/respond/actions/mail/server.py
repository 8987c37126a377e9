"""Hands a message to an SMTP server (RFC 5321), over verified TLS, and tells apart what may work later."""

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

from vedette.core import ConfigError, Record

__all__ = ["MailServer", "Receipt", "check_server", "hand_over"]


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


class Receipt(Record, frozen=True, kw_only=True):
    """What the server said, by recipient. `deferred` may work later, `refused` never; `problem` is about all of them.

    `known_as` is the server's own name for the mail, if it gives one.
    """

    accepted: tuple[str, ...] = ()
    deferred: dict[str, str] = {}
    refused: dict[str, str] = {}
    problem: str = ""
    known_as: str = ""


def hand_over(server: MailServer, message: EmailMessage, to: Sequence[str]) -> Receipt:
    """Sends the message once. Every trouble with the connection, TLS or sign-in is one that may pass."""
    try:
        with _session(server) as smtp:
            refusals = smtp.send_message(message, server.address, list(to))
    except smtplib.SMTPRecipientsRefused as error:
        return _sorted(to, error.recipients)
    except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
        return _sorted(to, dict.fromkeys(to, (error.smtp_code, _bytes(error.smtp_error))))
    except (smtplib.SMTPException, OSError, ConfigError) as error:
        return Receipt(problem=f"{server.host}:{server.port}: {_words(error)}")
    return _sorted(to, refusals)


def check_server(server: MailServer) -> str:
    """Connects and signs in without sending; gives the trouble in words, or nothing."""
    try:
        with _session(server) as smtp:
            smtp.noop()
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


def _sorted(to: Sequence[str], refusals: dict[str, tuple[int, bytes]]) -> Receipt:
    said = {
        address: f"{code} {text.decode('utf-8', 'replace')}"
        for address, (code, text) in refusals.items()
    }
    # 421 closes the session and 4yz are transient (RFC 5321, 4.2.1); a code of neither kind is no refusal for ever.
    refused = {address: text for address, text in said.items() if text.startswith("5")}
    return Receipt(
        accepted=tuple(address for address in to if address not in said),
        deferred={address: text for address, text in said.items() if address not in refused},
        refused=refused,
    )


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def _words(error: Exception) -> str:
    """What was said, and for what people must put right, what to look at."""
    said = str(error) or type(error).__name__
    if isinstance(error, smtplib.SMTPResponseException):
        said = f"{error.smtp_code} {_bytes(error.smtp_error).decode('utf-8', 'replace')}"
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
