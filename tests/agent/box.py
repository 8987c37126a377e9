"""The commands' side of a server of tests.agent.server."""

import base64
from collections.abc import Callable

import msgspec
from tests.agent.server import Reply, Seen

from vedette.core import ActionState, Command, CommandResult
from vedette.seal import SigningKey, sign_command

__all__ = ["Box"]

Ruler = Callable[[Seen], str]


def _none(_: Seen) -> str:
    """Nobody waits for a verdict."""
    return ""


class Box:
    """The server's side: what it has to give, and what it was told."""

    def __init__(self, *, forgets: bool = False) -> None:
        self.forgets = forgets
        self.pending: dict[str, str] = {}
        self.told: list[CommandResult] = []
        self.refuse_results = 0
        self.verdict: Ruler = _none

    def __call__(self, seen: Seen) -> Reply:
        if seen.path == "/v1/snapshots":
            return Reply(202, {"accepted": True, "verdict": self.verdict(seen)})
        if seen.path == "/v1/commands":
            return Reply(200, {"commands": list(self.pending.values())})
        if self.refuse_results:
            self.refuse_results -= 1
            return Reply(503)
        result = msgspec.json.decode(seen.body, type=CommandResult)
        assert seen.path == f"/v1/commands/{result.command}/result"
        self.told.append(result)
        if self.forgets:
            self.pending.pop(result.command, None)
        return Reply(200)

    def give(self, command: Command, key: SigningKey) -> None:
        """Has it fetched from now on: once where it `forgets` what was answered, else again and again."""
        self.pending[command.id] = base64.b64encode(sign_command(command, key)).decode()

    def states(self) -> list[ActionState]:
        """In the order told."""
        return [result.state for result in self.told]
