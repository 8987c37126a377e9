"""Commands: verified, in time, for this host, once, and always answered."""

import base64
import threading

import pytest
from tests.agent.box import Box
from tests.agent.commander import Deed, commander_of, ledger_of
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Server

from vedette.agent.commands import Commander
from vedette.agent.permission import Permission
from vedette.core import ActionState, CommandId, CommandResult, TenantId, Verb
from vedette.seal import SigningKey


@pytest.fixture
def deed() -> Deed:
    return Deed()


@pytest.fixture
def commander(agent: Agent, deed: Deed) -> Commander:
    return commander_of(agent, deed)


def _step(commander: Commander) -> float:
    return commander.step(threading.Event())


def test_a_good_command_is_acknowledged_done_and_answered(
    agent: Agent, server: Server, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), agent.commanding)
    _step(commander)
    assert deed.done == 1
    assert box.states() == [ActionState.ACKNOWLEDGED, ActionState.SIMULATED]
    assert box.told[1].data == {"kind": "quarantine", "server": server.url, "deeds": 0}
    assert agent.journal.unreported() == []
    for seen in server.seen:
        seen.verify(agent.key.public)
    assert server.seen[0].query == "wait=0&can=quarantine"


def test_a_redelivered_command_is_done_once_and_answered_again(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), agent.commanding)
    _step(commander)
    _step(commander)
    _step(commander_of(agent, deed))
    assert deed.done == 1
    assert box.states() == [ActionState.ACKNOWLEDGED] + [ActionState.SIMULATED] * 3


def test_a_result_the_server_did_not_take_is_told_until_it_does(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), agent.commanding)
    box.refuse_results = 3
    _step(commander)
    assert box.told == []
    box.pending.clear()
    _step(commander)
    _step(commander)
    assert box.states() == [ActionState.SIMULATED]
    assert deed.done == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"host": "h2"}, "another host"),
        ({"tenant": TenantId("other")}, "another host"),
        ({"kind": "dance"}, "can't do 'dance'; it can do quarantine"),
        ({"verb": Verb.RENEW}, "quarantine knows no renew; it knows apply, release"),
    ],
)
def test_a_command_that_does_not_fit_is_refused_with_its_reason(
    agent: Agent,
    box: Box,
    commander: Commander,
    deed: Deed,
    changes: dict[str, object],
    why: str,
) -> None:
    box.give(agent.command("c1", **changes), agent.commanding)
    _step(commander)
    assert deed.done == 0
    assert box.states() == [ActionState.REFUSED]
    assert why in box.told[0].detail


def test_a_command_expires_by_the_servers_clock(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), agent.commanding)
    agent.journal.set_offset(301.0)
    _step(commander)
    assert deed.done == 0
    assert "expired" in box.told[0].detail


def test_a_nonce_that_was_used_is_refused(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1", nonce="n"), agent.commanding)
    box.give(agent.command("c2", nonce="n"), agent.commanding)
    _step(commander)
    assert deed.done == 1
    refused = next(one for one in box.told if one.command == "c2")
    assert refused.state is ActionState.REFUSED
    assert "nonce" in refused.detail


@pytest.mark.parametrize("restarted", [False, True])
def test_the_refusal_of_a_nonce_that_was_used_is_told_until_the_server_has_it(
    agent: Agent, box: Box, commander: Commander, deed: Deed, *, restarted: bool
) -> None:
    box.give(agent.command("c1", nonce="n"), agent.commanding)
    _step(commander)
    box.pending.clear()
    box.told.clear()
    box.give(agent.command("c2", nonce="n"), agent.commanding)
    box.refuse_results = 99
    for _ in range(3):
        _step(commander)
    # Nobody hands it over again.
    box.pending.clear()
    box.refuse_results = 0
    _step(commander_of(agent, deed) if restarted else commander)
    _step(commander)
    assert [(one.command, one.state) for one in box.told] == [("c2", ActionState.REFUSED)]
    assert "nonce" in box.told[0].detail
    assert deed.done == 1


def test_what_another_key_signed_is_neither_done_nor_answered(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), SigningKey.generate())
    box.pending |= {"x": "not base64!", "y": base64.b64encode(b"noise").decode()}
    _step(commander)
    assert deed.done == 0
    assert box.told == []


def test_a_command_cut_short_by_a_crash_is_not_tried_again(
    agent: Agent, box: Box, deed: Deed
) -> None:
    command = agent.command("c1")
    agent.journal.begin(command)
    box.give(command, agent.commanding)
    _step(commander_of(agent, deed))
    assert deed.done == 0
    assert box.states() == [ActionState.FAILED]
    assert "stopped while" in box.told[0].detail


def test_a_crash_is_owned_up_to_even_if_the_command_is_not_given_again(
    agent: Agent, box: Box, deed: Deed
) -> None:
    agent.journal.begin(agent.command("c1"))
    stop = threading.Event()
    thread = threading.Thread(target=commander_of(agent, deed).run, args=(stop,))
    thread.start()
    for _ in range(200):
        if box.told:
            break
        threading.Event().wait(0.02)
    stop.set()
    thread.join(10)
    assert box.states()[0] is ActionState.FAILED


def test_a_journal_made_anew_does_not_obey_older_commands(
    agent: Agent, box: Box, deed: Deed
) -> None:
    old = agent.command("c1")
    agent.clock.advance(60)
    agent.journal.close()
    (agent.state / "journal.sqlite").write_bytes(b"damaged" * 1000)
    agent.journal.__init__(agent.state / "journal.sqlite", agent.clock)  # type: ignore[misc] # reopened in place
    box.give(old, agent.commanding)
    agent.clock.advance(1)
    box.give(agent.command("c2"), agent.commanding)
    _step(commander_of(agent, deed))
    assert deed.done == 1
    refused = next(one for one in box.told if one.command == "c1")
    assert "older than this agent's journal" in refused.detail


def test_an_action_that_breaks_is_answered_as_failed(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    deed.breaks = True
    box.give(agent.command("c1"), agent.commanding)
    _step(commander)
    assert box.states() == [ActionState.ACKNOWLEDGED, ActionState.FAILED]
    assert "RuntimeError: out of order" in box.told[1].detail


@pytest.mark.parametrize(
    "reply",
    [Reply(503, headers={"Retry-After": "5"}), Reply(200, raw=b"[1]"), Reply(200, raw=b"\xff")],
)
def test_a_poll_that_fails_backs_off(server: Server, commander: Commander, reply: Reply) -> None:
    server.script = lambda _: reply
    assert _step(commander) >= (5.0 if reply.status == 503 else 0.0)


def test_a_result_the_server_does_not_know_is_not_told_forever(
    agent: Agent, server: Server, commander: Commander
) -> None:
    agent.journal.begin(agent.command("c1"))
    agent.journal.finish(
        CommandResult(command=CommandId("c1"), state=ActionState.FAILED, at=agent.clock.now())
    )
    server.script = lambda seen: (
        Reply(404) if seen.method == "POST" else Reply(200, {"commands": []})
    )
    _step(commander)
    assert agent.journal.unreported() == []


def test_a_server_that_answers_at_once_is_not_asked_without_end(
    box: Box, commander: Commander
) -> None:
    assert box.pending == {}
    assert _step(commander) == 1.0


def test_after_stop_nothing_is_begun(
    agent: Agent, box: Box, commander: Commander, deed: Deed
) -> None:
    box.give(agent.command("c1"), agent.commanding)
    stop = threading.Event()
    stop.set()
    commander.step(stop)
    assert deed.done == 0


@pytest.mark.parametrize(
    ("permission", "why"),
    [
        (Permission(kinds=frozenset({"collect"})), "its setting `actions` allows collect"),
        (Permission(kinds=frozenset()), "its setting `actions` allows nothing"),
        (Permission(per_hour=0), "takes 0 disruptive commands an hour"),
    ],
)
def test_what_the_host_does_not_allow_is_refused_but_a_dry_run_and_an_end_are_not(
    agent: Agent, box: Box, deed: Deed, permission: Permission, why: str
) -> None:
    box.give(agent.command("real", dry_run=False), agent.commanding)
    box.give(agent.command("dry"), agent.commanding)
    box.give(agent.command("end", dry_run=False, verb=Verb.RELEASE), agent.commanding)
    _step(commander_of(agent, deed, permission))
    ends = {str(one.command): one for one in box.told if one.state is not ActionState.ACKNOWLEDGED}
    assert ends["real"].state is ActionState.REFUSED
    assert why in ends["real"].detail
    assert ends["dry"].state is ends["end"].state is ActionState.SIMULATED
    assert deed.done == 2


def test_disruptive_commands_are_counted_by_the_hour_over_restarts(
    agent: Agent, box: Box, deed: Deed
) -> None:
    permission = Permission(per_hour=2)

    def give(name: str) -> CommandResult:
        box.pending.clear()
        box.give(agent.command(name, dry_run=False), agent.commanding)
        _step(commander_of(agent, deed, permission))
        return box.told[-1]

    assert give("c1").state is ActionState.SIMULATED
    agent.clock.advance(1800)
    assert give("c2").state is ActionState.SIMULATED
    assert "2 disruptive commands an hour" in give("c3").detail
    agent.clock.advance(1801)
    assert give("c4").state is ActionState.SIMULATED
    assert "2 disruptive commands an hour" in give("c5").detail
    assert deed.done == 3


def test_a_remark_is_told_after_the_result_that_it_follows(
    agent: Agent, box: Box, commander: Commander
) -> None:
    agent.journal.begin(agent.command("c1"))
    ledger = ledger_of(agent)
    agent.journal.finish(ledger.result(CommandId("c1"), ActionState.VERIFIED, "in force", {}))
    ledger.say(ledger.result(CommandId("c1"), ActionState.RELEASED, "over", {}))
    box.refuse_results = 2
    _step(commander)
    assert box.told == []
    _step(commander)
    assert box.states() == [ActionState.VERIFIED, ActionState.RELEASED]
    assert ledger.remarks() == []
    _step(commander)
    assert len(box.told) == 2
