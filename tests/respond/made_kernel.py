"""A kernel that keeps measures for a time and no longer, and what agents do to it."""

from typing import Any, Final, Protocol

from vedette.agent.actions.kind import Declined, Plan
from vedette.agent.actions.scene import Check, Scene
from vedette.core import ActionId, Command

__all__ = ["DEEDS", "MEASURES", "Kernel", "MadeDeed", "MadeMeasure"]

MEASURES: Final = ("quarantine", "suspend_process")
DEEDS: Final = ("kill_process", "shutdown")
_FINE: Final = (Check(name="fine", ok=True, detail="nothing is against it"),)


class _Clock(Protocol):
    def boottime(self) -> float: ...


class _Fuse(Protocol):
    def burn(self) -> None: ...


class Kernel:
    """By kind: `held` is of which action and until when, `coming` what is scheduled and when. `done` can't be undone.

    `begun` is all that was ever begun, `probed` what a probe saw.
    """

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self.held: dict[str, tuple[ActionId, float]] = {}
        self.coming: dict[str, tuple[ActionId, float]] = {}
        self.done: set[ActionId] = set()
        self.begun: set[ActionId] = set()
        self.probed: set[ActionId] = set()

    @property
    def seconds(self) -> float:
        return self._clock.boottime()

    def in_force(self) -> dict[ActionId, float]:
        """Until when, by the true clock; the switch of what is over has ended it."""
        return {action: until for action, until in self.held.values() if self.seconds < until}

    def kinds(self) -> list[str]:
        """Of what is in force, and of what is scheduled."""
        self.pass_time()
        held = [kind for kind, (_, until) in self.held.items() if self.seconds < until]
        return [*held, *self.coming]

    def pass_time(self) -> None:
        """What is scheduled happens, whoever is alive."""
        for kind, (action, at) in list(self.coming.items()):
            if self.seconds >= at:
                self.done.add(action)
                del self.coming[kind]

    def forget(self) -> None:
        """A reboot."""
        self.held.clear()


class MadeMeasure:
    """See `vedette.agent.actions.kind.Measure`."""

    by_default = True

    def __init__(self, name: str, kernel: Kernel, fuse: _Fuse) -> None:
        self.name = name
        self._kernel, self._fuse = kernel, fuse

    def plan(self, command: Command, scene: Scene) -> Plan:
        del scene
        data = {"action": command.action}
        return Plan(data=data, text=self.name, checks=_FINE, would=f"{self.name} it")

    def former(self, scene: Scene) -> str:
        del scene
        return "changed" if self.name in self._kernel.held else "as it was"

    def put(self, data: dict[str, Any], seconds: float, scene: Scene) -> str:
        del scene
        self._set(ActionId(data["action"]), seconds)
        return f"mark of {data['action']}"

    def still_meant(
        self, data: dict[str, Any], scene: Scene
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        del scene
        return data, ()

    def extend(self, data: dict[str, Any], seconds: float, scene: Scene) -> None:
        del scene
        self._set(ActionId(data["action"]), seconds)

    def stands(self, mark: str, scene: Scene) -> bool:
        del scene
        action, until = self._kernel.held.get(self.name, (ActionId(""), 0.0))
        return mark == f"mark of {action}" and self._kernel.seconds < until

    def stray(self, scene: Scene) -> bool | None:
        del scene
        found = self._kernel.held.get(self.name)
        return None if found is None else self._kernel.seconds < found[1]

    def probe(self, data: dict[str, Any], scene: Scene) -> tuple[Check, ...]:
        del scene
        action = ActionId(data["action"])
        seen = action in self._kernel.in_force()
        self._kernel.probed |= {action} if seen else set()
        return (Check(name="blocked", ok=seen, detail=f"it is there: {seen}"),)

    def undo(self, data: dict[str, Any] | None, scene: Scene) -> None:
        del data, scene
        self._fuse.burn()
        self._kernel.held.pop(self.name, None)
        self._fuse.burn()

    def _set(self, action: ActionId, seconds: float) -> None:
        self._fuse.burn()
        self._kernel.begun.add(action)
        self._kernel.held[self.name] = (action, self._kernel.seconds + seconds)
        self._fuse.burn()


class MadeDeed:
    """See `vedette.agent.actions.kind.Deed`. A shutdown is scheduled with the kernel; a kill is the agent's to finish."""

    patience = 600.0

    def __init__(self, name: str, kernel: Kernel, fuse: _Fuse) -> None:
        self.name = name
        self._kernel, self._fuse = kernel, fuse

    def plan(self, command: Command, scene: Scene) -> Plan:
        del scene
        data = {"action": command.action, "grace": command.parameters["grace_seconds"]}
        return Plan(data=data, text=self.name, checks=_FINE, would=f"{self.name} it")

    def grace(self, data: dict[str, Any]) -> float:
        return float(data["grace"])

    def begin(self, data: dict[str, Any], scene: Scene) -> str:
        del scene
        self._fuse.burn()
        action = ActionId(data["action"])
        self._kernel.begun.add(action)
        if self.name == "shutdown":
            self._kernel.coming[self.name] = (action, self._kernel.seconds + data["grace"])
        self._fuse.burn()
        return f"in {data['grace']} seconds"

    def call_off(self, data: dict[str, Any], scene: Scene) -> str:
        del scene
        self._fuse.burn()
        self._kernel.pass_time()
        if data["action"] in self._kernel.done:
            raise Declined("it is done")
        self._kernel.coming.pop(self.name, None)
        self._fuse.burn()
        return "called off"

    def finish(self, data: dict[str, Any], scene: Scene) -> None:
        del scene
        if self.name == "shutdown":
            return
        self._fuse.burn()
        self._kernel.done.add(ActionId(data["action"]))
        self._fuse.burn()

    def seen(self, data: dict[str, Any], scene: Scene, *, rebooted: bool) -> Check | None:
        del scene, rebooted
        self._kernel.pass_time()
        if data["action"] not in self._kernel.done:
            return None
        self._kernel.probed.add(ActionId(data["action"]))
        return Check(name="gone", ok=True, detail="it is")
