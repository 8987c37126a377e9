"""Mails that tell of hosts which fell silent or came back, against a real SMTP server."""

from datetime import timedelta
from email.message import EmailMessage

import msgspec
import pytest
from tests.respond.mail_job import URL, body
from tests.respond.smtp_server import MailBox
from tests.respond.world import START, action

from vedette.core import Action, HostId, InvalidInput, Standing, StandingHost
from vedette.respond import Job, Mail
from vedette.respond.outcome import Verified


def _standing(trigger: str, *hosts: StandingHost, count: int = 1) -> Action:
    return action(
        incident=None,
        host=hosts[0].id if count == 1 else None,
        trigger=trigger,
        about=Standing(count=count, fleet=40, hosts=hosts),
    )


WEB = StandingHost(
    id=HostId("h1"),
    hostname="web-1",
    last_seen_at=START - timedelta(minutes=4),
    silent_since=START,
    interval=60.0,
)


def _told(mailbox: MailBox, given: Action) -> EmailMessage:
    done = Mail(mailbox.settings(), URL).apply(
        Job(action=given, incident=None, events=(), now=START)
    )
    assert isinstance(done, Verified)
    return mailbox.inbox.mails[-1][1]


def test_a_silent_host_is_told_of_with_when_it_was_last_heard(mailbox: MailBox) -> None:
    message = _told(mailbox, _standing("silent", WEB))
    assert message["Subject"] == "[Vedette] silent: web-1 sends no snapshots any more"
    assert message["List-Id"] == "Vedette hosts <hosts.example.com>"
    text = body(message)
    assert "last heard: 2026-03-01 11:56:00 UTC" in text
    assert "https://vedette.example.com:8443/hosts/h1" in text
    assert "It stands as unknown" in text
    assert "<td" in body(message, "html")


def test_the_end_of_a_silence_is_told_in_the_same_thread(mailbox: MailBox) -> None:
    first = _told(mailbox, _standing("silent", WEB))
    second = _told(mailbox, _standing("heard", WEB))
    assert second["Subject"] == "[Vedette] heard again: web-1 is heard again"
    assert first["In-Reply-To"] == second["In-Reply-To"]
    assert "its status back" in body(second)


def test_a_host_that_never_sent_anything_is_told_of_as_such(mailbox: MailBox) -> None:
    never = msgspec.structs.replace(WEB, last_seen_at=None)
    message = _told(mailbox, _standing("silent", never))
    assert message["Subject"] == "[Vedette] silent: web-1 never sent a snapshot"
    assert "last heard: never" in body(message)


def test_many_silent_hosts_are_one_mail_with_their_number_and_some_of_them(
    mailbox: MailBox,
) -> None:
    hosts = [
        msgspec.structs.replace(WEB, id=HostId(f"h{n}"), hostname=f"web-{n}") for n in range(10)
    ]
    message = _told(mailbox, _standing("silent", *hosts, count=33))
    assert message["Subject"] == "[Vedette] silent: 33 of 40 hosts fell silent"
    text = body(message)
    assert all(f"web-{n}" in text for n in range(10))
    assert "and 23 more" in text
    assert "/hosts?standing=silent" in text


def test_a_silent_hosts_name_breaks_no_header(mailbox: MailBox) -> None:
    hostile = msgspec.structs.replace(WEB, hostname="web\r\nBcc: x@example.com<b>")
    message = _told(mailbox, _standing("silent", hostile))
    assert message["Bcc"] is None
    assert "web Bcc: x@example.com<b>" in message["Subject"]
    assert "<b>" not in body(message, "html")


def test_an_action_that_says_of_nothing_is_refused(mailbox: MailBox) -> None:
    with pytest.raises(InvalidInput, match="no incident"):
        Mail(mailbox.settings(), URL).plan(
            Job(action=action(incident=None), incident=None, events=(), now=START)
        )
