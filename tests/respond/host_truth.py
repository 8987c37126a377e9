"""What is true of a small fleet, kept apart from the code that acts on it, and what must hold of every row by that.

Nothing here asks `vedette.core` for its tables or `vedette.respond` for its rules: states, steps, shares and times are written
down anew, from what docs/response.md promises.
"""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from tests.respond.people_truth import People, acted_hosts, lasts, takes
from tests.respond.quiet_truth import Quiet
from tests.respond.stage import COUNT, Stage, cohort, host
from tests.respond.world import INCIDENT, START, TENANT

from vedette.core import Action, ActionEvent, ActionId, Command, CommandId, CommandResult

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.respond.host_line import Line

__all__ = ["LIFE", "SHARES", "Truth", "over"]

# What may follow what; what has no line here has ended.
LIFE: Final = {
    "proposed": {"awaiting_approval", "approved", "refused", "expired", "cancelled"},
    "awaiting_approval": {"approved", "refused", "expired", "cancelled"},
    "approved": {"dispatched", "refused", "expired", "cancelled", "failed"},
    "dispatched": {"acknowledged", "refused", "expired", "failed", "cancelled"},
    "acknowledged": {"applied", "simulated", "refused", "failed", "expired", "cancelled"},
    "applied": {"verified", "failed", "released", "cancelled"},
    "verified": {"released", "failed"},
}
# The share of hosts in each scope that may be acted on within the hour.
SHARES: Final = {"tenant": 0.25, "cohort": 0.34, "model": 0.25}
HOUR: Final = timedelta(hours=1)
_GRACE: Final = timedelta(minutes=15)
_MOMENT: Final = timedelta(seconds=1)
# As far as a host's clock may be off before the server refuses its requests, from which it learns the time.
_OFF: Final = timedelta(minutes=5)


class Truth:
    """What people did, what was handed out and said, and what was seen of the rows at each look."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lines: Sequence[Line] = ()
        self.people = People()
        self.quiet = Quiet()
        self.thrown = self.harmless = False
        self.revoked: set[int] = set()
        self.accepted: Counter[str] = Counter()
        self.reached: Counter[str] = Counter()
        self.delivered: dict[CommandId, str] = {}
        self.given: list[tuple[int, Command]] = []
        self.first: dict[ActionId, Action] = {}
        self._known: dict[ActionId, Action] = {}
        self._events: Counter[ActionId] = Counter()
        self._begun: dict[ActionId, tuple[int, datetime]] = {}
        self._resets: dict[tuple[str, str], int] = defaultdict(int)
        self.open: set[tuple[str, str]] = set()
        self._fleet = self._was_set = False
        self._words: dict[CommandId, list[CommandResult]] = defaultdict(list)
        self._until: dict[ActionId, datetime] = {}
        self._nonces: dict[str, CommandId] = {}
        self._applies: dict[ActionId, CommandId] = {}
        self._at_hosts: set[ActionId] = set()
        self._ever: dict[int, set[ActionId]] = defaultdict(set)
        self._over: dict[int, set[ActionId]] = defaultdict(set)

    @property
    def now(self) -> datetime:
        """By the server's clock, which is stepped now and then."""
        return self.stage.clock.now()

    @property
    def true_time(self) -> datetime:
        """What no step of the server's clock moves."""
        return START + timedelta(seconds=self.stage.clock.monotonic())

    def given_to_others(self, number: int) -> list[Command]:
        return [one for whose, one in self.given if whose != number]

    def handed(self, number: int, command: Command) -> None:
        """The server hands a command out."""
        row = self.stage.ports.actions.get(TENANT, command.action)
        state = row.state.value
        assert command.host == host(number) == row.host, "handed to another host"
        assert self.now < command.expires_at, "handed out though it has expired"
        assert self._nonces.setdefault(command.nonce, command.id) == command.id, "a nonce again"
        if command.verb.value in {"apply", "renew"}:
            assert state in LIFE, "handed out though its action has ended"
            assert not row.recalled_by, "handed out though its end was asked for"
            assert command.dry_run or not self.thrown, "handed out under the kill switch"
            told = float(command.parameters.get("lease_seconds", 0.0))
            assert told <= max(row.lease_seconds, self.first[row.id].lease_seconds), "too long"
        if command.verb.value == "apply":
            assert self._applies.setdefault(row.id, command.id) == command.id, "told twice to begin"
            assert state not in {"proposed", "awaiting_approval", "approved"}, (
                "told before it began"
            )
        if command.verb.value == "renew":
            self._renewal(row, command)
        if (number, command) not in self.given:
            self.reached[f"handed: {command.verb}"] += 1
            self.given.append((number, command))

    def _renewal(self, row: Action, command: Command) -> None:
        _, begun = self._begun[row.id]
        ends = command.issued_at + timedelta(seconds=command.parameters["lease_seconds"])
        most = timedelta(seconds=row.most_seconds)
        assert not row.most_seconds or ends <= begun + most + _MOMENT, "renewed beyond its most"
        assert row.state.value == "verified", "renewed though it was never verified"

    def said(self, number: int, result: CommandResult) -> None:
        """The server has taken a host's word."""
        whose = [one for one, command in self.given if command.id == result.command]
        assert not whose or number in whose, "another host's word was taken"
        self._words[result.command].append(result)
        until = result.data.get("until")
        if result.state.value == "verified" and until and whose:
            action = next(one.action for _, one in self.given if one.id == result.command)
            self._until[action] = datetime.fromisoformat(until)

    def forged(self, command: Command) -> None:
        """Somebody sends a host what the server never gave out."""
        self._nonces.setdefault(command.nonce, command.id)

    def begun_at_host(self, number: int, action: ActionId, brought: list[Command]) -> None:
        """The real agent of this host has begun something, told by one of these."""
        told = [one for one in brought if (one.action, one.verb.value) == (action, "apply")]
        assert told, "begun without being told to"
        assert all(one.host == host(number) for one in told), "begun by another host's command"
        late = min(self.now - one.expires_at for one in told)
        assert late < _OFF, "begun after its command expired"
        assert all(self._nonces.get(one.nonce) == one.id for one in told), "a nonce used twice"
        assert not any(one.dry_run for one in told), "a dry run was carried out"
        assert action not in self._at_hosts, "begun twice at its host"
        self._at_hosts.add(action)

    def approves(self, action: Action, who: str) -> None:
        """Somebody approves what waits; how many it takes is known before."""
        wide = self.stage.knows_people and takes(action) and self._reaches_far(action)
        needed = max(self.first[action.id].approvals, 2 if wide else 1)
        self.people.approve(action, who, self.now)
        self.stage.approve(action, who)
        approved = self.stage.ports.actions.get(TENANT, action.id).state.value == "approved"
        given = len(self.people.valid(action.id))
        assert not approved or given >= needed, "approved by too few people"
        self.reached["approved by two"] += approved and given > 1

    def _reaches_far(self, action: Action) -> bool:
        """It is of a fleet's incident, or acts on a fourth host within the hour."""
        rows = [one for one in self.stage.actions() if one.id != action.id]
        waiting = {one.host for one in rows if takes(one) and one.state.value == "approved"}
        others = (acted_hosts(rows, self._begun, self.now) | waiting) - {action.host}
        return len(others) > 2 or (self.stage.fleet_wide() and action.incident is not None)

    def called_off(self) -> set[ActionId]:
        """Leases that somebody asked the end of, at hosts that can be told and did not lie about them."""
        return {
            one.id
            for one in self.stage.actions()
            if lasts(one)
            and self._number(one) not in self.revoked
            and one.id not in self._line(one).liar
            and (one.recalled_by or (self.harmless and one.incident == INCIDENT.id))
        }

    def over_by_now(self, called_off: set[ActionId]) -> None:
        """A quarter of an hour after all was mended."""
        for one in self.stage.actions():
            if one.id in called_off:
                assert over(one), "called off, and not over"
                assert one.id not in self._line(one).in_force(), "called off, and in force"

    def reset(self) -> None:
        """From now on hosts are counted anew, in the scopes whose breakers are open."""
        for one in self._breakers():
            self._resets[one] = len(self._begun)
        self.open = set()
        self.reached["breaker reset"] += 1

    def look(self) -> None:
        """Compares the rows with what they were, and with what is true."""
        rows = self.stage.actions()
        self._was_set = self._was_set or self.now != self.true_time
        self._one_lease_of_a_kind(rows)
        self._what_is_over_stays_over()
        began = [one for one in rows if self._changed(one)]
        self._within_limits(rows, began)
        self._known = {one.id: one for one in rows}
        self.open, self._fleet = self._breakers(), self.stage.fleet_wide()

    def _breakers(self) -> set[tuple[str, str]]:
        found = self.stage.ports.guards.breakers(TENANT, open_only=True)
        return {(one.scope.value, one.key) for one in found}

    def _one_lease_of_a_kind(self, rows: list[Action]) -> None:
        live = Counter((one.host, one.kind) for one in rows if lasts(one))
        assert max(live.values(), default=0) <= 1, "two live leases of a kind on a host"
        for line in self.lines:
            held = line.kinds_held()
            assert len(held) == len(set(held)), "two of a kind at a host"

    def _what_is_over_stays_over(self) -> None:
        for line in self.lines:
            held, number = line.in_force(), line.number
            assert not held & self._over[number], "a lease came back on its host"
            self._over[number] |= self._ever[number] - held
            self._ever[number] |= held

    def _changed(self, now: Action) -> bool:
        """Looks at what is new of one; whether it was begun since the last look."""
        before = self._known.get(now.id)
        self.first.setdefault(now.id, now)
        if before == now:
            return False
        began = now.id in self._begun
        events = self.stage.ports.actions.events(TENANT, now.id)
        state = events[self._events[now.id] - 1].state.value if self._events[now.id] else "proposed"
        for event in events[self._events[now.id] :]:
            after = event.state.value
            assert after == state or after in LIFE.get(state, ()), f"a step: {state} to {after}"
            if after != state:
                self.quiet.check(now, event, state, self.now)
                self._stepped(now, event)
            state = after
        self._events[now.id] = len(events)
        assert state == now.state.value, "the row is not where its steps led"
        self._lease_end(now, before)
        return now.id in self._begun and not began

    def _stepped(self, now: Action, event: ActionEvent) -> None:
        state = event.state.value
        self.reached[f"{state}"] += 1
        if state == "approved":
            self._approved(now, event)
        elif state == "dispatched":
            self._begins(now)
        elif state == "verified":
            self._verifies(now, event)
        elif state == "released":
            self._releases(now, event)
        assert state != "simulated" or now.dry_run, "only simulated"
        assert state not in {"applied", "verified"} or not now.dry_run, "a dry run took effect"

    def _approved(self, now: Action, event: ActionEvent) -> None:
        assert now.mode.value != "observe", "observe mode approved itself"
        by_itself = not event.actor.startswith("user:")
        if by_itself:
            assert now.mode.value == "auto", "approved without a person"
            held = takes(now) and self.open & set(scopes(now))
            assert not held, "acts by itself under an open breaker"

    def _begins(self, now: Action) -> None:
        assert now.id not in self._begun, "begun twice"
        self._begun[now.id] = (len(self._begun), self.now)
        assert self.now < now.expires_at + _GRACE, "begun after its time"
        if now.kind == "mail":
            return
        number = self._number(now)
        assert number not in self.revoked, "begun on a revoked host"
        about = now.incident == INCIDENT.id
        assert not (self.harmless and about), "begun though people called it harmless"
        if takes(now):
            assert not self.thrown, "begun while the kill switch was thrown"
        self._people_behind(now)

    def _people_behind(self, now: Action) -> None:
        """That there are as many as it takes, at this moment."""
        given = len(self.people.valid(now.id))
        if not self.stage.knows_people or now.id not in self.people.asked:
            alone = self.stage.knows_people and takes(now) and now.incident is not None
            assert not (alone and self._fleet and given < 2), "fleet-wide without two people"
            return
        assert given >= self.first[now.id].approvals, "begun with too few people behind it"
        if takes(now) and given < 2:
            assert not (self._fleet and now.incident), "fleet-wide by one person's word"
            by_one = [one for one in self._known.values() if one.id != now.id and one.approvals < 2]
            others = acted_hosts(by_one, self._begun, self.now) - {now.host}
            assert len(others) < 3, "the fourth host by one person's word"
        self.reached[f"begun with {min(given, 2)} people behind it"] += takes(now)

    def _verifies(self, now: Action, event: ActionEvent) -> None:
        if now.kind == "mail":
            assert self.accepted[now.id], "a mail verified that nobody took"
            return
        apply = self._applies.get(now.id, CommandId(""))
        seen = [
            one.data
            for one in self._words[apply]
            if one.state.value == "verified" and one.data.get("probe")
        ]
        assert seen, "verified without what a probe saw"
        line = self._line(now)
        if now.id not in line.liar:
            assert line.probed(now.id), "verified, though its host saw nothing"
        if now.kind == "collect":
            assert apply in self.delivered, "verified without its evidence"
            told = event.data.get("held", {}).get("digest")
            assert told == self.delivered[apply], "verified by other evidence"
        self.reached[f"verified: {now.kind}"] += 1

    def _releases(self, now: Action, event: ActionEvent) -> None:
        line = self._line(now)
        if now.id in line.liar:
            return
        if event.data.get("restored"):
            assert now.id not in line.in_force(), "released, but still under it"
        elif event.data.get("seen") is False:
            # Moments by a clock that was set meanwhile can't be held beside others.
            early = self._until.get(now.id, self.now) > self.now
            assert self._was_set or not early, "released before its lease's end as its host told it"
            held = now.id in line.in_force()
            assert self._was_set or not held, "released by itself, but still in force"

    def _lease_end(self, now: Action, before: Action | None) -> None:
        was = before.lease_until if before else None
        if now.lease_until is None or now.lease_until == was:
            return
        longest = self.now + timedelta(seconds=self.first[now.id].lease_seconds)
        assert now.lease_until <= longest + _MOMENT, "a lease that outlasts what was asked"
        self.reached["renewed"] += was is not None

    def _within_limits(self, rows: list[Action], began: list[Action]) -> None:
        """Of each scope in which something was begun: how many hosts it is now, by when each was seen to begin."""
        fresh = [one for one in began if takes(one)]
        for scope, key in {found for one in fresh for found in scopes(one)}:
            counted = [
                one
                for one in rows
                if (scope, key) in scopes(one)
                and one.id in self._begun
                and self._begun[one.id][0] >= self._resets[scope, key]
            ]
            hosts = [number for number in range(COUNT) if number not in self.revoked]
            if scope == "cohort":
                hosts = [number for number in hosts if cohort(number) == key]
            most = max(1, int(SHARES[scope] * len(hosts) + 1e-9))
            acted = acted_hosts(counted, self._begun, self.now)
            assert len(acted) <= most, f"past the breaker of the {scope}"
            self.reached["at its limit"] += len(acted) == most

    def _line(self, action: Action) -> "Line":
        return self.lines[self._number(action)]

    def _number(self, action: Action) -> int:
        return next(number for number in range(COUNT) if host(number) == action.host)


def over(one: Action) -> bool:
    """Ended; or verified, where that is the end."""
    state = one.state.value
    return state not in LIFE or (state == "verified" and not lasts(one))


def scopes(action: Action) -> list[tuple[str, str]]:
    """In which an action's host is counted."""
    named = [("tenant", ""), ("cohort", action.cohort), ("model", action.model)]
    return [one for one in named if one[0] == "tenant" or one[1]]
