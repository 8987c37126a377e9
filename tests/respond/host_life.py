"""The life of actions on hosts, and all that can come between.

Crashes at every write, of a responder or an agent; a second responder; words that are lost, doubled, late, out of order or
not so; clocks that step; people who approve, twice or of their own, and leave; breakers, the kill switch, closed and re-opened
incidents, revoked hosts, storms.
"""

import sys
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.respond.crashes import Crash, FragilePorts, Telling
from tests.respond.host_chances import (
    ACTED,
    ALL,
    AT,
    BETWEEN,
    FATE,
    KEPT,
    LAST,
    LYING,
    NEAR,
    ROUND,
    THEN,
    UNDOING,
    Round,
)
from tests.respond.host_line import AgentLine, Fate, Line, SimulatedLine
from tests.respond.host_people import PEOPLE_DO, Somebody
from tests.respond.host_truth import SHARES, Truth, over
from tests.respond.memory_stage import MemoryStage
from tests.respond.people_truth import IN_FORCE
from tests.respond.stage import COUNT, KEY, PEOPLE, Stage, StoreStage, cohort, host
from tests.respond.world import INCIDENT, action

from vedette.core import Action, ActionState, Limits, Mode
from vedette.respond import (
    Collect,
    KillProcess,
    Quarantine,
    Registry,
    Responder,
    Shutdown,
    SuspendProcess,
)
from vedette.respond.actions.collect.schema import CollectSchema

__all__ = ["HostLife", "MemoryLife"]

# These have the real agent.
AGENTS: Final = frozenset({1, 3})
NUMBERS: Final = {host(number): number for number in range(COUNT)}
EVIL: Final = {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"}
LIMITS: Final = Limits(tenant=SHARES["tenant"], cohort=SHARES["cohort"], model=SHARES["model"])
KINDS: Final[dict[str, dict[str, Any]]] = {
    "quarantine": {
        "parameters": {"lease": 3600.0, "allow": []},
        "lease_seconds": 3600.0,
        "most_seconds": 7200.0,
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
    "collect": {
        "parameters": CollectSchema().check({"logs": ["/var/log/auth.log"]}, dry_run=False),
        "disruptive": False,
    },
}


class HostLife(RuleBasedStateMachine):
    """Two responders, of which either may die at any write, or be overtaken by the other just before it."""

    def __init__(self) -> None:
        super().__init__()
        self.stage: Stage = self.make()
        self.truth = Truth(self.stage)
        self.telling = Telling(self.truth.accepted)
        self.plan: list[str] = []
        self.lines = [self.line(number) for number in range(ACTED)]
        self.truth.lines = self.lines
        self.somebody = Somebody(self.stage, self.truth)
        self.crashes = self.count = 0
        self.responders = [self.start(0), self.start(1)]

    def make(self) -> Stage:
        return StoreStage()

    def line(self, number: int) -> Line:
        kind = AgentLine if number in AGENTS else SimulatedLine
        return kind(self.stage, number, self.truth)

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
                Collect(commands, KEY, self.stage.evidence),
            ]
        )
        return Responder(
            ports,
            kinds,
            self.stage.clock,
            # Once a moment; in between it lives on notices, as in service.
            sweep_seconds=0.5,
            limits=lambda _: LIMITS,
            gather=self.stage.gather,
        )

    def tick_of(self, number: int) -> None:
        self.responders[number].tick()

    def busy(self) -> list[Line]:
        wanted = {one.host for one in self.stage.actions() if one.kind != "mail"}
        return [line for line in self.lines if host(line.number) in wanted]

    @rule(
        kind=st.sampled_from(["quarantine", "quarantine", *KINDS]),
        numbers=st.one_of(
            st.lists(NEAR, min_size=1, max_size=4),
            st.lists(NEAR, min_size=3, max_size=3, unique=True),
        ),
        mode=st.sampled_from([*[Mode.AUTO] * 7, *[Mode.APPROVE] * 5, Mode.OBSERVE]),
        dry=st.integers(0, 6).map(lambda one: one == 0),
        approvals=st.integers(1, 2),
        proposer=st.sampled_from(["", "", *PEOPLE[:2]]),
        first=st.one_of(st.none(), st.just(Fate()), FATE, LYING),
        between=st.sampled_from(BETWEEN),
        again=st.integers(0, 4).map(lambda one: one == 0),
    )
    def propose(
        self,
        kind: str,
        numbers: list[int],
        mode: Mode,
        approvals: int,
        proposer: str,
        *,
        first: Fate | None,
        dry: bool = False,
        between: str = "",
        again: bool = False,
    ) -> None:
        """Often it is given out at once, and that goes as `first` says; `again`: what proposed it dies, and does so once more."""
        made_now: list[Action] = []
        if between == "close":
            numbers = [number % 3 for number in numbers]
        now = self.stage.clock.now()
        for number in numbers:
            self.count += 1
            given: dict[str, Any] = {
                "kind": kind,
                "mode": mode,
                "host": host(number),
                "incident": INCIDENT.id if number < 3 or kind == "mail" else None,
                "dry_run": dry and kind != "mail",
                "disruptive": kind != "mail",
                "cohort": cohort(number),
                "model": "sha256:m",
                "approvals": approvals,
                "proposed_by": proposer if mode is Mode.APPROVE else "",
                "proposed_at": now,
                "updated_at": now,
                "expires_at": now + timedelta(hours=1),
            }
            made = action(self.count, **(given | KINDS.get(kind, {})))
            self.truth.first[made.id] = made
            made_now.append(made)
            self.stage.propose(made)
        if between:
            self.somebody.does(between, numbers[0])
        if first is not None:
            self.work([([], [], 0, [(place, first) for place in range(ACTED)], 1)])
        for made in made_now if again else ():
            self.stage.propose(made)

    @rule(number=NEAR, fate=st.sampled_from(AT), silenced=st.sampled_from(["", "", "silence"]))
    def tell(self, number: int, fate: str, silenced: str) -> None:
        """Somebody's server puts it off, so that both responders come to try it again."""
        self.propose("mail", [number], Mode.AUTO, 1, "", first=None, between=silenced)
        self.work([([], ["later"], 0, [], 31), ([fate], [], 0, [], 1)])

    @rule(number=NEAR, first=st.one_of(FATE, LYING))
    def collect(self, number: int, first: Fate) -> None:
        self.propose("collect", [number], Mode.AUTO, 1, "", first=first)

    @initialize(
        numbers=st.lists(NEAR, min_size=1, max_size=2),
        first=st.one_of(st.none(), FATE, LYING, LYING),
        between=st.sampled_from(BETWEEN),
    )
    def begin(self, numbers: list[int], first: Fate | None, between: str) -> None:
        """So that there is something from the beginning, or something in its way."""
        self.propose("quarantine", numbers, Mode.AUTO, 1, "", first=first, between=between)

    @rule(rounds=st.lists(ROUND, min_size=1, max_size=3))
    def work(self, rounds: list[Round]) -> None:
        """A responder looks, the hosts fetch and answer, some time goes by: well, or badly."""
        for fates, script, which, bad, seconds in rounds:
            self.tick(fates, script, which)
            self.poll(dict(bad))
            self.tick([], [], which)
            self.truth.look()
            self.advance(seconds)

    @rule(
        number=NEAR,
        rounds=st.sampled_from([1, 1, 2, 3, 5]),
        seconds=st.sampled_from([901, 1_801, 1_801]),
        first=st.sampled_from(ALL),
        fate=st.sampled_from(KEPT),
    )
    def goes_well(self, number: int, rounds: int, seconds: int, first: str, fate: str) -> None:
        """Little comes between for a while, so that leases are begun and kept; until `fate` does."""
        self.somebody.does("end quiet", number)
        if self.truth.thrown:
            self.somebody.does("switch", number)
        self.propose("quarantine", [number], Mode.AUTO, 1, "", first=Fate())
        bad = [(place, Fate(how=first)) for place in range(ACTED)]
        for one in range(rounds):
            self.work([([], [], 0, bad if one == 0 else [], seconds)])
        self.work([([fate], [], 0, [], 1)])

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

    def poll(self, bad: dict[int, Fate]) -> None:
        """Every host that somebody wants something of, some of them over a bad line."""
        busy = self.busy()
        fates = {number % len(busy): fate for number, fate in bad.items()} if busy else {}
        for place, line in enumerate(busy):
            line.poll(fates.get(place, Fate()))

    @rule(
        people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3),
        most=st.integers(1, 4),
        yes=st.sampled_from([True, True, True, True, False]),
        then=st.sampled_from(THEN),
        number=NEAR,
    )
    def decide(self, people: list[str], most: int, then: str, number: int, *, yes: bool) -> None:
        """One may press the button twice, or for what is one's own; `then` something happens before what is approved begins."""
        if then == "storm":
            # One person's word, on what is then of a fleet's incident.
            number, people, most = number % 3, people[:1], 4
        if then or not any(one.mode is Mode.APPROVE for one in self.stage.actions()):
            self.propose("quarantine", [number], Mode.APPROVE, most % 2 + 1, "", first=None)
        self.tick([], [], 0)
        for who in people:
            waiting = [
                one for one in self.stage.actions() if one.state.value == "awaiting_approval"
            ]
            for one in waiting[:most]:
                number = NUMBERS[one.host or host(0)]
                if yes:
                    self.truth.approves(one, who)
                else:
                    actions = self.stage.ports.actions
                    actions.advance(one.tenant, one.id, ActionState.REFUSED, actor=who)
        if then:
            self.truth.look()
            self.somebody.does(then, PEOPLE.index(people[0]) if then == "leave" else number)
            self.stage.gather()
            self.truth.look()
            self.work([([], [], 0, [], 1)])

    @rule(
        what=st.sampled_from(PEOPLE_DO),
        number=NEAR,
        everyone=st.booleans(),
    )
    def people(self, what: str, number: int, *, everyone: bool) -> None:
        """Somebody does something about it all."""
        self.somebody.does(what, number, everyone=everyone)

    @rule(number=st.integers(0, 20), first=st.one_of(st.none(), FATE, UNDOING, UNDOING))
    def recall(self, number: int, first: Fate | None) -> None:
        """Somebody asks for the end of one; how that is given out goes as `first` says."""
        wanted = self.recallable()
        if wanted:
            one = wanted[number % len(wanted)]
            self.stage.ports.actions.recall(one.tenant, one.id, actor="user:ann", why="enough")
            if first is not None:
                self.work([([], [], 0, [(place, first) for place in range(ACTED)], 1)])

    def recallable(self) -> list[Action]:
        return [
            one
            for one in self.stage.actions()
            if one.state.value in IN_FORCE and one.answered_for and not one.recalled_by
        ]

    @rule(
        seconds=st.sampled_from([1, 301, 901, 1_900, 4_000]),
        stepped=st.sampled_from([0, 0, 0, -5_000, -1_000, -60, 60, 1_000, 5_000]),
    )
    def time(self, seconds: int, stepped: int) -> None:
        """Goes by; and the server's clock may be set to another."""
        self.advance(seconds)
        clock = self.stage.clock
        if stepped:
            clock.step(clock.now() + timedelta(seconds=stepped))

    def advance(self, seconds: int) -> None:
        """In two parts, so that agents see graces end as they do."""
        for part in (min(seconds, 75), seconds - 75):
            if part > 0:
                self.stage.clock.advance(part)
                for line in self.lines:
                    line.pass_time()

    @invariant()
    def everything_holds(self) -> None:
        self.truth.look()

    @invariant()
    def a_mail_is_repeated_only_after_a_crash(self) -> None:
        repeats = sum(count - 1 for count in self.truth.accepted.values() if count)
        assert repeats <= self.crashes, "a mail again without a crash"

    def teardown(self) -> None:
        """What failed before this is not hidden by what follows from it."""
        try:
            if sys.exception() is None:
                self.end_all()
        finally:
            self.stage.end()

    def end_all(self) -> None:
        """After a last trouble all is mended: the network, the agents, both responders. What is called off is over soon, and everything ends."""
        self.plan.clear()
        last = LAST[self.count % len(LAST)]
        if last == "dies":
            for one in self.recallable():
                self.stage.ports.actions.recall(one.tenant, one.id, actor="user:ann", why="enough")
        self.work([([], [], 0, [(place, Fate(how=last, at=2)) for place in range(ACTED)], 1)])
        if called_off := self.truth.called_off():
            for _ in range(4):
                self.goes_on(240)
            self.truth.over_by_now(called_off)
        for _ in range(12):
            self.goes_on(12_000)
            if self.all_over():
                break
        left = [one for one in self.stage.actions() if not over(one)]
        assert left == [], "it never ended"
        assert self.all_over(), "a host is left under something"

    def goes_on(self, seconds: int) -> None:
        self.tick_of(0)
        for line in self.lines:
            line.mend()
        self.poll({})
        self.tick_of(0)
        self.truth.look()
        self.advance(seconds)

    def all_over(self) -> bool:
        quiet = not any(line.kinds_held() for line in self.lines)
        return quiet and self.stage.waiting() == 0 and all(map(over, self.stage.actions()))


class MemoryLife(HostLife):
    """The same over the fake ports."""

    def make(self) -> Stage:
        return MemoryStage()
