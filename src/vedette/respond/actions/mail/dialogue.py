"""One mail in an SMTP session (RFC 5321, 3.3), recipient by recipient: whom the server took it for, put off or refused.

`smtplib.SMTP.sendmail` does not say it: when the session ends at one recipient it names only those that were asked by then, and when
the mail is not taken it forgets who had been refused before.
"""

import smtplib
from collections.abc import Sequence
from contextlib import suppress
from email.message import EmailMessage

from vedette.core import Record

__all__ = ["Receipt", "leave", "said_in", "transact"]

_CLOSING = 421


class Receipt(Record, frozen=True, kw_only=True):
    """What the server said, by recipient. `deferred` may work later, `refused` never; `problem` is about all of them.

    `known_as` is the server's own name for the mail, if it gives one.
    """

    accepted: tuple[str, ...] = ()
    deferred: dict[str, str] = {}
    refused: dict[str, str] = {}
    problem: str = ""
    known_as: str = ""


class _Answers:
    """What was said so far. Nobody has the mail before the end of DATA is answered with 250."""

    def __init__(self, to: Sequence[str]) -> None:
        self.willing = list(to)
        self.deferred: dict[str, str] = {}
        self.refused: dict[str, str] = {}

    def not_for(self, address: str, code: int, text: bytes | str) -> None:
        """4yz is transient, 421 closes the session (4.2.1); a code of neither kind is no refusal for ever."""
        self.willing.remove(address)
        into = self.refused if 500 <= code < 600 else self.deferred
        into[address] = _line(code, text)

    def not_for_any(self, code: int, text: bytes | str) -> Receipt:
        """For nobody who was not told otherwise before."""
        for address in list(self.willing):
            self.not_for(address, code, text)
        return self.receipt()

    def broken_off(self, words: str) -> Receipt:
        """Nobody knows what the server would have said to the others, or has said without being heard."""
        self.deferred.update(dict.fromkeys(self.willing, words))
        self.willing.clear()
        return self.receipt()

    def receipt(self) -> Receipt:
        return Receipt(accepted=tuple(self.willing), deferred=self.deferred, refused=self.refused)


def transact(smtp: smtplib.SMTP, sender: str, message: EmailMessage, to: Sequence[str]) -> Receipt:
    """Gives the message over the session once. The receipt has every recipient, whatever breaks on the way."""
    answers = _Answers(to)
    try:
        return _asked(smtp, sender, message, answers)
    except smtplib.SMTPDataError as error:
        return answers.not_for_any(error.smtp_code, error.smtp_error)
    except (smtplib.SMTPException, OSError) as error:
        return answers.broken_off(said_in(error))


def _asked(smtp: smtplib.SMTP, sender: str, message: EmailMessage, answers: _Answers) -> Receipt:
    content = message.as_bytes(policy=message.policy.clone(linesep="\r\n"))
    smtp.ehlo_or_helo_if_needed()
    code, text = smtp.mail(sender, [f"size={len(content)}"] if smtp.has_extn("size") else [])
    if code != 250:
        return answers.not_for_any(code, text)
    for address in list(answers.willing):
        code, text = smtp.rcpt(address)
        if code == _CLOSING:
            return answers.broken_off(_line(code, text))
        if code not in {250, 251}:
            answers.not_for(address, code, text)
    if not answers.willing:
        return answers.receipt()
    code, text = smtp.data(content)
    return answers.receipt() if code == 250 else answers.not_for_any(code, text)


def leave(smtp: smtplib.SMTP) -> None:
    """Says farewell. Whatever is said to QUIT, or not, changes nothing of what was taken before."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()


def said_in(error: Exception) -> str:
    """The server's own words where it said any, else the error's."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _line(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__


def _line(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode('utf-8', 'replace') if isinstance(text, bytes) else text}"
