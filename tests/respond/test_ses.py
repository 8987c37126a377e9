"""Mail by Amazon SES, against moto's real server."""

import importlib.util
import json
from collections.abc import Iterator
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

import boto3
import httpx
import pytest
from tests.fixtures.aws import moto_server
from tests.fixtures.services import require
from tests.respond.mail_job import job, to
from tests.respond.receiver import Answer, Receiver
from tests.respond.world import INCIDENT, action

from vedette.core import InvalidInput
from vedette.respond import Mail, MailServer, SesServer
from vedette.respond.outcome import Failed, Retry, Simulated, Verified

SENDER = MailServer(sender="Vedette <vedette@example.com>", recipients=("owner@example.com",))


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if importlib.util.find_spec("moto") is None:
        require("moto", "it is not installed")
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        client = boto3.client(
            "sesv2",
            region_name="eu-central-1",
            endpoint_url=url,
            aws_access_key_id="a",
            aws_secret_access_key="s",
        )
        client.create_email_identity(EmailIdentity="vedette@example.com")
        yield url


@pytest.fixture(autouse=True)
def _nothing_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")


def _ses(endpoint: str, **changes: Any) -> SesServer:
    given: dict[str, Any] = {
        "region": "eu-central-1",
        "endpoint": endpoint,
        "access_key_id": "a",
        "secret_access_key": "hunter2",
        "timeout_seconds": 10.0,
    }
    return SesServer(**(given | changes))


def _sent(endpoint: str) -> list[EmailMessage]:
    models = httpx.get(f"{endpoint}/moto-api/data.json").json()
    found = []
    for one in models.get("ses", {}).get("RawMessage", []):
        message = message_from_string(one["raw_data"], policy=policy.default)
        assert isinstance(message, EmailMessage)
        found.append(message)
    return found


def test_a_mail_goes_out_by_ses_with_the_headers_of_every_mail(endpoint: str) -> None:
    mail, given = Mail(SENDER, ses=_ses(endpoint)), to("ops@example.com", "@owner")
    outcome = mail.apply(job(given))
    assert isinstance(outcome, Verified)
    assert outcome.evidence["accepted"] == ["ops@example.com", "owner@example.com"]
    assert outcome.evidence["known_as"]
    message = _sent(endpoint)[-1]
    assert message["To"] == "ops@example.com, owner@example.com"
    assert message["Message-ID"] == f"<action.{given.id}@example.com>"
    assert (
        message["References"] == message["In-Reply-To"] == f"<incident.{INCIDENT.id}@example.com>"
    )
    assert message["Subject"] == "[Vedette] high: web-1: a new cron job starts a shell"


def test_a_sender_that_ses_has_not_verified_is_final(endpoint: str) -> None:
    stranger = MailServer(sender="stranger@example.org")
    outcome = Mail(stranger, ses=_ses(endpoint)).apply(job())
    assert isinstance(outcome, Failed)
    assert "MessageRejected" in outcome.detail
    assert list(outcome.data["refused"]) == ["ops@example.com"]


def test_a_dry_run_asks_ses_and_sends_nothing(endpoint: str) -> None:
    before = len(_sent(endpoint))
    outcome = Mail(SENDER, ses=_ses(endpoint)).apply(job(action(dry_run=True)))
    assert isinstance(outcome, Simulated)
    assert outcome.plan["check"] == "the server takes mail"
    assert outcome.plan["server"] == f"SES {endpoint}"
    assert len(_sent(endpoint)) == before


def test_credentials_and_region_come_from_awss_own_chain_too(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = Mail(SENDER, ses=SesServer(endpoint=endpoint))
    without = bare.apply(job())
    assert isinstance(without, Retry)
    assert "region" in without.detail
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    unsigned = bare.apply(job())
    assert isinstance(unsigned, Retry)
    assert "credentials" in unsigned.detail
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    assert isinstance(bare.apply(job()), Verified)


def test_a_configuration_set_is_named_where_there_is_one(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=200, body=b'{"MessageId":"m1"}')]
    named = _ses(f"http://127.0.0.1:{receiver.port}", configuration_set="watched")
    outcome = Mail(SENDER, ses=named).apply(job())
    assert isinstance(outcome, Verified)
    assert outcome.evidence["known_as"] == "m1"
    assert json.loads(receiver.requests[0].body)["ConfigurationSetName"] == "watched"


def test_a_mail_that_ses_took_without_naming_it_is_not_sent_again(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=200, body=b"{}")]
    outcome = Mail(SENDER, ses=_ses(f"http://127.0.0.1:{receiver.port}")).apply(job())
    assert isinstance(outcome, Verified)
    assert "known_as" not in outcome.evidence


def test_whom_ses_took_a_mail_for_is_not_sent_it_again(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=200, body=b'{"MessageId":"m2"}')]
    before = {"accepted": ["a@example.com"], "refused": {"b@example.com": "550 no such user"}}
    given = to("a@example.com", "b@example.com", "c@example.com")
    mail = Mail(SENDER, ses=_ses(f"http://127.0.0.1:{receiver.port}"))
    outcome = mail.apply(job(given, data=before))
    assert isinstance(outcome, Failed)
    assert outcome.data["accepted"] == ["a@example.com", "c@example.com"]
    (request,) = receiver.requests
    assert json.loads(request.body)["Destination"] == {"ToAddresses": ["c@example.com"]}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("TooManyRequestsException", 429, Retry),
        ("LimitExceededException", 400, Retry),
        ("SendingPausedException", 400, Retry),
        ("AccountSuspendedException", 400, Retry),
        ("AccessDeniedException", 403, Retry),
        ("InternalFailure", 500, Retry),
        ("BadRequestException", 400, Failed),
        ("MessageRejected", 400, Failed),
        ("NotFoundException", 404, Failed),
    ],
)
def test_what_ses_says_tells_what_may_pass_from_what_will_not(
    receiver: Receiver, code: str, status: int, kind: type
) -> None:
    receiver.answers = [
        Answer(status=status, headers={"x-amzn-errortype": code}, body=b'{"message":"why"}')
    ]
    outcome = Mail(SENDER, ses=_ses(f"http://127.0.0.1:{receiver.port}")).apply(job())
    assert isinstance(outcome, kind)
    assert f"{code}: why" in str(outcome)
    assert "hunter2" not in str(outcome)
    assert not receiver.answers


@pytest.fixture
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with Receiver(tmp_path_factory.mktemp("receiver"), tls=False) as made:
        yield made


def test_nobody_listening_is_a_retry() -> None:
    mail = Mail(SENDER, ses=_ses("http://127.0.0.1:1"))
    outcome = mail.apply(job())
    assert isinstance(outcome, Retry)
    assert "127.0.0.1:1" in outcome.detail
    dry = mail.apply(job(action(dry_run=True)))
    assert isinstance(dry, Simulated)
    assert "127.0.0.1:1" in dry.plan["check"]


def test_more_recipients_than_ses_takes_are_found_before_the_attempt() -> None:
    many = MailServer(
        sender="v@example.com", recipients=tuple(f"r{n}@example.com" for n in range(51))
    )
    with pytest.raises(InvalidInput, match="a mail may have 50 recipients, not 51"):
        Mail(many, ses=_ses("http://127.0.0.1:1")).plan(job(to("@owner")))


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InvalidInput, match=r"install vedette\[aws\]"):
        Mail(SENDER, ses=_ses("http://127.0.0.1:1")).plan(job())


def test_settings_do_not_show_the_secret() -> None:
    assert "hunter2" not in repr(_ses("http://x"))
    place = Mail(SENDER, ses=SesServer()).plan(job())["server"]
    assert place == "SES in the default region"
