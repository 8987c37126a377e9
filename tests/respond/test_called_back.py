"""What an escalation tells is called back once somebody has taken up the incident; what has gone out is not."""

from collections import Counter
from typing import Any

import msgspec
import pytest
from tests.respond.crashes import Telling
from tests.respond.world import INCIDENT, TENANT, MemoryWorld, action, state

from vedette.core import Action, ActionState, IncidentId, Mode
from vedette.respond import Registry, Responder

S = ActionState
HOME = IncidentId("44444444-4444-4444-8444-444444444444")


class Play:
    """A responder whose teller does what its script says."""

    def __init__(self, *script: str) -> None:
        self.world = MemoryWorld()
        self.kind = Telling(Counter())
        self.kind.script = list(script)
        self.responder = Responder(
            self.world.ports, Registry([self.kind]), self.world.clock, sweep_seconds=0.0
        )

    def tell(self, **changes: Any) -> Action:
        given = action(**({"trigger": "escalated"} | changes))
        self.world.propose(given)
        self.responder.tick()
        return given

    def incident(self, **changes: Any) -> None:
        self.world.memory.incidents.put(msgspec.structs.replace(INCIDENT, **changes))

    def later(self, given: Action) -> Action:
        self.world.clock.advance(3_600)
        self.responder.tick()
        return self.world.ports.actions.get(TENANT, given.id)


def test_while_nobody_took_it_up_it_is_tried_again() -> None:
    play = Play("later", "accept")
    assert play.later(play.tell()).state is S.VERIFIED


def test_what_has_not_begun_is_called_back() -> None:
    play = Play()
    play.incident(acknowledged_by="user:eva")
    given = play.tell()
    assert state(play.world, given) is S.CANCELLED
    assert play.later(given).detail == "user:eva acknowledged the incident; it had not gone out"
    assert not play.kind.accepted


def test_what_another_policy_tells_goes_out_all_the_same() -> None:
    play = Play("later", "accept")
    given = play.tell(trigger="opened")
    play.incident(acknowledged_by="user:eva")
    assert play.later(given).state is S.VERIFIED


def test_what_answers_no_incident_goes_out() -> None:
    play = Play()
    assert state(play.world, play.tell(incident=None)) is S.VERIFIED


@pytest.mark.parametrize("home_taken", [True, False])
def test_of_what_is_part_of_another_that_one_counts_too(*, home_taken: bool) -> None:
    play = Play("later", "accept")
    given = play.tell()
    play.incident(part_of=HOME)
    by = "user:eva" if home_taken else ""
    play.incident(id=HOME, host=None, acknowledged_by=by)
    after = play.later(given)
    if not home_taken:
        assert after.state is S.VERIFIED
        return
    assert after.state is S.CANCELLED
    assert after.detail.startswith(
        f"user:eva acknowledged the incident {HOME}, of which it is part; it had not gone out"
    )


def test_whoever_had_it_is_named() -> None:
    play = Play("later")
    given = play.tell()
    play.world.ports.actions.note(
        TENANT,
        given.id,
        actor="system:respond",
        data={"accepted": ["ana@example.com"]},
        expected=S.DISPATCHED,
        expected_attempts=1,
        attempts=1,
    )
    play.incident(acknowledged_by="user:eva")
    words = "ana@example.com had been told; it is not tried again after attempt 1"
    assert play.later(given).detail == f"user:eva acknowledged the incident; {words}"


def test_an_attempt_whose_end_nobody_wrote_down_is_not_said_to_have_failed() -> None:
    play = Play("later")
    given = play.tell()
    play.world.ports.actions.note(
        TENANT,
        given.id,
        actor="system:respond",
        detail="attempt 2",
        expected=S.DISPATCHED,
        expected_attempts=1,
        attempts=2,
    )
    play.incident(acknowledged_by="user:eva")
    words = "whether attempt 2 went out was not seen"
    assert play.later(given).detail == f"user:eva acknowledged the incident; {words}"


def test_what_awaits_approval_is_a_persons_to_decide() -> None:
    play = Play()
    given = play.tell(mode=Mode.APPROVE)
    play.incident(acknowledged_by="user:eva")
    assert play.later(given).state is S.AWAITING_APPROVAL
