"""A bad model calls five hundred hosts abnormal at once, under a policy that quarantines by itself.

Real decisions, the real store, a real SMTP server, and hosts that obey: what becomes of all of it at once.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.migrated import migrated
from tests.respond.mail_job import URL, body
from tests.respond.outbreak import stray_host, turn_abnormal
from tests.respond.simulated_host import SimulatedHost
from tests.respond.smtp_server import MailBox
from tests.respond.world import START, TENANT

from vedette.core import (
    Action,
    ActionState,
    IncidentId,
    IncidentKind,
    Limits,
    ManualClock,
    Mode,
    Scope,
    TenantId,
)
from vedette.decide import PolicySet, answer_own, gather
from vedette.respond import Mail, Quarantine, Registry, Responder, schemas
from vedette.seal import SigningKey, verify_command
from vedette.store import Store

S = ActionState
KEY = SigningKey.generate()
HOSTS = 500
# Of the fleet and of what one model judged; the cohort's share is larger.
LIMITS = Limits()
MOST = 25
POLICIES = """
version: 1
policies:
  - {name: tell, on: [opened, raised], mode: auto, then: [{action: mail, with: {to: ["ops@example.com"]}}]}
  - {name: cut, on: [opened], mode: auto, then: [{action: quarantine, with: {lease: 30m}}]}
  - {name: tell-of-breakers, on: [tripped], mode: auto, then: [{action: mail, with: {to: ["owner@example.com"]}}]}
"""


class Fleet:
    """Five hundred hosts that obey, and the responder over their store."""

    def __init__(self, folder: Path, mailbox: MailBox) -> None:
        self.clock = ManualClock(START)
        self.store = Store(migrated(folder / "store.sqlite"), self.clock)
        self.hosts = {stray_host(number): SimulatedHost() for number in range(HOSTS)}
        kinds = Registry([Mail(mailbox.settings(), URL), Quarantine(self.store.commands, KEY)])
        self.responder = Responder(
            self.store,
            kinds,
            self.clock,
            limits=lambda _: LIMITS,
            gather=lambda: self.store.incidents.gather(gather),
            answer_own=self.answer_own,
        )

    def answer_own(self, tenant: TenantId, incident: IncidentId) -> int:
        policies = PolicySet.parse(POLICIES, kinds=schemas())
        return self.store.incidents.answer(
            tenant, incident, lambda one: answer_own(one, policies, self.clock.now())
        )

    def actions(self, policy: str) -> list[Action]:
        found: list[Action] = []
        after = None
        while True:
            page = self.store.actions.find(TENANT, limit=500, after=after)
            found += [one for one in page.items if one.policy == policy]
            if (after := page.next) is None:
                return found

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            while self.responder.tick():
                self.obey()
            self.clock.advance(1)

    def obey(self) -> None:
        now = self.clock.now()
        for ident in {one.host for one in self.actions("cut") if one.dispatched_at is not None}:
            assert ident is not None
            for _, blob in self.store.commands.pending(TENANT, ident, now):
                for result in self.hosts[ident].obey(verify_command(blob, KEY.public), now):
                    self.store.commands.record_result(result, ident, tenant=TENANT)

    def cut_off(self) -> int:
        return sum(bool(machine.in_force) for machine in self.hosts.values())


@pytest.fixture
def fleet(tmp_path: Path, mailbox: MailBox) -> Iterator[Fleet]:
    made = Fleet(tmp_path, mailbox)
    turn_abnormal(made.store, 0, HOSTS, POLICIES, role=lambda _: "web")
    yield made
    made.store.close()


def test_a_bad_model_reaches_nobody_by_itself_and_the_breakers_share_by_two_people_with_one_page(
    fleet: Fleet, mailbox: MailBox
) -> None:
    fleet.run(40)
    _nothing_is_done_by_itself(fleet)
    for one in fleet.actions("cut")[: MOST + 1]:
        for person in ("user:ann", "user:bob"):
            fleet.store.actions.approve(TENANT, one.id, actor=person, reason="these are real")
    fleet.run(40)
    _the_share_was_acted_on(fleet)
    _there_is_one_incident_beside_the_breakers(fleet)
    _one_page_went_out_and_one_word_of_the_breaker(fleet, mailbox)
    _people_are_asked_from_then_on(fleet)


def _nothing_is_done_by_itself(fleet: Fleet) -> None:
    assert fleet.cut_off() == 0
    waiting = fleet.actions("cut")
    assert Counter(one.state for one in waiting) == {S.AWAITING_APPROVAL: HOSTS}
    assert {one.approvals for one in waiting} == {2}
    assert all("its incident is part of a fleet's" in one.detail for one in waiting)
    assert fleet.store.guards.breakers(TENANT) == []


def _the_share_was_acted_on(fleet: Fleet) -> None:
    assert fleet.cut_off() == MOST
    states = Counter(one.state for one in fleet.actions("cut"))
    assert states == {S.VERIFIED: MOST, S.REFUSED: 1, S.AWAITING_APPROVAL: HOSTS - MOST - 1}
    (breaker,) = fleet.store.guards.breakers(TENANT)
    assert (breaker.scope, breaker.acted, breaker.hosts) == (Scope.TENANT, MOST, HOSTS)


def _there_is_one_incident_beside_the_breakers(fleet: Fleet) -> None:
    whole = fleet.store.incidents.find(TENANT, whole=True).items
    kinds = {one.kind: one for one in whole}
    assert len(whole) == len(kinds)
    assert set(kinds) == {IncidentKind.FLEET, IncidentKind.BREAKER}
    assert kinds[IncidentKind.FLEET].hosts == HOSTS


def _one_page_went_out_and_one_word_of_the_breaker(fleet: Fleet, mailbox: MailBox) -> None:
    mails = {message["To"]: message for _, message in mailbox.inbox.mails}
    assert len(mailbox.inbox.mails) == len(mails)
    assert set(mails) == {"ops@example.com", "owner@example.com"}
    assert mails["ops@example.com"]["Subject"] == "[Vedette] high: 500 hosts: CPU use is high"
    assert "A breaker tripped" in body(mails["owner@example.com"])
    assert Counter(one.state for one in fleet.actions("tell")) == {S.VERIFIED: 1, S.REFUSED: HOSTS}


def _people_are_asked_from_then_on(fleet: Fleet) -> None:
    waiting = [one for one in fleet.actions("cut") if one.state is S.AWAITING_APPROVAL]
    assert {one.mode for one in waiting} == {Mode.AUTO}
    assert {one.approvals for one in waiting} == {2}
    for person in ("user:ann", "user:bob"):
        (still,) = [one for one in fleet.actions("cut") if one.id == waiting[0].id]
        assert still.state is S.AWAITING_APPROVAL
        fleet.store.actions.approve(TENANT, waiting[0].id, actor=person, reason="this one is real")
        fleet.run(2)
    (refused,) = [one for one in fleet.actions("cut") if one.id == waiting[0].id]
    assert refused.state is S.REFUSED
    assert "the limit is 25" in refused.detail
    assert fleet.cut_off() == MOST
