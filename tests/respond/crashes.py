"""What dies at any write, and a teller of news whose other side is scripted."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from vedette.core import ActionState
from vedette.respond import Job, MailSchema, Ports
from vedette.respond.outcome import Failed, Outcome, Retry, Verified

__all__ = ["Crash", "Fragile", "FragilePorts", "Telling"]

S = ActionState
_WRITES = frozenset({"advance", "dispatch", "note", "recall", "wake", "put", "done", "hold"})


class Crash(BaseException):
    """The process dies here."""


class Telling:
    """A local kind whose other side is scripted: it keeps what it was given, and dies when told to."""

    remote = False

    def __init__(self, accepted: Counter[str]) -> None:
        self.schema = MailSchema()
        self.accepted = accepted
        self.script: list[str] = []

    def plan(self, job: Job) -> dict[str, Any]:
        return {"to": job.action.parameters["to"]}

    def apply(self, job: Job) -> Outcome:
        what = self.script.pop(0) if self.script else "accept"
        if what == "crash before":
            raise Crash
        if what == "later":
            return Retry(detail="451")
        if what == "never":
            return Failed(detail="550")
        self.accepted[job.action.id] += 1
        if what == "crash after":
            raise Crash
        return Verified(detail="250", evidence={"accepted": job.action.parameters["to"]})

    def probe(self, job: Job) -> Outcome:
        said = [event.data for event in job.events if event.state is S.ACKNOWLEDGED]
        if not said or not said[0].get("accepted"):
            return Failed(detail="no evidence")
        return Verified(detail="250", evidence=said[0])


class Fragile:
    """A port of which every write may be the last: it dies before or after the row is there, or a rival comes first."""

    def __init__(self, inner: Any, plan: list[str], rival: Callable[[], None]) -> None:
        self._inner = inner
        self._plan = plan
        self._rival = rival

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name not in _WRITES:
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            fate = self._fate(name)
            if fate == "before":
                raise Crash
            if fate == "rival":
                self._rival()
            result = value(*args, **kwargs)
            if fate == "after":
                raise Crash
            return result

        return call

    def _fate(self, name: str) -> str:
        """The next of the plan; such as `put:before` waits for a write of this name."""
        wanted, _, fate = (self._plan or ["live"])[0].rpartition(":")
        if not self._plan or wanted not in {"", name}:
            return "live"
        self._plan.pop(0)
        return fate


class FragilePorts:
    """All ports, fragile where they write."""

    def __init__(
        self, ports: Ports, plan: list[str], rival: Callable[[], None] = lambda: None
    ) -> None:
        self.outbox = Fragile(ports.outbox, plan, rival)
        self.actions = Fragile(ports.actions, plan, rival)
        self.commands = Fragile(ports.commands, plan, rival)
        self.incidents = ports.incidents
        self.guards = ports.guards
        self.hosts = ports.hosts
        self.silences = Fragile(ports.silences, plan, rival)
