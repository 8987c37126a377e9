"""Ends processes: asked to end first, made to when the grace is over."""

import signal
from typing import Annotated, Any, Final

import msgspec

from vedette.agent.actions.kind import Declined, Plan, parameters_of
from vedette.agent.actions.programs import Programs
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.actions.targets import aimed, alive, chosen, hit, told
from vedette.core import Command, Record

__all__ = ["KillProcess"]

_LONGEST = 300.0


class _Parameters(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    processes: tuple[dict[str, Any], ...]
    grace_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] = 10.0


class KillProcess:
    """See `Deed`. Each process is hit through a descriptor of its own, so never another that got its pid."""

    name: Final = "kill_process"
    patience: Final = 30.0

    def __init__(self) -> None:
        self._programs = Programs()

    def plan(self, command: Command, scene: Scene) -> Plan:
        """Which processes, by pid, start, path and digest, and what would be sent to them.

        Raises:
            InvalidInput: parameters that can't be used.
        """
        grace = parameters_of(command, _Parameters).grace_seconds
        targets, checks = aimed(command, scene, self._programs)
        lines = [
            f"SIGTERM to pid {one.pid} (start {one.ticks} ticks, {one.path}, sha256 {one.sha256}); "
            f"SIGKILL after {grace:g} seconds if it still runs"
            for one in targets
        ]
        return Plan(
            data={"processes": told(targets), "grace": grace},
            text="\n".join(lines),
            checks=checks,
            would=f"end {len(targets)} processes of this host, by force after {grace:g} seconds",
        )

    def grace(self, data: dict[str, Any]) -> float:
        """Between asking and making."""
        return float(data["grace"])

    def begin(self, data: dict[str, Any], scene: Scene) -> str:
        """Asks them to end: none where one became another before the first was asked, else those that did not."""
        asked = hit(chosen(data), signal.SIGTERM, scene, self._programs)
        return f"{asked}; SIGKILL follows in {data['grace']:g} seconds"

    def call_off(self, data: dict[str, Any], scene: Scene) -> str:
        """They are not made to end. What SIGTERM did is done."""
        targets = chosen(data)
        left = [str(one.pid) for one in alive(targets, scene)]
        if not left:
            raise Declined("too late: the processes have ended")
        return (
            f"no SIGKILL is sent; SIGTERM was: {len(targets) - len(left)} of {len(targets)} have ended, "
            f"{', '.join(left)} still run"
        )

    def finish(self, data: dict[str, Any], scene: Scene) -> None:
        """Makes those end that still run what was meant."""
        made = hit(chosen(data), signal.SIGKILL, scene, self._programs, each=True)
        if made.others:
            raise Declined(str(made))

    def seen(self, data: dict[str, Any], scene: Scene, *, rebooted: bool) -> Check | None:
        """None of them runs any more. After a reboot none can, which is not this action's doing."""
        if rebooted:
            detail = "the machine was started anew since, which ended them too"
            return Check(name="gone", ok=True, detail=detail)
        targets = chosen(data)
        if any(alive(targets, scene)):
            return None
        named = ", ".join(str(one.pid) for one in targets)
        return Check(name="gone", ok=True, detail=f"none of the processes {named} runs any more")
