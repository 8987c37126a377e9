"""Carries out commands, each once, and tells the server what became of them: whichever way they came."""

from collections.abc import Mapping
from datetime import timedelta

import msgspec
import structlog

from vedette.agent.actions.kind import Kind
from vedette.agent.actions.scene import Outcome, Scene
from vedette.agent.door import Door, Unreachable
from vedette.agent.enrolment import Enrolment
from vedette.agent.journal import Journal, Known
from vedette.agent.ledger import Ledger
from vedette.core import ActionState, Clock, Command, CommandId, CommandResult, Verb

__all__ = ["Obedience"]

_log = structlog.get_logger()
_TAKEN = frozenset({200, 201, 202, 204})
# The server will never take this result: it does not know the command, or has another result for it.
_POINTLESS = frozenset({400, 404, 409, 410, 413, 422})
# A server whose clock was set back signs with an end that is past by a clock that is right. What begins or keeps something
# must not be obeyed then; what ends it must be.
_ENDS = frozenset({Verb.RELEASE, Verb.CANCEL})
_INTERRUPTED = Outcome(
    state=ActionState.FAILED,
    detail="the agent was stopped while carrying it out; it is not tried again",
)


class Obedience:
    """For one thread, as its door is. Two may stand on one journal: each command is begun by one of them."""

    def __init__(
        self,
        enrolment: Enrolment,
        door: Door,
        journal: Journal,
        clock: Clock,
        scene: Scene,
        actions: Mapping[str, Kind],
        ledger: Ledger,
    ) -> None:
        self._enrolment = enrolment
        self._door = door
        self._journal = journal
        self._clock = clock
        self._scene = scene
        self._actions = actions
        self._ledger = ledger

    def obey(self, command: Command, *, against: str = "") -> CommandResult | None:
        """A verified command, begun if it is new; `against` is what else this host has against it.

        Gives how it ended; None where it is none that is begun now.
        """
        known = self._journal.begin(command)
        if known is Known.ENDED:
            # Redelivered: the server has not seen the answer. It gets the same one again.
            self._again(command)
            return None
        if known is Known.REUSED_NONCE:
            _log.error("commands.reused_nonce", command=command.id)
            self._remember(self._refusal(command, "its nonce was used by another command"))
            return None
        if known is Known.BEGUN:
            result = self._owned_up(command.id, command)
        elif reason := self._objection(command) or against:
            result = self._refusal(command, reason)
        else:
            result = self._carry_out(command)
        self._journal.finish(result)
        _log.info("commands.ended", command=command.id, kind=command.kind, state=result.state)
        return result

    def own_up(self, command: CommandId) -> None:
        """Says of a command that the agent was stopped in what came of it; it is not tried again."""
        result = self._owned_up(command, self._journal.under_way(command))
        self._journal.finish(result)
        _log.warning("commands.interrupted", command=command, state=result.state)

    def _owned_up(self, ident: CommandId, command: Command | None) -> CommandResult:
        """By what is on the host now, where its kind can tell that."""
        kind = self._actions.get(command.kind) if command else None
        if command is None or kind is None:
            return self.result(ident, _INTERRUPTED)
        try:
            found = kind.own_up(command, self._scene, self._ledger)
        except Exception:  # noqa: BLE001 - whatever is wrong with the look, the server must hear of the command
            _log.exception("commands.not_looked_at", command=ident, kind=command.kind)
            found = None
        return self.result(ident, found or _INTERRUPTED)

    def _objection(self, command: Command) -> str:
        """Why the command must not be obeyed; empty when it may."""
        began = self._journal.began_at + timedelta(seconds=self._journal.offset)
        if command.host != self._enrolment.host or command.tenant != self._enrolment.tenant:
            return "it is for another host"
        ends = command.verb in _ENDS
        now = self._journal.earliest_now() if ends else self._journal.server_now()
        if now >= command.expires_at:
            return f"it expired at {command.expires_at.isoformat()}"
        if command.issued_at < began and self._enrolment.enrolled_at < self._journal.began_at:
            return "it is older than this agent's journal, so it may have been carried out before"
        if command.kind not in self._actions:
            return f"this agent can't do {command.kind!r}; it can do {', '.join(sorted(self._actions))}"
        return self._forbidden(self._actions[command.kind], command)

    def _forbidden(self, kind: Kind, command: Command) -> str:
        """What this host itself has against it. What ends or calls off something is never forbidden."""
        if command.verb not in kind.verbs:
            can = ", ".join(sorted(kind.verbs))
            return f"{kind.name} knows no {command.verb}; it knows {can}"
        if command.verb is not Verb.APPLY or command.dry_run:
            return ""
        permission = self._scene.permission
        if objection := permission.forbids(kind.name, by_default=kind.by_default):
            return objection
        return permission.objects_to_pace(self._ledger.deeds()) if kind.disruptive else ""

    def _carry_out(self, command: Command) -> CommandResult:
        acknowledged = Outcome(state=ActionState.ACKNOWLEDGED, detail="the host begins")
        self._send(self.result(command.id, acknowledged))
        kind = self._actions[command.kind]
        counted = kind.disruptive and command.verb is Verb.APPLY and not command.dry_run
        try:
            if counted:
                self._ledger.note_deed(command)
            outcome = kind.carry_out(command, self._scene, self._ledger)
            if counted and outcome.state is ActionState.REFUSED:
                self._ledger.take_back_deed(command)
        except Exception as error:  # noqa: BLE001 - whatever an action does wrong, the server must hear of it
            _log.exception("commands.action_failed", command=command.id, kind=command.kind)
            outcome = Outcome(
                state=ActionState.FAILED,
                detail=f"the action failed: {type(error).__name__}: {error}",
            )
        return self.result(command.id, outcome)

    def _remember(self, refusal: CommandResult) -> None:
        """Kept until the server has it; the journal has no place for a second command of one nonce. Given again, it is told once more."""
        if refusal.command not in {remark.command for _, remark in self._ledger.remarks()}:
            self._ledger.say(refusal)

    def _again(self, command: Command) -> None:
        result = self._journal.result(command.id)
        if result is not None:
            self._journal.finish(result)

    def report(self) -> None:
        """Tells what the server has not taken yet."""
        self._remark(on_the_way=True)
        waiting = set()
        for result in self._journal.unreported():
            if self._send(result):
                self._journal.reported(result.command)
            else:
                waiting.add(result.command)
        self._remark(on_the_way=False, waiting=frozenset(waiting))

    def _remark(self, *, on_the_way: bool, waiting: frozenset[CommandId] = frozenset()) -> None:
        """Tells what is beside a command's result, in the order of things: what came before it, and what came after."""
        for number, remark in self._ledger.remarks():
            before = remark.state is ActionState.APPLIED
            if before is on_the_way and remark.command not in waiting and self._send(remark):
                self._ledger.told(number)

    def _send(self, result: CommandResult) -> bool:
        """Whether the server is done with this result."""
        try:
            answer = self._door.request(
                "POST",
                f"/v1/commands/{result.command}/result",
                body=msgspec.json.encode(result),
                content_type="application/json",
            )
        except Unreachable as error:
            _log.warning("commands.not_reported", command=result.command, problem=error.detail)
            return False
        if answer.status in _TAKEN:
            return True
        _log.warning("commands.not_reported", command=result.command, problem=answer.problem())
        return answer.status in _POINTLESS

    def _refusal(self, command: Command, why: str) -> CommandResult:
        return self.result(command.id, Outcome(state=ActionState.REFUSED, detail=why))

    def result(self, command: CommandId, outcome: Outcome) -> CommandResult:
        """How a command ended, as of now."""
        return CommandResult(
            command=command,
            state=outcome.state,
            at=self._clock.now(),
            detail=outcome.detail,
            data=outcome.data,
        )
