"""A host that obeys commands as an agent does: leases end by themselves, whether or not anyone hears of it."""

from datetime import datetime, timedelta

from vedette.core import ActionId, ActionState, Command, CommandId, CommandResult, Verb

S = ActionState


class SimulatedHost:
    """Carries out each command once, in the order it fetches them. `lease` is how long one lasts, in seconds."""

    def __init__(self) -> None:
        self.in_force: dict[ActionId, datetime] = {}
        self.released_at: dict[ActionId, datetime] = {}
        self._results: dict[CommandId, list[CommandResult]] = {}

    def obey(self, command: Command, now: datetime) -> list[CommandResult]:
        """What it says; a repeated command gets the same words again."""
        self.expire(now)
        if command.id not in self._results:
            self._results[command.id] = [
                CommandResult(command=command.id, state=state, at=now, detail=str(state), data=data)
                for state, data in self._carry_out(command, now)
            ]
        return self._results[command.id]

    def expire(self, now: datetime) -> None:
        """The dead man's switch."""
        for action, until in list(self.in_force.items()):
            if now >= until:
                del self.in_force[action]
                self.released_at[action] = until

    def _carry_out(
        self, command: Command, now: datetime
    ) -> list[tuple[ActionState, dict[str, object]]]:
        if now >= command.expires_at:
            return [(S.REFUSED, {"why": "expired"})]
        if command.dry_run:
            return [(S.ACKNOWLEDGED, {}), (S.SIMULATED, {"plan": "x"})]
        if command.verb is Verb.APPLY:
            return self._apply(command, now)
        if command.action not in self.in_force:
            return [(S.REFUSED, {"why": "nothing in force"})]
        if command.verb is Verb.RENEW:
            return [self._lease(command, now)]
        del self.in_force[command.action]
        self.released_at[command.action] = now
        return [(S.RELEASED, {"restored": True})]

    def _apply(
        self, command: Command, now: datetime
    ) -> list[tuple[ActionState, dict[str, object]]]:
        if self.in_force:
            return [(S.REFUSED, {"why": "another is in force"})]
        return [(S.ACKNOWLEDGED, {}), (S.APPLIED, {}), self._lease(command, now)]

    def _lease(self, command: Command, now: datetime) -> tuple[ActionState, dict[str, object]]:
        until = now + timedelta(seconds=command.parameters["lease_seconds"])
        self.in_force[command.action] = until
        return S.VERIFIED, {"probe": {"server": True}, "until": until.isoformat()}
