"""Mail, against a real SMTP server."""

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from tests.respond.mail_job import URL, body, job, to
from tests.respond.smtp_server import MailBox
from tests.respond.world import INCIDENT, START, action

from vedette.core import Action, ActionState, InvalidInput, Reason
from vedette.respond import Mail, MailSchema, MailServer
from vedette.respond.outcome import Failed, Retry, Simulated, Verified
from vedette.seal import Authority


def test_a_mail_goes_out_over_starttls_with_authentication(mailbox: MailBox) -> None:
    outcome = Mail(mailbox.settings(), URL).apply(job())
    assert isinstance(outcome, Verified)
    assert outcome.evidence["accepted"] == ["ops@example.com"]
    ((recipients, message),) = mailbox.inbox.mails
    assert recipients == ["ops@example.com"]
    assert message["From"] == "Vedette <vedette@example.com>"
    assert message["To"] == "ops@example.com"
    assert message["Subject"] == "[Vedette] high: web-1: a new cron job starts a shell"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "Vedette incidents <incidents.example.com>"
    assert message["Date"].datetime == START + timedelta(minutes=1)


def test_a_mail_has_a_plain_and_an_html_part_with_reasons_and_link(mailbox: MailBox) -> None:
    Mail(mailbox.settings(), URL).apply(job())
    ((_, message),) = mailbox.inbox.mails
    assert message.get_content_type() == "multipart/alternative"
    plain, html = (part.get_content() for part in message.iter_parts())
    link = f"https://vedette.example.com:8443/incidents/{INCIDENT.id}"
    for part in (plain, html):
        assert "A new cron job starts a shell" in part
        assert "T1053.003" in part
        assert "no such job" in part
        assert link in part
        assert "2026-03-01 12:00:00 UTC" in part
    assert "CPU use is high <b>" in plain
    assert "CPU use is high &lt;b&gt;" in html
    assert "<script" not in html


def test_the_mails_of_an_incident_make_one_thread_and_each_has_its_own_id(
    mailbox: MailBox,
) -> None:
    mail = Mail(mailbox.settings())
    mail.apply(job(action(1)))
    mail.apply(job(action(2, trigger="raised")))
    mail.apply(job(action(3), incident=msgspec.structs.replace(INCIDENT, returns=1)))
    first, second, again = (message for _, message in mailbox.inbox.mails)
    root = f"<incident.{INCIDENT.id}@example.com>"
    assert first["References"] == second["References"] == root
    assert first["In-Reply-To"] == second["In-Reply-To"] == root
    assert first["Message-ID"] != second["Message-ID"]
    assert "severity rose" in body(second)
    assert again["References"] == root
    assert "its cause was seen again" in body(again)


def test_a_repeat_bears_the_same_message_id(mailbox: MailBox) -> None:
    for _ in range(2):
        Mail(mailbox.settings()).apply(job())
    first, second = (message["Message-ID"] for _, message in mailbox.inbox.mails)
    assert first == second


def test_the_owner_is_who_the_settings_name(mailbox: MailBox) -> None:
    Mail(mailbox.settings()).apply(job(to("@owner", "ops@example.com", "owner@example.com")))
    ((recipients, _),) = mailbox.inbox.mails
    assert recipients == ["owner@example.com", "ops@example.com"]


@pytest.mark.parametrize(
    ("settings", "given", "detail"),
    [
        ({"host": ""}, to("ops@example.com"), "set mail.host"),
        ({"sender": "nobody"}, to("ops@example.com"), "mail.sender"),
        ({"recipients": ()}, to("@owner"), "set mail.recipients"),
        ({"recipients": ("nobody",)}, to("@owner"), "no mail address in nobody"),
    ],
)
def test_what_is_not_set_up_is_found_before_the_attempt(
    settings: dict[str, Any], given: Action, detail: str
) -> None:
    server = msgspec.structs.replace(MailServer(host="localhost"), **settings)
    with pytest.raises(InvalidInput, match=detail):
        Mail(server).plan(job(given))


def test_a_refused_recipient_is_final_and_named(mailbox: MailBox) -> None:
    mailbox.inbox.to["gone@example.com"] = "550 no such user"
    outcome = Mail(mailbox.settings()).apply(job(to("gone@example.com")))
    assert isinstance(outcome, Failed)
    assert (
        outcome.detail == "refused for gone@example.com (550 no such user); accepted for 0 others"
    )
    assert outcome.data["refused"] == {"gone@example.com": "550 no such user"}


def test_a_partial_refusal_fails_and_says_who_had_it(mailbox: MailBox) -> None:
    mailbox.inbox.to["gone@example.com"] = "550 no such user"
    outcome = Mail(mailbox.settings()).apply(job(to("ops@example.com", "gone@example.com")))
    assert isinstance(outcome, Failed)
    assert "accepted for 1 others" in outcome.detail
    assert outcome.data["accepted"] == ["ops@example.com"]
    assert len(mailbox.inbox.mails) == 1


def test_a_deferred_recipient_alone_is_tried_again(mailbox: MailBox) -> None:
    mailbox.inbox.to["slow@example.com"] = "451 greylisted"
    given = to("ops@example.com", "slow@example.com")
    outcome = Mail(mailbox.settings()).apply(job(given))
    assert isinstance(outcome, Retry)
    assert outcome.data["accepted"] == ["ops@example.com"]
    assert outcome.data["deferred"] == {"slow@example.com": "451 greylisted"}
    mailbox.inbox.to.clear()
    again = Mail(mailbox.settings()).apply(job(given, data=outcome.data))
    assert isinstance(again, Verified)
    assert again.evidence["accepted"] == ["ops@example.com", "slow@example.com"]
    assert [recipients for recipients, _ in mailbox.inbox.mails] == [
        ["ops@example.com"],
        ["slow@example.com"],
    ]


def test_all_recipients_deferred_is_a_retry(mailbox: MailBox) -> None:
    mailbox.inbox.to["slow@example.com"] = "451 greylisted"
    assert isinstance(Mail(mailbox.settings()).apply(job(to("slow@example.com"))), Retry)


@pytest.mark.parametrize(
    ("answer", "kind"), [("451 try later", Retry), ("554 we do not like it", Failed)]
)
def test_what_the_server_says_of_the_whole_mail_counts_for_all(
    mailbox: MailBox, answer: str, kind: type
) -> None:
    mailbox.inbox.data.append(answer)
    outcome = Mail(mailbox.settings()).apply(job())
    assert isinstance(outcome, kind)
    assert answer in str(outcome)
    assert not mailbox.inbox.mails


def test_nobody_left_to_send_to_needs_no_connection() -> None:
    mail = Mail(MailServer(host="203.0.113.1", sender="v@example.com"))
    assert isinstance(mail.apply(job(data={"accepted": ["ops@example.com"]})), Verified)


@pytest.mark.parametrize("security", ["tls", "none"])
def test_other_ways_to_reach_the_server(tmp_path: Path, security: Literal["tls", "none"]) -> None:
    with MailBox(tmp_path, security, auth=False) as mailbox:
        assert isinstance(Mail(mailbox.settings()).apply(job()), Verified)
        assert len(mailbox.inbox.mails) == 1


def test_a_server_that_cannot_encrypt_gets_no_mail(tmp_path: Path) -> None:
    with MailBox(tmp_path, "none") as mailbox:
        secret = {"username": "vedette", "password": "hunter2"}
        outcome = Mail(mailbox.settings(security="starttls", **secret)).apply(job())
        trial = Mail(mailbox.settings(security="starttls", **secret)).apply(
            job(action(dry_run=True))
        )
    assert isinstance(outcome, Retry)
    assert "Nothing goes out unprotected: have the server offer STARTTLS" in outcome.detail
    assert isinstance(trial, Simulated)
    assert "STARTTLS" in trial.plan["check"]
    assert not mailbox.inbox.mails


def test_a_certificate_of_another_authority_is_refused(mailbox: MailBox, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other", ["localhost"])
    for ca_file in (str(other.ca_path), ""):
        outcome = Mail(mailbox.settings(ca_file=ca_file)).apply(job())
        assert isinstance(outcome, Retry)
        assert "certificate verify failed" in outcome.detail
        assert "set mail.ca_file" in outcome.detail
    assert not mailbox.inbox.mails


def test_a_certificate_of_another_name_is_refused(mailbox: MailBox) -> None:
    outcome = Mail(mailbox.settings(host="127.0.0.2")).apply(job())
    assert isinstance(outcome, Retry)
    assert not mailbox.inbox.mails


def test_a_missing_authority_file_is_said(mailbox: MailBox) -> None:
    outcome = Mail(mailbox.settings(ca_file="/nowhere/ca.pem")).apply(job())
    assert isinstance(outcome, Retry)
    assert "mail.ca_file /nowhere/ca.pem can't be used" in outcome.detail


def test_a_wrong_password_is_a_trouble_that_may_pass_and_is_not_told(mailbox: MailBox) -> None:
    outcome = Mail(mailbox.settings(password="hunter2")).apply(job())
    assert isinstance(outcome, Retry)
    assert "535" in outcome.detail
    assert "check mail.username and mail.password" in outcome.detail
    assert "hunter2" not in str(outcome)


def test_nobody_listening_is_a_retry() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    server = MailServer(host="127.0.0.1", port=port, sender="v@example.com")
    outcome = Mail(server).apply(job())
    assert isinstance(outcome, Retry)
    assert f"127.0.0.1:{port}: " in outcome.detail


def test_a_server_that_says_nothing_is_given_up_on() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = MailServer(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            sender="v@example.com",
            timeout_seconds=0.2,
        )
        outcome = Mail(server).apply(job())
    assert isinstance(outcome, Retry)
    assert "timed out" in outcome.detail


def test_a_dry_run_signs_in_and_sends_nothing(mailbox: MailBox) -> None:
    dry = action(dry_run=True)
    outcome = Mail(mailbox.settings()).apply(job(dry))
    assert isinstance(outcome, Simulated)
    assert outcome.plan["to"] == ["ops@example.com"]
    assert outcome.plan["check"] == "the server takes mail"
    refused = Mail(mailbox.settings(password="wrong")).apply(job(dry))
    assert isinstance(refused, Simulated)
    assert "535" in refused.plan["check"]
    assert not mailbox.inbox.mails


def test_a_probe_believes_only_what_the_server_said() -> None:
    mail = Mail(MailServer(host="localhost", sender="v@example.com"))
    said = {"to": ["a@example.com", "b@example.com"], "accepted": ["a@example.com"]}
    acknowledged: dict[str, Any] = {"state": ActionState.ACKNOWLEDGED}
    assert isinstance(mail.probe(job()), Failed)
    assert isinstance(mail.probe(job(data=said, **acknowledged)), Failed)
    whole = said | {"accepted": said["to"]}
    assert isinstance(mail.probe(job(data=whole, **acknowledged)), Verified)
    dry = mail.probe(job(action(dry_run=True), data=whole, **acknowledged))
    assert dry == Simulated(plan=whole)


def test_what_a_host_says_cannot_forge_headers_or_markup(mailbox: MailBox) -> None:
    evil = msgspec.structs.replace(
        INCIDENT,
        title="web-1\r\nBcc: all@example.com\x1b[31m" + "x" * 300,
        hostname="<script>alert(1)</script>",
        reasons=(Reason(expert="inventory", subject="s", text="a\nb\u202e", observed="<i>"),),
    )
    Mail(mailbox.settings()).apply(job(incident=evil))
    ((recipients, message),) = mailbox.inbox.mails
    assert recipients == ["ops@example.com"]
    assert message["Bcc"] is None
    assert len(message["Subject"]) == 160
    html = body(message, "html")
    assert "<script>" not in html
    assert "\u202e" not in html


def test_an_incident_without_reasons_or_link_is_told_all_the_same(mailbox: MailBox) -> None:
    bare = msgspec.structs.replace(INCIDENT, reasons=(), verdicts=7)
    Mail(mailbox.settings()).apply(job(action(trigger="something new"), incident=bare))
    ((_, message),) = mailbox.inbox.mails
    text = body(message)
    assert "no single cause stands out" in text
    assert "7 snapshots" in text
    assert "https://" not in text
    assert text.startswith("News of an incident.")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ops",
        "@example.com",
        "ops@",
        "a b@example.com",
        "a@b@c.example",
        "a@example.com\n",
        "a@-x.example",
        "<a@example.com>",
        "a@example.com,b@example.com",
        "ü@example.com",
        "x" * 65 + "@example.com",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        MailSchema().check({"to": ["ops@example.com", address]}, dry_run=False)
    assert caught.value.extensions["at"] == ["to", 1]


def test_nobody_is_no_recipient() -> None:
    with pytest.raises(InvalidInput, match="at least one recipient"):
        MailSchema().check({}, dry_run=False)


def test_doubled_recipients_are_one() -> None:
    given = {"to": ["a@example.com", "a@example.com", "@owner"]}
    assert MailSchema().check(given, dry_run=True) == {"to": ["a@example.com", "@owner"]}


def test_settings_do_not_show_the_password() -> None:
    assert "secret" not in repr(MailServer(host="h", username="u", password="secret"))
    assert MailServer(sender="").domain == "localhost"
