"""A host behind a bad line, and who looks at every step whether all promises hold."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

from tests.respond.simulated_host import SimulatedHost
from tests.respond.stage import COUNT, Stage, host
from tests.respond.world import START, TENANT

from vedette.core import (
    ENDED,
    IN_FORCE,
    TRANSITIONS,
    Action,
    ActionId,
    ActionState,
    Command,
    CommandResult,
    Limits,
    Scope,
    scopes_of,
)

__all__ = ["Ledger", "Link"]

S = ActionState


class Link:
    """One host with its agent, and the words that it could not get rid of yet."""

    def __init__(self, stage: Stage, number: int) -> None:
        self.stage = stage
        self.number = number
        self.machine = SimulatedHost()
        self.unsaid: list[CommandResult] = []
        self.seen: list[Command] = []
        self.runs = True
        self.liar: set[ActionId] = set()

    def fetch(self, how: str, ledger: "Ledger") -> None:
        """A poll, `how`: once, twice (the same answer comes again), lost, or such that the agent dies in the last command.

        One that has died starts again when it is told to; where it `claims`, it lies.
        """
        if how == "starts":
            self.start(ledger.true_time)
        if how == "claims":
            self.claim()
        if not self.runs:
            return
        commands = self.stage.pending(self.number)
        now = ledger.true_time
        if how == "lost":
            return
        for command in commands * (2 if how == "twice" else 1):
            before = set(self.machine.in_force) | set(self.machine.on_its_way)
            if how == "dies" and command is commands[-1]:
                self.machine.die_in(command, now)
                self.runs = False
            else:
                self.unsaid += self.machine.obey(command, now)
            self.seen.append(command)
            begun = (set(self.machine.in_force) | set(self.machine.on_its_way)) - before
            assert not (begun and ledger.thrown), (
                f"begun on a host under the kill switch: {command}"
            )

    def tell(self, fates: list[str]) -> None:
        """Tells what is unsaid, in order: taken, lost on the way, or taken without the host hearing so."""
        if not self.runs:
            return
        while self.unsaid:
            fate = fates.pop(0) if fates else "taken"
            if fate == "lost":
                return
            self.stage.answer(self.number, self.unsaid[0])
            if fate == "unheard":
                return
            self.unsaid.pop(0)

    def claim(self) -> None:
        """The host says that the last command it was given is carried out, without a word of what it saw."""
        if self.seen and self.runs:
            last = self.seen[-1]
            at = START + timedelta(seconds=self.stage.clock.monotonic())
            self.unsaid.append(CommandResult(command=last.id, state=S.VERIFIED, at=at))

    def pass_time(self, now: datetime) -> None:
        """The kernel ends leases in any case; the agent goes on with graces only while it runs."""
        self.machine.expire(now)
        if self.runs:
            self.unsaid += self.machine.tend(now)

    def start(self, now: datetime) -> None:
        """The agent is started anew, alone or with its machine: a reboot ends no lease."""
        self.runs = True
        self.unsaid += self.machine.start_agent(now)
        self.unsaid += self.machine.tend(now)


class Ledger:
    """What was seen so far, in the order in which it truly happened."""

    def __init__(self, stage: Stage, links: list[Link], limits: Limits) -> None:
        self.stage = stage
        self.links = links
        self.limits = limits
        self.thrown = self.closed = False
        self._known: dict[ActionId, Action] = {}
        self._dispatched: dict[ActionId, int] = {}
        self._resets: dict[tuple[Scope, str], int] = defaultdict(int)
        self._ever: list[set[ActionId]] = [set() for _ in links]
        self._over: list[set[ActionId]] = [set() for _ in links]

    @property
    def true_time(self) -> datetime:
        """What no step of the server's clock moves."""
        return START + timedelta(seconds=self.stage.clock.monotonic())

    def reset(self) -> None:
        """From now on hosts are counted anew, in the scopes whose breakers are open."""
        for one in self.stage.ports.guards.breakers(TENANT, open_only=True):
            self._resets[one.scope, one.key] = len(self._dispatched)
        self.stage.reset()

    def look(self, accepted: Counter[str]) -> None:
        """Compares the rows with what they were and with the hosts."""
        actions = self.stage.actions()
        self._one_lease_of_a_kind(actions)
        self._hosts_never_take_up_what_is_over()
        for each in actions:
            before = self._known.get(each.id)
            if before is None or before != each:
                self._steps(each, before)
                self._claims(each, accepted)
        self._within_limits(actions)
        self._known = {each.id: each for each in actions}

    def _one_lease_of_a_kind(self, actions: list[Action]) -> None:
        live = Counter(
            (one.host, one.kind) for one in actions if one.leased and one.state in IN_FORCE
        )
        assert max(live.values(), default=0) <= 1, live
        for link in self.links:
            held = link.machine.kinds_held()
            assert len(held) == len(set(held)), held

    def _hosts_never_take_up_what_is_over(self) -> None:
        for number, link in enumerate(self.links):
            held = set(link.machine.in_force)
            assert not held & self._over[number], "a lease came back on its host"
            self._over[number] |= self._ever[number] - held
            self._ever[number] |= held

    def _steps(self, now: Action, before: Action | None) -> None:
        if before is not None and before.state in ENDED:
            assert now.state is before.state, "what had ended went on"
        seen = S.PROPOSED
        for event in self.stage.ports.actions.events(now.tenant, now.id):
            assert event.state is seen or event.state in TRANSITIONS[seen], (seen, event)
            seen = event.state
            if event.state is S.DISPATCHED and now.id not in self._dispatched and now.disruptive:
                if not now.dry_run:
                    assert not self.thrown, "begun while the kill switch was thrown"
                self._dispatched[now.id] = len(self._dispatched)
        assert seen is now.state

    def _claims(self, now: Action, accepted: Counter[str]) -> None:
        if now.kind == "mail":
            assert now.state not in {S.APPLIED, S.VERIFIED} or accepted[now.id]
            return
        events = self.stage.ports.actions.events(now.tenant, now.id)
        verified = [event for event in events if event.state is S.VERIFIED]
        if verified:
            assert verified[0].data.get("probe"), "verified without what a probe saw"
            machine = next(link.machine for link in self.links if host(link.number) == now.host)
            assert now.id in machine.kinds
        if now.state is S.RELEASED and events[-1].data.get("restored"):
            machine = next(link.machine for link in self.links if host(link.number) == now.host)
            assert now.id not in machine.in_force

    def _within_limits(self, actions: list[Action]) -> None:
        fresh = [
            one
            for one in actions
            if one.id in self._dispatched
            and not one.dry_run
            and (one.id not in self._known or self._known[one.id].dispatched_at is None)
        ]
        for scope, key in {scope for one in fresh for scope in scopes_of(one)}:
            acted = {one.host for one in actions if self._counts(one, scope, key)}
            hosts = self._hosts(scope)
            assert len(acted) <= self.limits.most(scope, hosts), (
                f"past the breaker of {scope} {key}"
            )

    def _counts(self, one: Action, scope: Scope, key: str) -> bool:
        if one.id not in self._dispatched or one.dry_run or (scope, key) not in scopes_of(one):
            return False
        if self._dispatched[one.id] < self._resets[scope, key] or one.dispatched_at is None:
            return False
        since = self.stage.clock.now() - timedelta(seconds=self.limits.per_seconds)
        return one.dispatched_at > since or (one.leased and one.state in IN_FORCE)

    def _hosts(self, scope: Scope) -> int:
        return COUNT // 2 if scope is Scope.COHORT else COUNT
