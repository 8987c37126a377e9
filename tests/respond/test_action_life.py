"""The life of actions under crashes, doubled notices, repeated answers and jumps of time.

Mail goes to a scripted transport of its own kind, so that the machine runs fast; the real server is in test_mail.
"""

import random
from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.respond.crashes import Crash, FragilePorts, Telling
from tests.respond.world import TENANT, MemoryWorld, action, quarantine

from vedette.core import (
    ENDED,
    TRANSITIONS,
    Action,
    ActionState,
    CommandResult,
    Mode,
    VedetteError,
)
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()


class ActionLife(RuleBasedStateMachine):
    """Policies, people, hosts and time do as they like; the responder may die at every write and call."""

    def __init__(self) -> None:
        super().__init__()
        self.world = MemoryWorld()
        self.accepted: Counter[str] = Counter()
        self.telling = Telling(self.accepted)
        self.plan: list[str] = []
        self.simulated: set[str] = set()
        self.crashes = 0
        self.count = 0
        self.start()

    def start(self) -> None:
        ports = FragilePorts(self.world.ports, self.plan)
        kinds = Registry([self.telling, Quarantine(ports.commands, KEY)])
        self.responder = Responder(ports, kinds, self.world.clock, sweep_seconds=0.0)

    @property
    def actions(self) -> list[Action]:
        return self.world.memory.actions.all()

    @rule(mode=st.sampled_from(Mode), dry=st.booleans())
    def propose(self, mode: Mode, *, dry: bool) -> None:
        self.count += 1
        now = self.world.clock.now()
        make = quarantine if dry else action
        self.world.propose(
            make(
                self.count,
                mode=mode,
                proposed_at=now,
                updated_at=now,
                expires_at=now + timedelta(hours=1),
            )
        )

    @rule(
        fates=st.lists(st.sampled_from(["live", "live", "before", "after"]), max_size=6),
        script=st.lists(
            st.sampled_from(["accept", "later", "never", "crash before", "crash after"]), max_size=3
        ),
    )
    def tick(self, fates: list[str], script: list[str]) -> None:
        self.plan[:] = fates
        self.telling.script[:] = script
        try:
            self.responder.tick()
        except Crash:
            self.crashes += 1
            self.start()
        self.plan.clear()
        self.telling.script.clear()

    @precondition(lambda self: self.actions)
    @rule(data=st.data(), to=st.sampled_from([S.APPROVED, S.REFUSED, S.CANCELLED]))
    def decide(self, data: st.DataObject, to: ActionState) -> None:
        which = data.draw(st.sampled_from(self.actions))
        if to in TRANSITIONS[which.state]:
            self.world.memory.actions.advance(TENANT, which.id, to, actor="user:ann")

    @precondition(lambda self: self.world.memory.commands.all())
    @rule(
        data=st.data(),
        said=st.sampled_from([S.ACKNOWLEDGED, S.SIMULATED, S.APPLIED, S.REFUSED, S.FAILED]),
        times=st.integers(1, 2),
    )
    def answer(self, data: st.DataObject, said: ActionState, times: int) -> None:
        command, _ = data.draw(st.sampled_from(self.world.memory.commands.all()))
        for _ in range(times):
            self.world.answer(
                CommandResult(
                    command=command.id, state=said, at=self.world.clock.now(), data={"x": 1}
                )
            )
        if said is S.SIMULATED:
            self.simulated.add(command.action)

    @precondition(lambda self: self.actions)
    @rule(data=st.data(), kind=st.sampled_from(["action.proposed", "action.decided"]))
    def double_a_notice(self, data: st.DataObject, kind: str) -> None:
        which = data.draw(st.sampled_from(self.actions))
        self.world.memory.outbox.post(kind, TENANT, which.id)

    @rule(seconds=st.sampled_from([1, 31, 600, 1200, 4000, 100_000]))
    def advance(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule(seconds=st.integers(1, 5000))
    def step_the_clock_back(self, seconds: int) -> None:
        now = self.world.clock.now()
        self.world.clock.step(now - timedelta(seconds=seconds))

    @invariant()
    def every_step_is_in_the_table(self) -> None:
        for each in self.actions:
            seen = S.PROPOSED
            for event in self.world.memory.actions.events(TENANT, each.id):
                assert event.state is seen or event.state in TRANSITIONS[seen]
                seen = event.state
            assert seen is each.state

    @invariant()
    def nothing_is_claimed_without_evidence(self) -> None:
        for each in self.actions:
            if each.state in {S.APPLIED, S.VERIFIED}:
                assert self.accepted[each.id]
            if each.state is S.SIMULATED:
                assert each.id in self.simulated
                assert each.plan == {"x": 1}

    @invariant()
    def a_mail_is_repeated_only_after_a_crash(self) -> None:
        repeats = sum(count - 1 for count in self.accepted.values() if count)
        assert repeats <= self.crashes

    @invariant()
    def an_action_has_one_command_at_most(self) -> None:
        commands = Counter(command.action for command, _ in self.world.memory.commands.all())
        assert max(commands.values(), default=1) == 1

    def teardown(self) -> None:
        self.plan.clear()
        for _ in range(4):
            self.responder.tick()
            self.world.clock.advance(100_000)
        self.responder.tick()
        assert {each.state for each in self.actions} <= ENDED | {S.VERIFIED}
        assert self.world.memory.outbox.waiting() == 0


TestActionLife = ActionLife.TestCase
TestActionLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_many_actions_all_end_over_random_crashes() -> None:
    rng = random.Random(7)
    machine = ActionLife()
    for _ in range(300):
        machine.propose(rng.choice(list(Mode)), dry=rng.random() < 0.5)
        machine.tick(
            rng.choices(["live", "before", "after"], [8, 1, 1], k=6),
            rng.choices(["accept", "later", "crash after"], k=2),
        )
        machine.world.clock.advance(rng.choice([1, 31, 4000]))
    machine.every_step_is_in_the_table()
    machine.nothing_is_claimed_without_evidence()
    machine.a_mail_is_repeated_only_after_a_crash()
    machine.teardown()
    assert machine.crashes > 20
    assert not issubclass(Crash, VedetteError)
