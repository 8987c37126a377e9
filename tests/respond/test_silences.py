"""What the responder keeps back while people do not want to be told, or work on a host."""

from datetime import timedelta
from typing import Any

import pytest
from tests.respond.mail_job import URL
from tests.respond.smtp_server import MailBox
from tests.respond.world import (
    HOST,
    INCIDENT,
    START,
    TENANT,
    World,
    action,
    decide,
    events,
    quarantine,
    state,
)

from vedette.core import ActionState, Mode, Resolution, Severity, Silence, SilenceKind, SilenceScope
from vedette.respond import Kind, Mail, Quarantine, Registry, Responder
from vedette.seal import SigningKey


def _silence(minutes: float = 10, **more: Any) -> Silence:
    given: dict[str, Any] = {
        "id": "silence-1",
        "tenant": TENANT,
        "kind": SilenceKind.SILENCE,
        "scope": SilenceScope(host=HOST),
        "starts_at": START,
        "ends_at": START + timedelta(minutes=minutes),
        "owner": "user:ada",
        "reason": "a known one",
        "created_at": START,
    }
    return Silence(**(given | more))


class Desk:
    """A responder with a real mail server."""

    def __init__(self, world: World, mailbox: MailBox) -> None:
        kinds: list[Kind] = [
            Mail(mailbox.settings(), URL),
            Quarantine(world.ports.commands, SigningKey.generate()),
        ]
        self.world, self.mailbox = world, mailbox
        self._responder = Responder(world.ports, Registry(kinds), world.clock)

    def run(self, minutes: float = 0.0) -> int:
        """Mails that came by then."""
        for _ in range(int(minutes * 2) + 1):
            while self._responder.tick():
                pass
            self.world.clock.advance(30)
        return len(self.mailbox.inbox.mails)


@pytest.fixture
def desk(world: World, mailbox: MailBox) -> Desk:
    return Desk(world, mailbox)


def test_a_silenced_notification_says_why_and_is_sent_when_the_silence_ends(desk: Desk) -> None:
    desk.world.silence(_silence())
    desk.world.propose(action())
    assert desk.run(9) == 0
    held = desk.world.ports.actions.get(TENANT, action().id)
    assert held.state is ActionState.PROPOSED
    whys = [step.detail for step in events(desk.world, held) if "held by silence" in step.detail]
    assert len(whys) == 1
    assert "user:ada: a known one" in whys[0]
    assert desk.run(3) == 1
    assert state(desk.world, held) is ActionState.VERIFIED


def test_what_was_closed_while_it_was_silenced_is_not_told(desk: Desk) -> None:
    desk.world.silence(_silence())
    desk.world.propose(action())
    desk.run(5)
    desk.world.close(Resolution.BENIGN_CHANGE)
    assert desk.run(10) == 0
    ended = desk.world.ports.actions.get(TENANT, action().id)
    assert ended.state is ActionState.REFUSED
    assert "closed while it was held" in ended.detail


def test_an_incident_with_another_cause_or_worse_is_told(desk: Desk) -> None:
    desk.world.silence(_silence(scope=SilenceScope(causes=("port:1",))))
    desk.world.silence(_silence(scope=SilenceScope(host=HOST, severity=Severity.LOW)))
    desk.world.propose(action())
    assert desk.run() == 1


def test_a_silence_leaves_disruptive_actions_alone_and_maintenance_refuses_them(
    desk: Desk,
) -> None:
    cut: dict[str, Any] = {"disruptive": True, "dry_run": False, "mode": Mode.APPROVE}
    desk.world.silence(_silence())
    desk.world.propose(quarantine(2, **cut), quarantine(3, **cut | {"dry_run": True}))
    desk.run()
    assert state(desk.world, quarantine(2)) is ActionState.AWAITING_APPROVAL
    desk.world.silence(_silence(20, id="m", kind=SilenceKind.MAINTENANCE, reason="new disks"))
    decide(desk.world, quarantine(2), ActionState.APPROVED)
    decide(desk.world, quarantine(3), ActionState.APPROVED)
    desk.run()
    refused = desk.world.ports.actions.get(TENANT, quarantine(2).id)
    assert refused.state is ActionState.REFUSED
    assert "maintenance of user:ada until 2026-03-01 12:20 UTC" in refused.detail
    assert "new disks" in refused.detail
    assert state(desk.world, quarantine(3)) is ActionState.DISPATCHED


def test_what_is_about_no_incident_is_held_by_host_and_not_by_cause(desk: Desk) -> None:
    desk.world.silence(_silence(scope=SilenceScope(causes=INCIDENT.causes)))
    plain = action(5, incident=None, kind="unheard-of")
    desk.world.propose(plain)
    desk.run()
    assert state(desk.world, plain) is ActionState.FAILED
    desk.world.silence(_silence())
    late = action(6, incident=None, trigger="heard")
    desk.world.propose(late)
    desk.run(2)
    assert state(desk.world, late) is ActionState.PROPOSED
    desk.run(15)
    assert state(desk.world, late) is ActionState.REFUSED
