"""The life of actions on hosts, and all that can come between.

Crashes at every write, a second responder, words that are lost or doubled both ways, clocks that step, agents and machines
that stop, people, breakers, the kill switch, storms.
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.respond.crashes import Crash, FragilePorts, Telling
from tests.respond.host_life import Ledger, Link
from tests.respond.stage import COUNT, KEY, MemoryStage, Stage, StoreStage, cohort, host
from tests.respond.world import INCIDENT, TENANT, action

from vedette.core import ENDED, IN_FORCE, Action, ActionState, Limits, Mode
from vedette.respond import (
    KillProcess,
    Quarantine,
    Registry,
    Responder,
    Shutdown,
    SuspendProcess,
)

S = ActionState
EVIL = {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"}
LIMITS = Limits(tenant=0.25, cohort=0.34, model=0.25)
KINDS: dict[str, dict[str, Any]] = {
    "quarantine": {
        "parameters": {"lease": 1800.0, "allow": []},
        "lease_seconds": 1800.0,
        "most_seconds": 5400.0,
    },
    "suspend_process": {
        "parameters": {"process": "@cause", "lease": 600.0, "processes": [EVIL]},
        "lease_seconds": 600.0,
        "most_seconds": 86_400.0,
    },
    "kill_process": {
        "parameters": {"process": "@cause", "grace": 10.0, "processes": [EVIL]},
        "grace_seconds": 10.0,
    },
    "shutdown": {
        "parameters": {"grace": 60.0, "message": ""},
        "grace_seconds": 60.0,
    },
}
# What happens is about few of the hosts, where it can collide: one cohort's, and one of the other.
ACTED = COUNT // 2 + 1
NEAR = st.integers(0, ACTED - 1)

Round = tuple[list[str], list[str], int, tuple[int, str, list[str]], int]
ROUND = st.tuples(
    st.lists(st.sampled_from(["live", "live", "live", "before", "after", "rival"]), max_size=6),
    st.lists(
        st.sampled_from(["accept", "later", "never", "crash before", "crash after"]), max_size=2
    ),
    st.sampled_from([0, 0, 1]),
    st.tuples(
        NEAR,
        st.sampled_from(["once", "twice", "lost", "dies", "starts", "claims"]),
        st.lists(st.sampled_from(["taken", "taken", "lost", "unheard"]), max_size=4),
    ),
    st.sampled_from([0, 1, 31, 301, 901]),
)


class HostLife(RuleBasedStateMachine):
    """Two responders, of which either may die at any write, or be overtaken by the other just before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage = self.make()
        self.accepted: Counter[str] = Counter()
        self.telling = Telling(self.accepted)
        self.plan: list[str] = []
        self.links = [Link(self.stage, number) for number in range(ACTED)]
        self.ledger = Ledger(self.stage, self.links, LIMITS)
        self.crashes = self.count = self.storms = 0
        self.responders = [self.start(0), self.start(1)]

    def make(self) -> Stage:
        return StoreStage()

    def start(self, number: int) -> Responder:
        """Number 0 is fragile; number 1 is the rival that may come first at each of its writes."""
        ports: Any = self.stage.ports
        if number == 0:
            ports = FragilePorts(ports, self.plan, lambda: self.tick_of(1))
        commands = ports.commands
        kinds = Registry(
            [
                self.telling,
                Quarantine(commands, KEY),
                SuspendProcess(commands, KEY),
                KillProcess(commands, KEY),
                Shutdown(commands, KEY, self.stage),
            ]
        )
        return Responder(
            ports,
            kinds,
            self.stage.clock,
            sweep_seconds=0.0,
            limits=lambda _: LIMITS,
            gather=self.stage.gather,
        )

    def tick_of(self, number: int) -> None:
        self.responders[number].tick()

    def busy(self) -> list[Link]:
        wanted = {one.host for one in self.stage.actions() if one.kind != "mail"}
        return [link for link in self.links if host(link.number) in wanted]

    @property
    def true_time(self) -> datetime:
        return self.ledger.true_time

    @rule(
        kind=st.sampled_from(["quarantine", "quarantine", *KINDS, "mail"]),
        numbers=st.lists(NEAR, min_size=1, max_size=4),
        mode=st.sampled_from([*[Mode.AUTO] * 9, Mode.APPROVE, Mode.APPROVE, Mode.OBSERVE]),
        dry=st.integers(0, 4).map(lambda one: one == 0),
        approvals=st.integers(1, 2),
    )
    def propose(
        self, kind: str, numbers: list[int], mode: Mode, approvals: int, *, dry: bool
    ) -> None:
        now = self.stage.clock.now()
        for number in numbers:
            self.count += 1
            given: dict[str, Any] = {
                "kind": kind,
                "mode": mode,
                "host": host(number),
                "incident": INCIDENT.id if number == 0 or kind == "mail" else None,
                "dry_run": dry and kind != "mail",
                "disruptive": kind != "mail",
                "cohort": cohort(number),
                "model": "sha256:m",
                "approvals": approvals,
                "proposed_at": now,
                "updated_at": now,
                "expires_at": now + timedelta(hours=1),
            }
            self.stage.propose(action(self.count, **(given | KINDS.get(kind, {}))))

    @precondition(lambda self: self.storms < 1)
    @rule()
    def storm(self) -> None:
        self.storms += 1
        self.stage.storm(self.storms)

    @rule(rounds=st.lists(ROUND, min_size=1, max_size=3))
    def work(self, rounds: list[Round]) -> None:
        """A responder looks, the hosts fetch and answer, some time goes by: well, or badly."""
        for fates, script, which, (bad, fetched, told), seconds in rounds:
            self.tick(fates, script, which)
            self.poll(bad, fetched, told)
            self.tick([], [], which)
            self.everything_holds()
            self.advance(seconds)

    def tick(self, fates: list[str], script: list[str], which: int) -> None:
        self.plan[:] = fates
        self.telling.script[:] = script
        try:
            self.tick_of(which)
        except Crash:
            self.crashes += 1
            self.responders[which] = self.start(which)
        self.plan.clear()
        self.telling.script.clear()

    def poll(self, bad: int, fetched: str, told: list[str]) -> None:
        """Every host that somebody wants something of, one of them over a bad line."""
        for link in self.busy():
            on_it = link.number == bad
            link.fetch(fetched if on_it else "once", self.ledger)
            link.tell(list(told) if on_it else [])

    @rule(
        people=st.lists(st.sampled_from(["user:ann", "user:bob"]), min_size=1, max_size=2),
        most=st.integers(1, 4),
        yes=st.sampled_from([True, True, True, False]),
    )
    def decide(self, people: list[str], most: int, *, yes: bool) -> None:
        for who in people:
            waiting = [one for one in self.stage.actions() if one.state is S.AWAITING_APPROVAL]
            for one in waiting[:most]:
                if yes:
                    self.stage.approve(one, who)
                else:
                    self.stage.ports.actions.advance(one.tenant, one.id, S.REFUSED, actor=who)

    @rule(data=st.data())
    def recall(self, data: st.DataObject) -> None:
        wanted = [
            one
            for one in self.stage.actions()
            if one.state in IN_FORCE and one.recallable and not one.recalled_by
        ]
        if wanted:
            which = data.draw(st.sampled_from(wanted))
            self.stage.ports.actions.recall(which.tenant, which.id, actor="user:ann", why="enough")

    @precondition(lambda self: not self.ledger.closed)
    @rule()
    def close(self) -> None:
        self.ledger.closed = True
        self.stage.close()

    @rule(everyone=st.booleans())
    def throw_or_lift(self, *, everyone: bool) -> None:
        if self.ledger.thrown:
            self.stage.lift()
        else:
            self.stage.throw(everyone=everyone)
        self.ledger.thrown = not self.ledger.thrown

    @precondition(lambda self: self.stage.ports.guards.breakers(TENANT, open_only=True))
    @rule()
    def reset(self) -> None:
        self.ledger.reset()

    @rule(seconds=st.sampled_from([1, 301, 901, 1_900, 4_000]))
    def advance(self, seconds: int) -> None:
        self.stage.clock.advance(seconds)
        for link in self.links:
            link.pass_time(self.true_time)

    @rule(seconds=st.sampled_from([-5_000, -1_000, -60, 60, 1_000, 5_000]))
    def step_the_clock(self, seconds: int) -> None:
        clock = self.stage.clock
        clock.step(clock.now() + timedelta(seconds=seconds))

    @invariant()
    def everything_holds(self) -> None:
        self.ledger.look(self.accepted)

    @invariant()
    def a_mail_is_repeated_only_after_a_crash(self) -> None:
        repeats = sum(count - 1 for count in self.accepted.values() if count)
        assert repeats <= self.crashes

    def teardown(self) -> None:
        try:
            self.end_all()
        finally:
            self.stage.end()

    def end_all(self) -> None:
        """All is mended: the network, the agents, both responders. Then everything ends, and no host is left under anything."""
        self.plan.clear()
        for _ in range(12):
            self.tick_of(0)
            for link in self.busy():
                link.start(self.true_time)
                link.fetch("once", self.ledger)
                link.tell([])
            self.tick_of(0)
            self.everything_holds()
            self.advance(12_000)
            if self.all_over():
                break
        left = [one for one in self.stage.actions() if not _over(one)]
        assert left == []
        assert self.all_over()

    def all_over(self) -> bool:
        quiet = not any(link.machine.kinds_held() for link in self.links)
        return quiet and self.stage.waiting() == 0 and all(map(_over, self.stage.actions()))


def _over(one: Action) -> bool:
    """Ended; or verified, where that is the end."""
    return one.state in ENDED or (one.state is S.VERIFIED and not one.leased)


class MemoryLife(HostLife):
    """The same over the fake ports."""

    def make(self) -> Stage:
        return MemoryStage()


NIGHTLY = settings.get_current_profile_name() == "nightly"
TestHostLife = HostLife.TestCase
TestHostLife.settings = settings(
    max_examples=2_000 if NIGHTLY else 200, stateful_step_count=10, deadline=None
)
TestMemoryLife = MemoryLife.TestCase
TestMemoryLife.settings = settings(
    max_examples=500 if NIGHTLY else 50, stateful_step_count=10, deadline=None
)
