"""Modes, timers and retries, over the fake ports and over the real store."""

from datetime import timedelta
from typing import Any

import pytest
from tests.respond.smtp_server import MailBox
from tests.respond.world import (
    START,
    TENANT,
    MemoryWorld,
    World,
    action,
    decide,
    events,
    quarantine,
    state,
    states,
)

from vedette.core import ActionId, ActionState, Conflict, IncidentId, Mode
from vedette.respond import Job, Mail, MailSchema, MailServer, Registry, Responder
from vedette.respond.outcome import Outcome, Retry
from vedette.respond.schedule import MAX_ATTEMPTS, next_attempt

S = ActionState


def responder(world: World, server: MailServer | None = None) -> Responder:
    mail = Mail(server or MailServer(host="127.0.0.1", port=1, sender="v@example.com"))
    return Responder(world.ports, Registry([mail]), world.clock, sweep_seconds=0.0)


def test_observe_mode_writes_down_what_would_have_been(world: World) -> None:
    given = action(mode=Mode.OBSERVE)
    dry = quarantine(2, mode=Mode.OBSERVE)
    world.propose(given, dry)
    responder(world).tick()
    assert state(world, given) is state(world, dry) is S.REFUSED
    assert events(world, given)[-1].detail == "observe mode: would have done mail"
    assert events(world, dry)[-1].detail == "observe mode: would have done quarantine as a dry run"


def test_approve_mode_waits_for_a_person(world: World, mailbox: MailBox) -> None:
    given = action(mode=Mode.APPROVE)
    made = responder(world, mailbox.settings())
    world.propose(given)
    made.tick()
    made.tick()
    assert state(world, given) is S.AWAITING_APPROVAL
    assert not mailbox.inbox.mails
    decide(world, given, S.APPROVED)
    made.tick()
    assert state(world, given) is S.VERIFIED
    assert world.ports.actions.get(TENANT, given.id).decided_by == "user:ann"


def test_what_a_person_refuses_is_not_done(world: World, mailbox: MailBox) -> None:
    given = action(mode=Mode.APPROVE)
    made = responder(world, mailbox.settings())
    world.propose(given)
    made.tick()
    decide(world, given, S.REFUSED, "a drill")
    made.tick()
    assert state(world, given) is S.REFUSED
    assert not mailbox.inbox.mails


def test_auto_mode_goes_the_whole_way_in_order(world: World, mailbox: MailBox) -> None:
    given = action()
    world.propose(given)
    assert responder(world, mailbox.settings()).tick() > 0
    assert states(world, given)[-5:] == [
        "approved",
        "dispatched",
        "acknowledged",
        "applied",
        "verified",
    ]
    ended = world.ports.actions.get(TENANT, given.id)
    assert ended.attempts == 1
    assert events(world, given)[-1].data["accepted"] == ["ops@example.com"]
    assert len(mailbox.inbox.mails) == 1
    assert world.waiting() == 0


def test_with_nothing_to_do_it_says_so(world: World) -> None:
    made = responder(world)
    made.tick()
    assert made.tick() == 0


def test_the_attempt_is_on_disk_before_the_call(world: World, mailbox: MailBox) -> None:
    given = action()
    seen: list[tuple[ActionState, int]] = []

    def look() -> None:
        row = world.ports.actions.get(TENANT, given.id)
        seen.append((row.state, row.attempts))

    mailbox.inbox.on_accept = look
    world.propose(given)
    responder(world, mailbox.settings()).tick()
    assert seen == [(S.DISPATCHED, 1)]


def test_an_approval_that_nobody_gives_expires(world: World) -> None:
    given = action(mode=Mode.APPROVE)
    made = responder(world)
    world.propose(given)
    made.tick()
    world.clock.step(given.expires_at - timedelta(seconds=1))
    made.tick()
    assert state(world, given) is S.AWAITING_APPROVAL
    world.clock.step(given.expires_at)
    made.tick()
    assert state(world, given) is S.EXPIRED
    with pytest.raises(Conflict):
        decide(world, given, S.APPROVED)


def test_a_proposal_from_a_past_that_is_over_expires_unseen(world: World) -> None:
    given = action()
    world.clock.step(given.expires_at + timedelta(days=1))
    world.propose(given)
    responder(world).tick()
    assert state(world, given) is S.EXPIRED


def test_what_was_approved_before_a_long_outage_is_not_begun(
    world: World, mailbox: MailBox
) -> None:
    given = action()
    world.propose(given)
    decide(world, given, S.APPROVED)
    world.clock.step(given.expires_at + timedelta(minutes=15))
    responder(world, mailbox.settings()).tick()
    assert state(world, given) is S.EXPIRED
    assert not mailbox.inbox.mails


def test_a_temporary_refusal_is_tried_again_after_half_a_minute(
    world: World, mailbox: MailBox
) -> None:
    given = action()
    mailbox.inbox.data.append("451 later")
    made = responder(world, mailbox.settings())
    world.propose(given)
    made.tick()
    assert state(world, given) is S.DISPATCHED
    world.clock.advance(29)
    made.tick()
    assert world.ports.actions.get(TENANT, given.id).attempts == 1
    world.clock.advance(1)
    responder(world, mailbox.settings()).tick()
    assert state(world, given) is S.VERIFIED
    assert [event.detail for event in events(world, given)][-5:-2] == [
        "not yet for ops@example.com (451 later)",
        "attempt 2",
        "accepted for 1 recipients",
    ]


def test_a_permanent_refusal_fails_at_once(world: World, mailbox: MailBox) -> None:
    given = action()
    mailbox.inbox.to["ops@example.com"] = "550 no such user"
    world.propose(given)
    responder(world, mailbox.settings()).tick()
    assert state(world, given) is S.FAILED
    assert "ops@example.com (550 no such user)" in events(world, given)[-1].detail


def test_without_a_mail_server_it_fails_and_says_what_to_set(world: World) -> None:
    given = action()
    world.propose(given)
    responder(world, MailServer()).tick()
    assert state(world, given) is S.FAILED
    assert events(world, given)[-1].detail == "no mail server is set; set mail.host"
    assert world.ports.actions.get(TENANT, given.id).attempts == 0


def test_delays_double_up_to_an_hour() -> None:
    delays = [
        (next_attempt(action(attempts=n)) - START).total_seconds() for n in range(MAX_ATTEMPTS)
    ]
    assert delays[:9] == [30, 30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(delays[9:]) == {3600}
    assert 80_000 < sum(delays) < 90_000


def test_it_gives_up_in_the_end(world: World) -> None:
    given = action()
    made = responder(world)
    world.propose(given)
    for _ in range(MAX_ATTEMPTS + 1):
        made.tick()
        world.clock.advance(3600)
    assert state(world, given) is S.FAILED
    assert events(world, given)[-1].detail == f"gave up after {MAX_ATTEMPTS} attempts"


class _Broken:
    """A kind that breaks in ways nobody thought of."""

    schema = Mail(MailServer()).schema

    def __init__(self, *, remote: bool) -> None:
        self.remote = remote

    def plan(self, job: Job) -> dict[str, str]:
        del job
        return {}

    def apply(self, job: Job) -> Outcome:
        raise ZeroDivisionError(job.action.id)

    def probe(self, job: Job) -> Outcome:
        raise ZeroDivisionError(job.action.id)


def test_a_kind_that_breaks_is_retried_and_holds_nothing_else_back(world: World) -> None:
    broken, other = action(1), action(2, mode=Mode.OBSERVE)
    world.propose(broken, other)
    made = Responder(world.ports, Registry([_Broken(remote=False)]), world.clock, sweep_seconds=0.0)
    made.tick()
    assert state(world, broken) is S.DISPATCHED
    assert "broke with ZeroDivisionError" in events(world, broken)[-1].detail
    assert state(world, other) is S.REFUSED


class _Misread(_Broken):
    """Breaks before anything is asked of anybody."""

    def plan(self, job: Job) -> dict[str, str]:
        raise LookupError(job.action.id)


def test_what_breaks_over_one_row_holds_nothing_else_back(world: World) -> None:
    broken, other = action(1), action(2, mode=Mode.OBSERVE)
    world.propose(broken, other)
    kinds = Registry([_Misread(remote=False)])
    Responder(world.ports, kinds, world.clock, sweep_seconds=0.0).tick()
    assert state(world, broken) is S.APPROVED
    assert state(world, other) is S.REFUSED


class _Overtaken(_Broken):
    """Another one writes down how it ended while this one is still at it."""

    def __init__(self, world: World) -> None:
        super().__init__(remote=False)
        self.world = world

    def apply(self, job: Job) -> Outcome:
        decide(self.world, job.action, S.FAILED, "given up by another")
        return Retry(detail="busy")


def test_the_word_of_the_one_that_wrote_first_stays(world: World) -> None:
    given = action()
    world.propose(given)
    kinds = Registry([_Overtaken(world)])
    Responder(world.ports, kinds, world.clock, sweep_seconds=0.0).tick()
    assert state(world, given) is S.FAILED
    assert events(world, given)[-1].detail == "given up by another"


def test_a_remote_kind_that_breaks_ends_within_a_day(world: World) -> None:
    given = action()
    world.propose(given)
    kinds = Registry([_Broken(remote=True)])
    made = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)
    made.tick()
    steps = len(events(world, given))
    world.clock.advance(86_399)
    made.tick()
    assert len(events(world, given)) == steps
    world.clock.advance(1)
    made.tick()
    assert state(world, given) is S.FAILED
    assert events(world, given)[-1].detail == "no answer for a day"


def test_an_action_of_another_version_fails_and_says_so(world: World) -> None:
    given = action(kind="teleport")
    world.propose(given)
    responder(world).tick()
    assert state(world, given) is S.FAILED
    assert events(world, given)[-1].detail == "this version has no action 'teleport'"


def test_two_responders_send_one_mail(world: World, mailbox: MailBox) -> None:
    given = action()
    world.propose(given)
    second = responder(world, mailbox.settings())
    mailbox.inbox.on_accept = lambda: None
    first = responder(world, mailbox.settings())
    first.tick()
    second.tick()
    assert len(mailbox.inbox.mails) == 1


def test_one_that_loses_the_race_leaves_it_to_the_other(world: World) -> None:
    given = action(mode=Mode.APPROVE)
    world.propose(given)
    stale = world.ports.actions.get(TENANT, given.id)
    decide(world, given, S.CANCELLED)
    assert responder(world)._settle_safely(stale) == 0
    assert state(world, given) is S.CANCELLED


def test_rows_are_swept_without_any_notice(world: World, mailbox: MailBox) -> None:
    given = action()
    world.propose(given)
    taken = world.ports.outbox.take(100)
    world.ports.outbox.done([notice.id for notice in taken])
    responder(world, mailbox.settings()).tick()
    assert state(world, given) is S.VERIFIED


def test_between_sweeps_only_notices_are_looked_at(world: World) -> None:
    made = Responder(world.ports, Registry([]), world.clock, sweep_seconds=10.0)
    made.tick()
    given = action(mode=Mode.OBSERVE)
    world.propose(given)
    made.tick()
    assert state(world, given) is S.REFUSED
    late = action(2, mode=Mode.OBSERVE)
    world.propose(late)
    world.ports.outbox.done([notice.id for notice in world.ports.outbox.take(100)])
    made.tick()
    assert state(world, late) is S.PROPOSED
    world.clock.advance(10)
    made.tick()
    assert state(world, late) is S.REFUSED


def test_a_notice_of_what_is_not_there_is_passed_over() -> None:
    world = MemoryWorld()
    for kind in ("action.proposed", "command.result", "incident.opened", "host.label"):
        world.memory.outbox.post(kind, TENANT, ActionId("nobody"))
    assert responder(world).tick() == 4
    assert world.waiting() == 0


def test_an_action_that_is_stuck_holds_nothing_else_back() -> None:
    world = MemoryWorld()
    stuck, other = action(1, incident=IncidentId("gone")), action(2, mode=Mode.OBSERVE)
    world.propose(stuck, other)
    responder(world).tick()
    assert state(world, stuck) is S.APPROVED
    assert state(world, other) is S.REFUSED


class _Busy:
    """A real kind's shape: whoever is told wants an hour to pass first."""

    remote = False

    def __init__(self) -> None:
        self.schema = MailSchema()
        self.tries = 0

    def plan(self, job: Job) -> dict[str, Any]:
        del job
        return {}

    def apply(self, job: Job) -> Outcome:
        del job
        self.tries += 1
        return Retry(detail="busy", wait_seconds=3_600.0 if self.tries == 1 else 0.0)

    def probe(self, job: Job) -> Outcome:
        raise AssertionError(job)


def test_an_attempt_is_not_made_again_before_the_time_that_was_asked_for(world: World) -> None:
    kind, given = _Busy(), action()
    made = Responder(world.ports, Registry([kind]), world.clock, sweep_seconds=0.0)
    world.propose(given)
    made.tick()
    for minutes, tries in ((1, 1), (58, 1), (1, 2), (0.5, 2), (0.5, 3)):
        world.clock.advance(minutes * 60.0)
        made.tick()
        assert kind.tries == tries
