"""What holds for every kind of action: the host's own word comes first, nothing is done twice, and what ended is told."""

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.server import Server

from vedette.agent.actions import ACTIONS, Kind
from vedette.agent.actions.scene import Address, Check, Ran, Scene
from vedette.agent.collect.source import Source
from vedette.agent.commands import Commander
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission
from vedette.core import NOTHING_IN_FORCE, ActionState, Command, HostId, Verb
from vedette.seal import SigningKey

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState
ALL = frozenset(ACTIONS)
# What each kind takes at least; none of it can be carried out on a machine without programs.
TAKES: dict[str, dict[str, Any]] = {
    "quarantine": {"lease_seconds": 60},
    "suspend_process": {
        "processes": [{"pid": 1, "start_time": 1, "path": "/x"}],
        "lease_seconds": 60,
    },
    "kill_process": {"processes": [{"pid": 1, "start_time": 1, "path": "/x"}]},
    "disable_account": {"accounts": ["root"], "lease_seconds": 60},
    "shutdown": {"grace_seconds": 60},
    "reboot": {"grace_seconds": 60},
    "collect": {"processes": [{"pid": 1, "start_time": 1, "path": "/x"}]},
}
every_kind = pytest.mark.parametrize("name", sorted(ALL))


class Bare:
    """A machine without any program, on which nothing may be run."""

    def find(self, program: str) -> str | None:
        assert program
        return None

    def run(self, command: list[str], stdin: str) -> Ran:
        raise AssertionError(f"{command} was run with {stdin!r}")

    def resolve(self, name: str, port: int) -> list[Address]:
        raise OSError(f"{name}:{port} is not known")

    def capable(self, capability: int) -> bool:
        return capability < 0

    def interfaces(self) -> list[str]:
        raise AssertionError("nothing is in force")

    def knock(self, address: Address, interface: str = "") -> int:
        raise AssertionError(f"{address} by {interface}")


class Desk:
    """A commander with one kind, and what it told the server."""

    def __init__(self, agent: Agent, server: Server, name: str) -> None:
        self.agent, self.box, self.kind = agent, Box(forgets=True), ACTIONS[name]
        server.script = self.box
        self.permission = Permission(kinds=ALL)

    @property
    def ledger(self) -> Ledger:
        return Ledger(
            self.agent.journal, self.agent.clock, Source(), self.agent.state / "leases.lock"
        )

    @property
    def scene(self) -> Scene:
        return Scene(
            server=self.agent.enrolment.server,
            source=Source(),
            system=Bare(),
            reach=lambda: Check(name="server_reached", ok=False, detail="not tried"),
            permission=self.permission,
        )

    @property
    def commander(self) -> Commander:
        return Commander(
            self.agent.enrolment,
            self.agent.door,
            self.agent.journal,
            self.agent.clock,
            self.scene,
            {self.kind.name: self.kind},
            self.ledger,
            chance=random.Random(3),
            wait=0.0,
        )

    def command(self, name: str = "c1", **changes: Any) -> Command:
        given = {"kind": self.kind.name, "dry_run": False, "parameters": TAKES[self.kind.name]}
        return self.agent.command(name, **(given | changes))

    def tell(self, command: Command, key: SigningKey | None = None) -> tuple[ActionState, str]:
        """How it ended, in which words."""
        self.box.give(command, key or self.agent.commanding)
        self.commander.step(threading.Event())
        return self.box.told[-1].state, self.box.told[-1].detail

    def nothing_is_in_force(self) -> bool:
        return self.ledger.held(self.kind.name) is None


@pytest.fixture
def desk(agent: Agent, server: Server, name: str) -> Desk:
    return Desk(agent, server, name)


def test_every_kind_is_in_the_suite() -> None:
    assert set(TAKES) == ALL
    assert {kind.name for kind in ACTIONS.values() if kind.by_default} == {"quarantine"}


@every_kind
def test_a_host_that_does_not_name_it_refuses_it(desk: Desk, name: str) -> None:
    desk.permission = Permission(kinds=ALL - {name})
    state, words = desk.tell(desk.command())
    assert (state, "its setting `actions` allows" in words) == (S.REFUSED, True)
    desk.permission = Permission(kinds=frozenset())
    assert desk.tell(desk.command("c2", nonce="n2"))[0] is S.REFUSED


@every_kind
def test_a_host_that_had_enough_within_the_hour_refuses_it(desk: Desk) -> None:
    desk.permission = Permission(kinds=ALL, per_hour=0)
    state, words = desk.tell(desk.command())
    assert (state, "actions_per_hour" in words) == (S.REFUSED, True)


@every_kind
def test_what_is_for_another_host_or_expired_is_refused(desk: Desk) -> None:
    state, words = desk.tell(desk.command(host=HostId("another")))
    assert (state, words) == (S.REFUSED, "it is for another host")
    late = desk.agent.clock.now() - timedelta(seconds=1)
    state, words = desk.tell(desk.command("c2", expires_at=late))
    assert (state, words.startswith("it expired at")) == (S.REFUSED, True)
    assert desk.nothing_is_in_force()


@every_kind
def test_what_another_key_signed_is_not_even_answered(desk: Desk) -> None:
    desk.box.give(desk.command(), SigningKey.generate())
    desk.commander.step(threading.Event())
    assert desk.box.told == []


@every_kind
def test_a_nonce_that_was_used_is_refused_and_a_repeat_is_answered_alike(desk: Desk) -> None:
    first = desk.tell(desk.command(nonce="n"))
    again = desk.tell(desk.command(nonce="n"))
    assert again == first
    state, words = desk.tell(desk.command("c2", nonce="n"))
    assert (state, "nonce" in words) == (S.REFUSED, True)


@every_kind
@pytest.mark.parametrize(
    "changes",
    [
        {"sudo": True},
        {"lease_seconds": "long", "grace_seconds": "long", "processes": "all", "accounts": 7},
    ],
)
def test_parameters_that_it_does_not_know_are_refused(desk: Desk, changes: dict[str, Any]) -> None:
    given = desk.command(parameters=TAKES[desk.kind.name] | changes)
    state, words = desk.tell(given)
    assert state is S.REFUSED
    assert "parameters can't be used" in words
    assert desk.nothing_is_in_force()


@every_kind
def test_what_can_not_be_carried_out_is_refused_with_the_checks_that_failed(desk: Desk) -> None:
    state, words = desk.tell(desk.command())
    assert (state, "checks failed" in words) == (S.REFUSED, True)
    assert desk.nothing_is_in_force()


@every_kind
def test_a_dry_run_is_answered_with_the_plan_though_it_is_not_allowed(desk: Desk) -> None:
    desk.permission = Permission(kinds=frozenset(), per_hour=0)
    state, _ = desk.tell(desk.command(dry_run=True))
    data = desk.box.told[-1].data
    assert state is S.SIMULATED
    assert set(data) == {"plan", "checks", "would"}
    assert "allowed" in {check["name"] for check in data["checks"] if not check["ok"]}
    assert desk.nothing_is_in_force()
    assert desk.ledger.deeds() == 0


@every_kind
def test_the_end_of_what_was_never_begun_is_refused(desk: Desk) -> None:
    verb = Verb.RELEASE if Verb.RELEASE in desk.kind.verbs else Verb.CANCEL
    state, words = desk.tell(desk.command(verb=verb, parameters={}))
    assert (state, "nothing" in words) == (S.REFUSED, True)
    assert desk.box.told[-1].data == {NOTHING_IN_FORCE: True}


@every_kind
def test_an_end_that_is_refused_unseen_says_nothing_of_what_is_in_force(desk: Desk) -> None:
    verb = Verb.RELEASE if Verb.RELEASE in desk.kind.verbs else Verb.CANCEL
    late = desk.agent.clock.now() - timedelta(seconds=1)
    for given in ({"expires_at": late}, {"host": HostId("another")}, {"nonce": "used"}):
        for name in ("c1", "c2"):
            ident = f"{name}-{'-'.join(given)}"
            desk.tell(
                desk.command(ident, **({"verb": verb, "parameters": {}, "nonce": ident} | given))
            )
        assert desk.box.told[-1].state is S.REFUSED
        assert desk.box.told[-1].data == {}


@every_kind
def test_a_verb_that_it_does_not_know_is_refused(desk: Desk) -> None:
    (other,) = {Verb.RELEASE, Verb.CANCEL} - desk.kind.verbs
    state, words = desk.tell(desk.command(verb=other))
    assert (state, f"knows no {other}" in words) == (S.REFUSED, True)


@every_kind
def test_an_agent_that_was_killed_in_it_says_so_right_after_its_start(desk: Desk) -> None:
    command = desk.command()
    desk.agent.journal.begin(command)
    # The next life of the agent: first what is in force, then its commands.
    desk.kind.tend(desk.scene, desk.ledger, first=True)
    stop = threading.Event()
    stop.set()
    commander = desk.commander
    commander.run(stop)
    commander.step(threading.Event())
    (told,) = desk.box.told
    assert (told.command, told.state) == (command.id, S.FAILED)
    assert "was stopped while carrying it out" in told.detail
    # And it is not tried again when it is delivered again.
    desk.box.give(command, desk.agent.commanding)
    desk.commander.step(threading.Event())
    assert desk.box.told[-1].state is S.FAILED


@every_kind
def test_with_nothing_in_force_there_is_nothing_to_let_go(desk: Desk) -> None:
    kind: Kind = desk.kind
    assert kind.let_go(desk.scene, desk.ledger, "ann: free") is None
