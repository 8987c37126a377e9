"""Many incidents at once that have nothing in common: a few mails and one digest, by the real store and a real SMTP server."""

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.migrated import migrated
from tests.respond.mail_job import URL, body
from tests.respond.receiver import Receiver
from tests.respond.smtp_server import MailBox
from tests.respond.world import INCIDENT, START, TENANT, VERDICT, action

from vedette.core import (
    DIGEST,
    Action,
    ActionId,
    ActionState,
    HostDescription,
    HostId,
    Incident,
    IncidentId,
    ManualClock,
    Severity,
    verdict_id,
)
from vedette.decide import Crowding, gather
from vedette.respond import DIGESTED, Channel, Job, Mail, Registry, Responder, chat
from vedette.respond.outcome import Retry, Verified
from vedette.store import Effect, Store

CROWDING = Crowding(kinds=DIGESTED, most=3, seconds=60.0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), clock)
    yield made
    made.close()


def _incident(number: int, severity: Severity = Severity.MEDIUM) -> Incident:
    return msgspec.structs.replace(
        INCIDENT,
        id=IncidentId(f"incident-{number:03d}"),
        host=HostId(f"host-{number:03d}"),
        hostname=f"web-{number}",
        title=f"web-{number}: reason {number} <b>",
        severity=severity,
        causes=(f"cause-{number}",),
        model=f"sha256:{number}",
        opened_at=START + timedelta(seconds=number),
    )


def _open(store: Store, number: int, severity: Severity = Severity.MEDIUM) -> ActionId:
    incident = _incident(number, severity)
    assert incident.host is not None
    mail = action(number, incident=incident.id, host=incident.host, gather_seconds=1.0)
    verdict = msgspec.structs.replace(VERDICT, host=incident.host, seq=number + 1)
    effect = Effect(
        verdict=msgspec.structs.replace(verdict, id=verdict_id(verdict.identity)),
        description=HostDescription(id=incident.host, hostname=incident.hostname),
        incidents=(incident,),
        actions=(mail,),
    )
    store.apply([effect], actor="system:detector")
    return mail.id


def _responder(store: Store, mailbox: MailBox, clock: ManualClock) -> Responder:
    """A new one, as after a restart: all that it knows is in the rows."""
    kinds = Registry([Mail(mailbox.settings(), URL)])
    rule = partial(gather, crowding=CROWDING)
    return Responder(
        store, kinds, clock, gather=lambda: store.incidents.gather(rule), sweep_seconds=0.0
    )


def _run(store: Store, mailbox: MailBox, clock: ManualClock, seconds: int) -> None:
    for _ in range(seconds):
        responder = _responder(store, mailbox, clock)
        while responder.tick():
            pass
        clock.advance(1)


def _digests(store: Store) -> list[Action]:
    return [one for one in store.actions.find(TENANT).items if one.trigger == DIGEST]


def test_a_crowd_of_incidents_is_a_few_mails_and_one_digest_over_restarts(
    store: Store, mailbox: MailBox, clock: ManualClock
) -> None:
    mails = [_open(store, number) for number in range(12)]
    _run(store, mailbox, clock, 10)
    assert len(mailbox.inbox.mails) == 3
    late = _open(store, 20)
    _run(store, mailbox, clock, 70)
    assert len(mailbox.inbox.mails) == 4
    message = mailbox.inbox.mails[-1][1]
    assert message["Subject"] == "[Vedette] medium: 10 incidents in a digest"
    for part in (body(message), body(message, "html")):
        found = re.findall(r"8443/incidents/incident-(\d+)", part)
        assert sorted(map(int, found)) == [*range(3, 12), 20]
    assert "reason 5 <b>" in body(message)
    assert "reason 5 &lt;b&gt;" in body(message, "html")
    (digest,) = _digests(store)
    assert digest.state is ActionState.VERIFIED
    assert message["Message-ID"] == f"<action.{digest.id}@example.com>"
    for gathered in (*mails[3:], late):
        told = store.actions.get(TENANT, gathered)
        assert told.state is ActionState.REFUSED
        assert f"digest {digest.id} tells of it" in told.detail
    _run(store, mailbox, clock, 130)
    assert len(mailbox.inbox.mails) == 4


def test_what_is_worse_is_not_kept_for_the_digest_and_afterwards_mails_are_single_again(
    store: Store, mailbox: MailBox, clock: ManualClock
) -> None:
    for number in range(5):
        _open(store, number)
    _run(store, mailbox, clock, 5)
    _open(store, 6, Severity.CRITICAL)
    _run(store, mailbox, clock, 5)
    assert "critical: web-6" in mailbox.inbox.mails[-1][1]["Subject"]
    _run(store, mailbox, clock, 60)
    assert "2 incidents in a digest" in mailbox.inbox.mails[-1][1]["Subject"]
    _open(store, 7)
    _run(store, mailbox, clock, 65)
    assert "1 incident in a digest" in mailbox.inbox.mails[-1][1]["Subject"]
    clock.advance(61)
    _open(store, 8)
    _run(store, mailbox, clock, 5)
    assert "medium: web-8" in mailbox.inbox.mails[-1][1]["Subject"]


def test_a_digest_that_is_not_taken_yet_is_sent_again_with_its_id(
    store: Store, mailbox: MailBox, clock: ManualClock
) -> None:
    for number in range(5):
        _open(store, number)
    _run(store, mailbox, clock, 5)
    mailbox.inbox.data.append("451 try later")
    _run(store, mailbox, clock, 70)
    (digest,) = _digests(store)
    assert digest.state is ActionState.DISPATCHED
    _run(store, mailbox, clock, 40)
    (digest,) = _digests(store)
    assert digest.state is ActionState.VERIFIED
    assert len(mailbox.inbox.mails) == 4


def test_a_chat_is_told_the_worst_of_a_digest_and_how_many_there_are(tmp_path: Path) -> None:
    ones = tuple(_incident(number) for number in range(7))
    worst = _incident(8, Severity.HIGH)
    given = action(
        incident=None,
        host=None,
        trigger=DIGEST,
        kind="chat",
        parameters={"to": ["ops"], "incidents": [], "more": 4},
    )
    told = Job(action=given, incident=None, events=(), now=START, gathered=(*ones, worst))
    with Receiver(tmp_path, tls=False) as receiver:
        channel = Channel(name="ops", url=f"json://127.0.0.1:{receiver.port}")
        assert isinstance(chat([channel]).apply(told), Verified)
        (request,) = receiver.requests
    said = msgspec.json.decode(request.body)
    assert said["title"] == "[Vedette] high: 12 incidents in a digest"
    assert said["message"].splitlines()[1] == "- high: web-8: reason 8 <b>"
    assert said["message"].splitlines()[-1] == "- and 7 more"


def test_a_long_digest_says_how_many_it_does_not_list(mailbox: MailBox) -> None:
    given = action(
        incident=None,
        host=None,
        trigger=DIGEST,
        parameters={"to": ["ops@example.com"], "incidents": [], "more": 4},
    )
    told = Job(action=given, incident=None, events=(), now=START, gathered=(_incident(1),))
    assert isinstance(Mail(mailbox.settings()).apply(told), Verified)
    ((_, message),) = mailbox.inbox.mails
    assert "* and 4 more" in body(message)
    assert "<li>and 4 more</li>" in body(message, "html")
    assert "https://" not in body(message)


def test_one_who_is_refused_a_digest_does_not_end_it_for_one_who_may_have_it_later(
    mailbox: MailBox,
) -> None:
    given = action(
        incident=None,
        host=None,
        trigger=DIGEST,
        parameters={"to": ["gone@example.com", "slow@example.com"], "incidents": [], "more": 0},
    )
    told = Job(action=given, incident=None, events=(), now=START, gathered=(_incident(1),))
    mailbox.inbox.to |= {"gone@example.com": "550 gone", "slow@example.com": "451 later"}
    outcome = Mail(mailbox.settings()).apply(told)
    assert isinstance(outcome, Retry)
    assert outcome.data["refused"] == {"gone@example.com": "550 gone"}
