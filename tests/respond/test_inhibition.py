"""What is not told beside what explains it, and is told when that is over."""

from datetime import timedelta
from typing import Any, Final

import pytest
from tests.respond.mail_job import URL
from tests.respond.smtp_server import MailBox
from tests.respond.world import (
    HOST,
    INCIDENT,
    START,
    TENANT,
    MemoryWorld,
    StoreWorld,
    action,
    events,
    quarantine,
    state,
)

from vedette.core import (
    ActionState,
    Conflict,
    Explained,
    Explaining,
    Inhibition,
    Limits,
    Resolution,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
)
from vedette.respond import Job, Mail, Registry, Responder, schemas
from vedette.respond.outcome import Outcome, Waiting

CUT = quarantine(7, dry_run=False, disruptive=True)
RULE = Inhibition(
    name="cut-off",
    explains=Explaining(actions=("quarantine",)),
    explained=Explained(severity=Severity.HIGH),
    most_seconds=3_600.0,
)
SILENCE = Silence(
    id="silence-1",
    tenant=TENANT,
    kind=SilenceKind.SILENCE,
    scope=SilenceScope(host=HOST),
    starts_at=START,
    ends_at=START + timedelta(minutes=10),
    owner="user:ada",
    reason="a known one",
    created_at=START,
)


class Cut:
    """A quarantine that its host has taken, and of which nothing more is heard."""

    schema = schemas()["quarantine"]
    remote: Final = True

    def plan(self, job: Job) -> dict[str, Any]:
        del job
        return {}

    def apply(self, job: Job) -> Outcome:
        del job
        return Waiting()

    def probe(self, job: Job) -> Outcome:
        del job
        return Waiting()


class Gathering(Cut):
    """Evidence that its host is asked for."""

    schema = schemas()["collect"]


class Desk:
    """Responders with a real mail server, of which each could be another process."""

    def __init__(self, world: Any, mailbox: MailBox) -> None:
        self.world, self.mailbox = world, mailbox
        self.rules: tuple[Inhibition, ...] = (RULE,)
        self.responders = [self._responder()]

    def again(self) -> None:
        """As after a restart."""
        self.responders = [self._responder()]

    def twice(self) -> None:
        """A second one beside the first."""
        self.responders.append(self._responder())

    def run(self, minutes: float = 0.0) -> int:
        """Mails that came by then."""
        for _ in range(int(minutes * 2) + 1):
            for responder in self.responders:
                while responder.tick():
                    pass
            self.world.clock.advance(30)
        return len(self.mailbox.inbox.mails)

    def _responder(self) -> Responder:
        kinds = Registry([Mail(self.mailbox.settings(), URL), Cut(), Gathering()])
        return Responder(
            self.world.ports, kinds, self.world.clock, inhibits=lambda _tenant: self.rules
        )


def _begin(world: Any) -> None:
    world.propose(CUT)
    if isinstance(world, MemoryWorld):
        world.memory.silences.standing.add(RULE.name)
    actions = world.ports.actions
    actions.advance(TENANT, CUT.id, ActionState.APPROVED, actor="user:ann")
    actions.dispatch(
        TENANT, CUT.id, actor="user:ann", expected=ActionState.APPROVED, limits=Limits(least=1)
    )
    actions.advance(TENANT, CUT.id, ActionState.ACKNOWLEDGED, actor="user:ann")


def _end(world: Any) -> None:
    if isinstance(world, MemoryWorld):
        world.memory.silences.standing.clear()
    world.ports.actions.advance(TENANT, CUT.id, ActionState.FAILED, actor="user:ann")


@pytest.fixture
def desk(world: Any, mailbox: MailBox) -> Desk:
    _begin(world)
    world.propose(action(proposed_at=START + timedelta(seconds=1)))
    return Desk(world, mailbox)


def _told(desk: Desk) -> Any:
    return desk.world.ports.actions.get(TENANT, action().id)


def test_what_is_explained_is_held_once_and_told_when_that_is_over(desk: Desk) -> None:
    desk.twice()
    assert desk.run(5) == 0
    desk.again()
    assert desk.run(5) == 0
    held = _told(desk)
    assert (held.state, held.held_by) == (ActionState.PROPOSED, "inhibition:cut-off")
    whys = [step.detail for step in events(desk.world, held) if "held by inhibition" in step.detail]
    assert len(whys) == 1
    assert whys[0].startswith("held by inhibition cut-off because of ")
    _end(desk.world)
    assert desk.run(2) == 1
    assert state(desk.world, held) is ActionState.VERIFIED


def test_what_was_closed_meanwhile_is_not_told(desk: Desk) -> None:
    desk.run(1)
    desk.world.close(Resolution.TRUE_POSITIVE)
    _end(desk.world)
    assert desk.run(2) == 0
    assert "closed while it was held" in _told(desk).detail


def test_no_rule_holds_for_longer_than_it_may(desk: Desk) -> None:
    assert desk.run(58) == 0
    assert desk.run(3) == 1


def test_a_rule_that_is_no_more_holds_nothing(desk: Desk) -> None:
    assert desk.run(1) == 0
    desk.rules = ()
    assert desk.run(2) == 1


def test_what_a_silence_held_may_then_be_held_by_a_rule(desk: Desk) -> None:
    desk.world.silence(SILENCE)
    desk.run(5)
    assert any("user:ada: a known one" in step.detail for step in events(desk.world, _told(desk)))
    assert desk.run(10) == 0
    assert _told(desk).held_by == "inhibition:cut-off"
    _end(desk.world)
    assert desk.run(2) == 1


def test_evidence_is_asked_for_at_once_whatever_explains_the_incident(desk: Desk) -> None:
    evidence = action(2, kind="collect", proposed_at=START + timedelta(seconds=1))
    desk.world.propose(evidence)
    assert desk.run(1) == 0
    kept = desk.world.ports.actions.get(TENANT, evidence.id)
    assert (kept.state, kept.held_by) == (ActionState.DISPATCHED, "")
    assert _told(desk).held_by == "inhibition:cut-off"


def test_a_silence_holds_what_asks_for_evidence(desk: Desk) -> None:
    desk.world.silence(SILENCE)
    evidence = action(2, kind="collect", proposed_at=START + timedelta(seconds=1))
    desk.world.propose(evidence)
    desk.run(1)
    kept = desk.world.ports.actions.get(TENANT, evidence.id)
    assert kept.state is ActionState.PROPOSED
    assert any("user:ada: a known one" in step.detail for step in events(desk.world, kept))


def test_of_two_that_hold_the_same_one_comes_too_late(desk: Desk) -> None:
    silences = desk.world.ports.silences
    seen = _told(desk)
    held = silences.explained(seen, [RULE])
    assert held is not None
    silences.hold(seen, held)
    with pytest.raises(Conflict):
        silences.hold(seen, held)


def test_what_ran_out_while_it_was_held_says_by_what(world: StoreWorld, mailbox: MailBox) -> None:
    _begin(world)
    world.propose(action(proposed_at=START + timedelta(seconds=1)))
    desk = Desk(world, mailbox)
    desk.run(1)
    world.clock.advance(86_400)
    desk.run()
    assert _told(desk).state is ActionState.EXPIRED
    assert "inhibition:cut-off held it" in _told(desk).detail
    assert INCIDENT.severity is Severity.HIGH
