"""Hands a message to Amazon SES, whole and as it is, and tells apart what may work later."""

import importlib.util
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from typing import Any, Final

from vedette.core import Record
from vedette.respond.actions.mail.dialogue import Receipt

__all__ = ["Ses", "SesServer"]

_INSTALL: Final = "mail.transport is ses, which needs boto3: install vedette[aws]"
_MOST_RECIPIENTS: Final = 50
_MOST_WORDS: Final = 300
# About this mail, or about what it names: the same mail will not do later either. Everything else (throttling, a paused
# account, credentials, permissions) may be put right while it waits.
_PERMANENT: Final = frozenset(
    {"BadRequestException", "InvalidParameterValue", "MessageRejected", "NotFoundException"}
)


class SesServer(Record, frozen=True, kw_only=True):
    """Which SES. What is empty comes from AWS's own chain: environment, shared files, the machine's role."""

    region: str = ""
    endpoint: str = ""
    access_key_id: str = ""
    secret_access_key: str = ""
    configuration_set: str = ""
    timeout_seconds: float = 20.0

    def __repr__(self) -> str:
        return f"SesServer(region={self.region!r}, endpoint={self.endpoint!r})"


class Ses:
    """Takes mail from `sender`, which must be an identity that SES has verified."""

    def __init__(self, ses: SesServer, sender: str) -> None:
        self._ses = ses
        self._sender = sender

    @property
    def place(self) -> str:
        """Region or endpoint."""
        return f"SES {self._ses.endpoint or self._ses.region or 'in the default region'}"

    @property
    def most(self) -> int:
        """SES's own bound."""
        return _MOST_RECIPIENTS

    def lacks(self) -> str:
        """The library."""
        return _INSTALL if importlib.util.find_spec("boto3") is None else ""

    def check(self) -> str:
        """Asks for one identity: credentials, region and network are good then."""
        return self._asked(lambda client: client.list_email_identities(PageSize=1))[0].problem

    def hand_over(self, message: EmailMessage, to: Sequence[str]) -> Receipt:
        """SES takes a mail for all recipients or for none, and puts a Message-ID of its own in the place of ours."""
        given: dict[str, Any] = {
            "FromEmailAddress": self._sender,
            "Destination": {"ToAddresses": list(to)},
            "Content": {"Raw": {"Data": message.as_bytes()}},
        }
        if self._ses.configuration_set:
            given["ConfigurationSetName"] = self._ses.configuration_set
        receipt, answer = self._asked(lambda client: client.send_email(**given), to)
        if answer is None:
            return receipt
        return Receipt(accepted=tuple(to), known_as=str(answer.get("MessageId", "")))

    def _asked(self, ask: Callable[[Any], Any], to: Sequence[str] = ()) -> tuple[Receipt, Any]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return Receipt(), ask(self._client())
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            said = str(error.response.get("Error", {}).get("Message", ""))
            words = f"{code}: {said}"[:_MOST_WORDS]
            if code in _PERMANENT and to:
                return Receipt(refused=dict.fromkeys(to, words)), None
            return Receipt(problem=f"{self.place}: {words}"), None
        except (BotoCoreError, ValueError) as error:
            return Receipt(problem=f"{self.place}: {str(error)[:_MOST_WORDS]}"), None

    def _client(self) -> Any:
        import boto3
        from botocore.config import Config

        # One try an attempt: the responder's own are written down.
        config = Config(
            connect_timeout=self._ses.timeout_seconds,
            read_timeout=self._ses.timeout_seconds,
            retries={"total_max_attempts": 1},
        )
        return boto3.session.Session().client(
            "sesv2",
            region_name=self._ses.region or None,
            endpoint_url=self._ses.endpoint or None,
            aws_access_key_id=self._ses.access_key_id or None,
            aws_secret_access_key=self._ses.secret_access_key or None,
            config=config,
        )
