"""Stops processes for the time of a lease: they stay as they are, and go on where they were when it ends."""

import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any, Final

import msgspec

from vedette.agent.actions.kind import CannotDo, Declined, Gone, Plan, parameters_of
from vedette.agent.actions.processes import look, pids
from vedette.agent.actions.programs import Programs
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.actions.switch import Switch
from vedette.agent.actions.targets import (
    Target,
    aimed,
    alive,
    changed,
    chosen,
    hit,
    told,
    unchanged,
    wake,
)
from vedette.core import Command, Record

__all__ = ["SuspendProcess"]

_LONGEST = 31_536_000
# How long a stop may take to be seen: a process that waits for a disk stops when it has it.
_PATIENCE, _LOOK_AGAIN = 3.0, 0.02
# To wake what was not stopped changes nothing, so a pid used again since the look is no harm. A process may bear a name with
# line breaks in it, so the whole file is read.
_WAKE = """
for one; do
  pid=${one%%:*}; ticks=${one##*:}
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || continue
  set -- ${stat##*) }
  [ "${20}" = "$ticks" ] && kill -CONT "$pid"
done
exit 0
"""


class _Parameters(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    processes: tuple[dict[str, Any], ...]
    lease_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] = 0.0


class SuspendProcess:
    """See `Measure`. A process that ends, by whatever, takes its suspension with it; so does a reboot."""

    name: Final = "suspend_process"
    by_default: Final = False

    def __init__(self) -> None:
        self._switch = Switch(self.name, _WAKE)
        self._programs = Programs()

    def plan(self, command: Command, scene: Scene) -> Plan:
        """Which processes, by pid, start, path and digest.

        Raises:
            InvalidInput: parameters that can't be used.
        """
        seconds = parameters_of(command, _Parameters).lease_seconds
        targets, checks = aimed(command, scene, self._programs)
        lines = [
            f"SIGSTOP to pid {one.pid} (start {one.ticks} ticks, {one.path}, sha256 {one.sha256}); SIGCONT at the end"
            for one in targets
        ]
        term = f"for {seconds:g} seconds unless renewed" if seconds else "for a lease"
        return Plan(
            data={"processes": told(targets)},
            text="\n".join(lines),
            checks=(*checks, _running(targets, scene)),
            would=f"stop {len(targets)} processes of this host {term}",
        )

    def former(self, scene: Scene) -> str:
        """All that is stopped on the host, one a line."""
        found = (look(pid, scene.source) for pid in pids(scene.source))
        return "\n".join(f"{one.pid} {one.ticks}" for one in found if one and one.stopped)

    def put(self, data: dict[str, Any], seconds: float, scene: Scene) -> str:
        """The switch first: what is stopped is never without it."""
        targets = chosen(data)
        if not any(alive(targets, scene)):
            raise Gone("none of the processes is there any more: they ended, or the machine did")
        self.extend(data, seconds, scene)
        hit(targets, signal.SIGSTOP, scene, self._programs)
        ends = time.monotonic() + _PATIENCE
        while not _stopped(targets, scene) and time.monotonic() < ends:
            time.sleep(_LOOK_AGAIN)
        return " ".join(f"{one.pid}:{one.ticks}" for one in targets)

    def still_meant(
        self, data: dict[str, Any], scene: Scene
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """Without those that run another program file by now, which go on; the others do not go on for their sake."""
        targets = chosen(data)
        others = changed(targets, scene, self._programs)
        if not others:
            return data, ()
        words = tuple(why for _, why in others)
        without = [one for one, _ in others]
        left = [one for one in targets if one not in without]
        if not any(alive(left, scene)):
            raise Declined(f"none of the processes is what was suspended: {'; '.join(words)}")
        _let_go(without, scene)
        return data | {"processes": told(left)}, words

    def extend(self, data: dict[str, Any], seconds: float, scene: Scene) -> None:
        """A switch with that time, and then none of the former."""
        named = [f"{one.pid}:{one.ticks}" for one in chosen(data)]
        self._switch.arm(seconds, named, scene)

    def stands(self, mark: str, scene: Scene) -> bool:
        """What has not ended is stopped, and the switch waits."""
        named = dict(word.split(":") for word in mark.split())
        found = [look(int(pid), scene.source) for pid in named]
        there = [
            one for one in found if one and str(one.ticks) == named[str(one.pid)] and not one.gone
        ]
        return bool(there) and all(one.stopped for one in there) and self._switch.armed(scene)

    def stray(self, scene: Scene) -> bool | None:
        """A switch that waits knows of processes that are stopped; one that is itself stopped will not end that any more."""
        if self._switch.armed(scene):
            return True
        return False if self._switch.there(scene) else None

    def probe(self, data: dict[str, Any], scene: Scene) -> tuple[Check, ...]:
        """They are stopped, are what was meant, and the server answers: what was stopped was not what it is reached by.

        Whether they are stopped is looked at last: what was woken meanwhile, by the switch for one, is not in force. And what
        stands still runs no other program any more.
        """
        targets = chosen(data)
        same, reached = unchanged(targets, scene, self._programs), scene.reach()
        found = list(alive(targets, scene))
        still = [str(one.pid) for one in found if not one.stopped]
        named = ", ".join(str(one.pid) for one in found)
        detail = f"{', '.join(still)} still run" if still else f"stopped: {named or 'none is left'}"
        stopped = Check(name="stopped", ok=bool(found) and not still, detail=detail)
        return stopped, same, reached

    def undo(self, data: dict[str, Any] | None, scene: Scene) -> None:
        """Lets them go on."""
        if data is None:
            self._switch.fire(scene)
            return
        wake(chosen(data), scene)
        self._switch.disarm(scene)


def _stopped(targets: Sequence[Target], scene: Scene) -> bool:
    return all(one.stopped for one in alive(targets, scene))


def _let_go(others: Sequence[Target], scene: Scene) -> None:
    """What was stopped in the moment in which it became another would stand still for ever."""
    stopped = {one.pid for one in alive(others, scene) if one.stopped}
    # One that the agent may not wake (it runs as somebody else by now) must not free the others.
    with suppress(CannotDo):
        wake([one for one in others if one.pid in stopped], scene)


def _running(targets: Sequence[Target], scene: Scene) -> Check:
    """What somebody else stopped would be woken at the end of the lease."""
    stopped = [str(one.pid) for one in alive(targets, scene) if one.stopped]
    detail = f"stopped already: {', '.join(stopped)}" if stopped else "none is stopped yet"
    return Check(name="not_stopped_yet", ok=not stopped, detail=detail)
