"""A real SMTP server with TLS and authentication, whose answers a test can script."""

import asyncio
import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, Any, AnyStr, Literal, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from vedette.respond import MailServer
from vedette.seal import Authority

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HANG_UP", "SILENCE", "Inbox", "MailBox"]

USER, PASSWORD = "vedette", "correct horse"
# Answers that are none.
HANG_UP, SILENCE = "(hangs up)", "(says nothing)"


class Inbox:
    """What came, and what to answer.

    `to` scripts RCPT by address, `data` the end of DATA, `after_data` the same when the mail was taken all the same, and
    `instead` the commands MAIL, DATA and QUIT.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.to: dict[str, str] = {}
        self.data: list[str] = []
        self.after_data: list[str] = []
        self.instead: dict[str, str] = {}
        self.on_accept: Callable[[], None] = lambda: None

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        answer = self.to.get(address, "250 OK")
        # A line that is too long for the client is no answer that it could have heard.
        if answer[:3] in {"250", "251"} and len(answer) < 500:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        del server, session
        if self.data:
            return self.data.pop(0)
        content = envelope.content
        assert isinstance(content, bytes)
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), message))
        self.on_accept()
        return self.after_data.pop(0) if self.after_data else "250 accepted"


class _Scripted(SMTP):
    """The library's server, but for what the inbox has another answer to."""

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - the library calls it so
        if not await self._instead("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library calls it so
        if not await self._instead("DATA"):
            await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802 - the library calls it so
        if not await self._instead("QUIT"):
            await super().smtp_QUIT(arg)

    async def push(self, status: AnyStr) -> None:
        if status == HANG_UP:
            assert self.transport is not None
            self.transport.close()
        elif status != SILENCE:
            await super().push(status)

    async def _instead(self, command: str) -> bool:
        assert isinstance(self.event_handler, Inbox)
        answer = self.event_handler.instead.get(command, "")
        if answer:
            await self.push(answer)
        return bool(answer)


class _Server(Controller):
    def __init__(self, inbox: Inbox, authority: Authority, security: str, **how: Any) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.server_path, authority.server_key_path)
        if security == "starttls":
            how |= {"tls_context": context, "require_starttls": True}
        super().__init__(
            inbox,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if security == "tls" else None,
            server_hostname="mail.test",
            **how,
        )

    def factory(self) -> SMTP:
        return _Scripted(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call] # the library's own


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    del server, session, envelope, mechanism
    assert isinstance(data, LoginPassword)
    good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


class MailBox:
    """The server while it runs, its inbox, and the settings that reach it."""

    def __init__(
        self,
        directory: Path,
        security: Literal["starttls", "tls", "none"] = "starttls",
        *,
        auth: bool = True,
    ) -> None:
        self.inbox = Inbox()
        authority = Authority.create(directory / "ca", ["localhost", "127.0.0.1"])
        how: dict[str, Any] = {}
        if auth and security != "none":
            how = {"auth_required": True, "authenticator": _authenticate}
            # The library counts only its own STARTTLS as encryption, not TLS from the first byte.
            how["auth_require_tls"] = security == "starttls"
        self._server = _Server(self.inbox, authority, security, **how)
        self._security = security
        self._ca = authority.ca_path
        self._auth = auth

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.stop()

    def settings(self, **changes: Any) -> MailServer:
        given: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self._server.port,
            "security": self._security,
            "username": USER if self._auth and self._security != "none" else "",
            "password": PASSWORD if self._auth and self._security != "none" else "",
            "sender": "Vedette <vedette@example.com>",
            "recipients": ("owner@example.com",),
            "ca_file": str(self._ca),
            "timeout_seconds": 5.0,
        }
        return MailServer(**(given | changes))
