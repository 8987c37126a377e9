"""A host that obeys commands as an agent does: leases end by themselves, whether or not anyone hears of it."""

from collections import Counter
from datetime import datetime, timedelta

from vedette.core import (
    COLLECT,
    NOTHING_IN_FORCE,
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    Verb,
)

__all__ = ["SimulatedHost"]

S = ActionState
_TRIAL = timedelta(seconds=60)
Words = list[tuple[ActionState, dict[str, object]]]


class SimulatedHost:
    """Carries out each command once, in the order it fetches them; one of a kind at a time.

    `in_force` is when each lease ends by the kernel; `on_its_way` when each grace does; `done` is what could not be undone.
    `began_at` is when each lease first came into force; `verified` how many commands about each it called verified.
    Its clock is `ahead`, and it obeys nothing older than `since`, when its journal was made anew.
    """

    def __init__(self) -> None:
        self.in_force: dict[ActionId, datetime] = {}
        self.released_at: dict[ActionId, datetime] = {}
        self.on_its_way: dict[ActionId, datetime] = {}
        self.done: set[ActionId] = set()
        self.kinds: dict[ActionId, str] = {}
        self.began_at: dict[ActionId, datetime] = {}
        self.verified: Counter[ActionId] = Counter()
        self.ahead = timedelta(0)
        self.since: datetime | None = None
        self._began: dict[ActionId, CommandId] = {}
        self._results: dict[CommandId, list[CommandResult]] = {}
        self._interrupted: Command | None = None
        self._owned_up = 0

    def obey(self, command: Command, now: datetime) -> list[CommandResult]:
        """What it says; a repeated command gets the same words again."""
        self.expire(now)
        if command.id not in self._results:
            self._results[command.id] = self._said(command.id, self._carry_out(command, now), now)
        return self._results[command.id]

    def expire(self, now: datetime) -> None:
        """The dead man's switch."""
        for action, until in list(self.in_force.items()):
            if now >= until:
                self._end(action, until)

    def tend(self, now: datetime) -> list[CommandResult]:
        """What the agent says by itself: what is over, and what a grace came to."""
        self.expire(now)
        said: list[CommandResult] = []
        for action, until in list(self.on_its_way.items()):
            if now >= until:
                del self.on_its_way[action]
                self.done.add(action)
                self.verified[action] += 1
                seen: Words = [(S.VERIFIED, {"probe": {"gone": "it is"}})]
                said += self._said(self._began[action], seen, now)
        return said

    def die_in(self, command: Command, now: datetime) -> None:
        """The agent is killed while it carries a command out: a lease has just begun, for a trial, or has just its new end."""
        self.expire(now)
        if command.id in self._results:
            return
        words: Words = [(S.ACKNOWLEDGED, {})]
        self._results[command.id] = self._said(command.id, words, now)
        free = self.kinds_held().count(command.kind) == 0 and now < command.expires_at
        if command.verb is Verb.APPLY and not command.dry_run and free:
            self._hold(command, now + _TRIAL)
        if self._renews(command) and not self._objection(command, now):
            self._lease(command, now)
        self._interrupted = command

    def start_agent(self, now: datetime) -> list[CommandResult]:
        """It takes back what it was killed in, and owns up to it. Of a renewal every other one says what is in force."""
        command, self._interrupted = self._interrupted, None
        if command is None:
            return []
        self.expire(now)
        if command.verb is Verb.APPLY and command.action in self.in_force:
            self._end(command.action, now)
        words: dict[str, object] = {"stopped": True}
        self._owned_up += self._renews(command)
        if self._renews(command) and self._owned_up % 2:
            words["until"] = (self.in_force[command.action] + self.ahead).isoformat()
        self._results[command.id] += self._said(command.id, [(S.FAILED, words)], now)
        return self._results[command.id]

    def _renews(self, command: Command) -> bool:
        return command.verb is Verb.RENEW and command.action in self.in_force

    def kinds_held(self) -> list[str]:
        """Of each lease in force, and of what is on its way."""
        return [self.kinds[action] for action in (*self.in_force, *self.on_its_way)]

    def _said(self, command: CommandId, words: Words, now: datetime) -> list[CommandResult]:
        return [
            CommandResult(
                command=command, state=state, at=now, detail=str(data.get("why", state)), data=data
            )
            for state, data in words
        ]

    def _carry_out(self, command: Command, now: datetime) -> Words:
        if why := self._objection(command, now):
            return [(S.REFUSED, {"why": why})]
        if command.dry_run:
            return [(S.ACKNOWLEDGED, {}), (S.SIMULATED, {"plan": "x"})]
        if command.verb in {Verb.APPLY, Verb.CANCEL}:
            begin = command.verb is Verb.APPLY
            return self._apply(command, now) if begin else self._cancel(command)
        if command.action not in self.in_force:
            return [(S.REFUSED, {NOTHING_IN_FORCE: True})]
        if command.verb is Verb.RENEW:
            return [self._lease(command, now)]
        self._end(command.action, now)
        return [(S.RELEASED, {"restored": True})]

    def _objection(self, command: Command, now: datetime) -> str:
        if now + self.ahead >= command.expires_at:
            return "expired"
        if self.since is not None and command.issued_at < self.since:
            return "older than the journal"
        return ""

    def _apply(self, command: Command, now: datetime) -> Words:
        if command.kind in self.kinds_held():
            return [(S.REFUSED, {"why": "another is in force"})]
        if command.kind == COLLECT:
            digest = f"sha256:{command.action}"
            self.verified[command.action] += 1
            probe = {"delivered": digest}
            return [(S.ACKNOWLEDGED, {}), (S.VERIFIED, {"probe": probe, "digest": digest})]
        if "grace_seconds" in command.parameters:
            self.kinds[command.action] = command.kind
            self._began[command.action] = command.id
            until = now + timedelta(seconds=command.parameters["grace_seconds"])
            self.on_its_way[command.action] = until
            return [(S.ACKNOWLEDGED, {}), (S.APPLIED, {"at": until.isoformat()})]
        return [(S.ACKNOWLEDGED, {}), (S.APPLIED, {}), self._lease(command, now)]

    def _cancel(self, command: Command) -> Words:
        if self.on_its_way.pop(command.action, None) is None:
            return [(S.REFUSED, {NOTHING_IN_FORCE: True})]
        return [(S.CANCELLED, {})]

    def _lease(self, command: Command, now: datetime) -> tuple[ActionState, dict[str, object]]:
        until = now + timedelta(seconds=command.parameters["lease_seconds"])
        self._hold(command, until)
        self.began_at.setdefault(command.action, now)
        self.verified[command.action] += 1
        told = until + self.ahead
        return S.VERIFIED, {"probe": {"server": True}, "until": told.isoformat()}

    def _hold(self, command: Command, until: datetime) -> None:
        self.kinds[command.action] = command.kind
        self.in_force[command.action] = until

    def _end(self, action: ActionId, at: datetime) -> None:
        del self.in_force[action]
        self.released_at[action] = at
