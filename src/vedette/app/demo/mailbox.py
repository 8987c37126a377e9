"""A local SMTP server that keeps what it gets: real protocol, TLS and authentication, nothing leaves the machine."""

import email
import logging
import secrets
import ssl
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from vedette.app.demo.port import free_port
from vedette.seal import Authority

__all__ = ["Mailbox"]


class Mailbox:
    """Runs while its block runs. `messages` are the mails accepted so far, oldest first."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        # Its sessions warn of what its own authentication does.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        self._authority = Authority.create(folder / "tls", ("localhost", "127.0.0.1"))
        self.username = "vedette"
        self.password = secrets.token_urlsafe(16)
        self.messages: list[EmailMessage] = []
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self._tls(),
            require_starttls=True,
            auth_required=True,
            authenticator=self._authenticate,
        )

    @property
    def ca_file(self) -> Path:
        """What a client has to trust."""
        return self._authority.ca_path

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        """Keeps the mail, in memory and as a file."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = email.message_from_bytes(content, policy=default_policy)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        (self._folder / f"{len(self.messages):03}.eml").write_bytes(content)
        return "250 kept"

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._authority.server_path, self._authority.server_key_path)
        return context

    def _authenticate(
        self, _server: Any, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        known = LoginPassword(self.username.encode(), self.password.encode())
        return AuthResult(success=given == known)
