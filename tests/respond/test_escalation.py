"""Escalations by the real responder, store and SMTP server: tier after tier, whoever dies where."""

import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from tests.respond.escalating import House, fill, oncall, start
from tests.respond.mail_job import body
from tests.respond.smtp_server import MailBox
from tests.respond.world import HOST, INCIDENT, START, TENANT, VERDICT, action

from vedette.core import (
    ActionState,
    EscalationState,
    IncidentKind,
    Resolution,
    Severity,
    SilenceScope,
)

# What the whole escalation writes; a test holds it.
WRITES = 49
HALF_HOUR = 720


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("escalation") / "filled.sqlite"
    fill(path)
    return path


@pytest.fixture
def house(filled: Path, tmp_path: Path, mailbox: MailBox) -> Iterator[House]:
    made = House(Path(shutil.copy(filled, tmp_path / "store.sqlite")), mailbox.settings())
    yield made
    made.store.close()


def _ids(mailbox: MailBox) -> Counter[str]:
    return Counter(str(message["Message-ID"]) for _, message in mailbox.inbox.mails)


def _whom(mailbox: MailBox) -> list[str]:
    return [to[0].split("@")[0] for to, _ in mailbox.inbox.mails]


def test_each_tier_is_told_in_its_turn_and_the_timeline_tells_of_it(
    house: House, mailbox: MailBox
) -> None:
    house.run(HALF_HOUR)
    assert house.writes == WRITES
    assert sorted(_whom(mailbox)[2:4]) == ["ana", "ben"]
    assert _whom(mailbox)[:2] + _whom(mailbox)[4:] == ["ana", "ana", "eva"]
    assert set(_ids(mailbox).values()) == {1}
    assert house.timeline("escalated") == [
        "tier 1 of 2 of chain ops, time 1 of 2: ana by mail",
        "tier 1 of 2 of chain ops, time 2 of 2: ana by mail",
        "tier 2 of 2 of chain ops: ana, ben by mail",
        "tier 1 of 1 of chain managers: eva by mail",
        "the escalation ended: nobody acknowledged it",
    ]
    assert [run.state for run in house.runs()] == [EscalationState.EXHAUSTED]
    assert "Nobody has acknowledged this incident yet" in body(mailbox.inbox.mails[0][1])


@pytest.mark.parametrize("die", ["before", "after"])
@pytest.mark.parametrize("write", range(1, WRITES + 1))
def test_a_death_at_any_step_neither_loses_nor_doubles_a_tier(
    house: House, mailbox: MailBox, write: int, die: Literal["before", "after"]
) -> None:
    house.die_at, house.die = write, die
    accepted: list[int] = []
    mailbox.inbox.on_accept = lambda: accepted.append(house.writes)
    assert house.run(HALF_HOUR + 120) == 1
    found = _ids(mailbox)
    assert len(found) == 5
    # Sent twice only where it died between the server's 250 and the row that says so, and under the same id.
    lost = {
        str(message["Message-ID"])
        for (_, message), at in zip(mailbox.inbox.mails, accepted, strict=True)
        if die == "before" and at == write - 1
    }
    assert len(lost) <= 1
    assert {ident for ident, count in found.items() if count > 1} == lost
    assert set(found.values()) <= {1, 2}
    assert sorted(dict.fromkeys(_whom(mailbox))) == ["ana", "ben", "eva"]
    assert [run.state for run in house.runs()] == [EscalationState.EXHAUSTED]
    assert len(house.timeline("escalated")) == 5


def test_acknowledging_ends_it_at_once(house: House, mailbox: MailBox) -> None:
    house.run(80)
    assert house.runs()[0].state is EscalationState.RUNNING
    house.store.incidents.acknowledge(TENANT, INCIDENT.id, "user:eva")
    (run,) = house.runs()
    assert (run.state, run.due_at, run.detail) == (
        EscalationState.ACKNOWLEDGED,
        None,
        "acknowledged by user:eva",
    )
    house.run(HALF_HOUR)
    assert _whom(mailbox) == ["ana"]


def test_closing_ends_it_at_once(house: House, mailbox: MailBox) -> None:
    house.run(80)
    house.store.incidents.close(TENANT, INCIDENT.id, "user:eva", Resolution.TRUE_POSITIVE)
    assert [run.state for run in house.runs()] == [EscalationState.CLOSED]
    house.run(HALF_HOUR)
    assert _whom(mailbox) == ["ana"]


def _propose(house: House, *numbers: int) -> None:
    actions = tuple(start(number=number) for number in numbers)
    house.store.incidents.answer(TENANT, INCIDENT.id, lambda _: actions)


def test_what_worsens_starts_the_chain_again_only_after_it_ended_in_vain(
    house: House, mailbox: MailBox
) -> None:
    house.run(80)
    _propose(house, 2)
    house.run(HALF_HOUR)
    assert len(house.runs()) == 1
    second = house.store.actions.get(TENANT, start(number=2).id)
    assert second.state is ActionState.REFUSED
    assert "runs for its incident already" in second.detail
    _propose(house, 3)
    house.run(HALF_HOUR)
    assert [run.state for run in house.runs()] == [EscalationState.EXHAUSTED] * 2
    assert len(_ids(mailbox)) == 10
    house.store.incidents.acknowledge(TENANT, INCIDENT.id, "user:eva")
    _propose(house, 4)
    house.run(80)
    third = house.store.actions.get(TENANT, start(number=4).id)
    assert third.detail == "user:eva has acknowledged its incident"
    house.store.incidents.close(TENANT, INCIDENT.id, "user:eva", Resolution.TRUE_POSITIVE)
    _propose(house, 5)
    house.run(80)
    assert house.store.actions.get(TENANT, start(number=5).id).detail == "its incident is closed"


def test_a_chain_that_is_not_there_or_nothing_to_acknowledge_fails_in_words(house: House) -> None:
    house.oncall = oncall("version: 1")
    house.run(80)
    failed = house.store.actions.get(TENANT, start().id)
    assert (failed.state, failed.detail) == (
        ActionState.FAILED,
        "there is no chain 'ops' in the on-call document",
    )
    house.store.incidents.answer(
        TENANT, INCIDENT.id, lambda _: (start(number=2, incident=None, trigger="silent"),)
    )
    house.run(80)
    other = house.store.actions.get(TENANT, start(number=2).id)
    assert "answers no incident" in other.detail


def test_a_dry_run_begins_nothing(house: House, mailbox: MailBox) -> None:
    house.oncall = oncall()
    house.store.incidents.answer(
        TENANT, INCIDENT.id, lambda _: (start("managers", number=2, dry_run=True),)
    )
    house.run(80)
    dry = house.store.actions.get(TENANT, start(number=2).id)
    assert (dry.state, dry.plan) == (ActionState.SIMULATED, {"chain": "managers"})
    assert [run.chain for run in house.runs()] == ["ops"]
    assert _whom(mailbox) == ["ana"]


def test_while_it_is_silenced_nobody_is_told_and_then_in_turn(
    house: House, mailbox: MailBox
) -> None:
    house.run(80)
    house.store.silences.create(
        TENANT,
        SilenceScope(host=HOST),
        ends_at=house.clock.now() + timedelta(minutes=30),
        owner="user:eva",
        reason="known",
    )
    house.run(1_800)
    assert _whom(mailbox) == ["ana"]
    assert len(house.timeline("held")) == 1
    house.run(HALF_HOUR)
    assert len(mailbox.inbox.mails) == 5


def test_the_kill_switch_does_not_keep_people_from_being_told(
    house: House, mailbox: MailBox
) -> None:
    house.store.guards.throw(TENANT, actor="user:eva", reason="stop")
    house.run(HALF_HOUR)
    assert len(_ids(mailbox)) == 5


def test_people_are_told_of_a_breaker_that_trips(house: House, mailbox: MailBox) -> None:
    house.store.incidents.acknowledge(TENANT, INCIDENT.id, "user:eva")
    own = house.store.incidents.raise_own(
        TENANT,
        "breaker:tenant:",
        title="A breaker tripped: 5 of 90 hosts",
        severity=Severity.HIGH,
        actor="system:respond",
    )
    assert own.kind is IncidentKind.BREAKER
    house.run(80)
    ((to, message),) = mailbox.inbox.mails
    assert to == ["owner@example.com"]
    assert "A breaker tripped: 5 of 90 hosts" in str(message["Subject"])
    assert "waits for people" in body(message)
    for kind in ("plain", "html"):
        assert "snapshot" not in body(message, kind)
        assert "Peak" not in body(message, kind)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"held_by": "s1"}, "silence s1 held it until there was nothing new to tell"),
        ({}, "its time ran out before it began"),
        ({"state": ActionState.AWAITING_APPROVAL}, "nobody decided in time"),
    ],
)
def test_what_expires_says_what_it_waited_for(
    house: House, changes: dict[str, str], words: str
) -> None:
    late = action(7, expires_at=START, **changes)
    house.store.incidents.answer(TENANT, INCIDENT.id, lambda _: (late,))
    house.clock.advance(60)
    house.run(40)
    found = house.store.actions.get(VERDICT.tenant, late.id)
    assert (found.state, found.detail) == (ActionState.EXPIRED, words)


@pytest.mark.parametrize("how", ["acknowledged", "closed"])
def test_a_mail_that_waits_to_be_tried_again_is_called_back_when_somebody_takes_over(
    house: House, mailbox: MailBox, how: str
) -> None:
    mailbox.inbox.to["ana@example.com"] = "451 later"
    house.run(10, each=5)
    (told,) = house.store.actions.find(TENANT, kind="mail").items
    assert (told.state, told.attempts) == (ActionState.DISPATCHED, 1)
    if how == "acknowledged":
        house.store.incidents.acknowledge(TENANT, INCIDENT.id, "user:eva")
    else:
        house.store.incidents.close(TENANT, INCIDENT.id, "user:eva", Resolution.TRUE_POSITIVE)
    mailbox.inbox.to.clear()
    house.run(10, each=5)
    after = house.store.actions.get(TENANT, told.id)
    assert (after.state, after.detail) == (
        ActionState.CANCELLED,
        f"user:eva {how} the incident; it had not gone out; it is not tried again after attempt 1",
    )
    house.run(HALF_HOUR)
    assert _whom(mailbox) == []
