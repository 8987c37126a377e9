"""Five hundred hosts that turn abnormal at once are one incident and one mail, by the real store and a real SMTP server."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.migrated import migrated
from tests.respond.mail_job import URL, body
from tests.respond.outbreak import POLICIES, turn_abnormal
from tests.respond.smtp_server import MailBox
from tests.respond.world import START, TENANT

from vedette.core import ActionState, IncidentKind, ManualClock
from vedette.decide import gather
from vedette.respond import Mail, Registry, Responder
from vedette.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), clock)
    yield made
    made.close()


def _responder(store: Store, mailbox: MailBox, clock: ManualClock) -> Responder:
    kinds = Registry([Mail(mailbox.settings(), URL)])
    return Responder(store, kinds, clock, gather=lambda: store.incidents.gather(gather))


def _run(responder: Responder, clock: ManualClock, seconds: int) -> None:
    for _ in range(seconds):
        while responder.tick():
            pass
        clock.advance(1)


def test_five_hundred_hosts_at_once_are_one_incident_and_one_mail(
    store: Store, clock: ManualClock, mailbox: MailBox
) -> None:
    turn_abnormal(store, 0, 500)
    _run(_responder(store, mailbox, clock), clock, 40)
    (storm,) = store.incidents.find(TENANT, whole=True).items
    assert (storm.kind, storm.hosts) == (IncidentKind.FLEET, 500)
    ((_, message),) = mailbox.inbox.mails
    assert message["Subject"] == "[Vedette] high: 500 hosts: CPU use is high"
    assert "Hosts:       500" in body(message)
    assert "<td>500</td>" in body(message, "html")
    assert f"/incidents/{storm.id}" in body(message)
    states = store.actions.counts_by_state(TENANT)
    assert states[ActionState.REFUSED] == 500
    assert states[ActionState.VERIFIED] == 1
    assert sum(states.values()) == 501


def test_a_few_hosts_are_told_of_one_by_one_once_they_have_waited(
    store: Store, clock: ManualClock, mailbox: MailBox
) -> None:
    turn_abnormal(store, 0, 3)
    responder = _responder(store, mailbox, clock)
    _run(responder, clock, 14)
    assert mailbox.inbox.mails == []
    _run(responder, clock, 5)
    assert len(mailbox.inbox.mails) == 3


def test_a_responder_that_was_down_gathers_before_it_tells(
    store: Store, clock: ManualClock, mailbox: MailBox
) -> None:
    turn_abnormal(store, 0, 40)
    clock.advance(3_600 - 60)
    _run(_responder(store, mailbox, clock), clock, 5)
    assert len(mailbox.inbox.mails) == 1


def test_what_a_slow_look_let_come_is_gathered_before_it_is_told(
    store: Store, clock: ManualClock, mailbox: MailBox
) -> None:
    responder = _responder(store, mailbox, clock)
    responder.tick()
    turn_abnormal(store, 0, 40)
    clock.advance(60)
    # The next look begins with the notices, which came long ago; only its end gathers.
    _run(responder, clock, 5)
    assert len(mailbox.inbox.mails) == 1


def test_a_policy_may_have_each_host_told_of_at_once(
    store: Store, clock: ManualClock, mailbox: MailBox
) -> None:
    text = POLICIES.replace("mode: auto,", "mode: auto, within: {gather: 0s},")
    turn_abnormal(store, 0, 12, text)
    _run(_responder(store, mailbox, clock), clock, 1)
    assert len(mailbox.inbox.mails) == 12
