"""Turns the machine off, or starts it anew, by systemd's schedule: it tells who is logged in, and can be called off."""

import json
import math
import subprocess
from typing import Annotated, Any, Final

import msgspec

from vedette.agent.actions.kind import CannotDo, Plan, parameters_of
from vedette.agent.actions.scene import Check, Scene
from vedette.core import Command, Record

__all__ = ["Power"]

_SYSTEMD = "/run/systemd/system"
# Where systemd-logind keeps what is scheduled: MODE=, USEC= (Unix microseconds), WALL_MESSAGE=.
_SCHEDULED = "/run/systemd/shutdown/scheduled"
_LEAST, _LONGEST = 60.0, 3_600.0
_MESSAGE_LETTERS = 200
_MOST_WORDS = 500
_FLAGS: Final = {"shutdown": "--poweroff", "reboot": "--reboot"}
_MODES: Final = {"shutdown": frozenset({"poweroff"}), "reboot": frozenset({"reboot"})}


class _Parameters(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    grace_seconds: Annotated[float, msgspec.Meta(ge=_LEAST, le=_LONGEST)]
    message: Annotated[str, msgspec.Meta(max_length=_MESSAGE_LETTERS)] = ""


class Power:
    """See `Deed`. `name` is shutdown or reboot.

    The schedule is systemd's, so it goes on when the agent has died; that is why the agent needs no switch of its own.
    """

    patience: Final = 600.0

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """Shutdown or reboot."""
        return self._name

    def plan(self, command: Command, scene: Scene) -> Plan:
        """The exact command.

        Raises:
            InvalidInput: parameters that can't be used.
        """
        given = parameters_of(command, _Parameters)
        # systemd's shutdown counts in minutes; more grace than was asked for, never less.
        minutes = math.ceil(given.grace_seconds / 60)
        words = [_FLAGS[self.name], f"+{minutes}", _printable(given.message)]
        return Plan(
            data={"words": words, "grace": minutes * 60.0},
            text=f"shutdown {json.dumps(words)}",
            checks=(_systemd(scene), _present(scene), _free(scene)),
            would=f"{self.name} this host in {minutes} minutes, and tell who is logged in",
        )

    def grace(self, data: dict[str, Any]) -> float:
        """Until the moment."""
        return float(data["grace"])

    def begin(self, data: dict[str, Any], scene: Scene) -> str:
        """Schedules it, and looks whether it is scheduled."""
        _shutdown(data["words"], scene)
        mode = _scheduled(scene)
        if mode not in _MODES[self.name]:
            self.call_off(data, scene)
            raise CannotDo(f"shutdown was told, but {mode or 'nothing'} is scheduled; called off")
        return f"{self.name} is scheduled in {data['grace']:.0f} seconds; who is logged in was told"

    def call_off(self, data: dict[str, Any], scene: Scene) -> str:
        """Takes the schedule away, and looks whether it is gone."""
        del data
        _shutdown(["-c"], scene)
        if mode := _scheduled(scene):
            raise CannotDo(f"shutdown -c was told, but {mode} is scheduled still")
        return "the schedule was taken away"

    def finish(self, data: dict[str, Any], scene: Scene) -> None:
        """The schedule does it."""
        del data, scene

    def seen(self, data: dict[str, Any], scene: Scene, *, rebooted: bool) -> Check | None:
        """A life of the machine can only see from the next one that the former ended."""
        del data, scene
        if not rebooted:
            return None
        detail = "the machine was started anew since: it has another boot id than when this began"
        return Check(name="rebooted", ok=True, detail=detail)


def _printable(text: str) -> str:
    """One line that a terminal shows as it is, and no option: wall(1) writes it to every terminal."""
    shown = "".join(one if one.isprintable() else " " for one in text).strip()
    return f"Vedette: {shown or 'this machine was told to by its Vedette server'}"


def _systemd(scene: Scene) -> Check:
    there = scene.source.is_dir(_SYSTEMD)
    detail = (
        "systemd keeps the schedule" if there else "no systemd: nothing would keep the schedule"
    )
    return Check(name="schedule_kept", ok=there, detail=detail)


def _present(scene: Scene) -> Check:
    program = scene.system.find("shutdown")
    return Check(
        name="shutdown_present",
        ok=program is not None,
        detail=program or "shutdown is not installed",
    )


def _free(scene: Scene) -> Check:
    """What somebody else scheduled would be replaced, and called off with ours."""
    try:
        mode = _scheduled(scene)
    except CannotDo as error:
        return Check(name="nothing_scheduled", ok=False, detail=error.detail)
    detail = f"{mode} is scheduled by somebody else" if mode else "nothing is scheduled"
    return Check(name="nothing_scheduled", ok=not mode, detail=detail)


def _scheduled(scene: Scene) -> str:
    """What is scheduled; empty when nothing is."""
    try:
        raw = scene.source.read_if_there(_SCHEDULED)
    except OSError as error:
        raise CannotDo(f"what is scheduled can't be read: {error}") from error
    for line in (raw or b"").decode("utf-8", "replace").splitlines():
        if line.startswith("MODE="):
            return line.removeprefix("MODE=").strip()
    return ""


def _shutdown(words: list[str], scene: Scene) -> None:
    program = scene.system.find("shutdown")
    if program is None:
        raise CannotDo("shutdown is not installed")
    try:
        ran = scene.system.run([program, *words], "")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotDo(f"shutdown can't be run: {error}") from error
    if ran.status != 0:
        told = ran.stderr.strip()[:_MOST_WORDS]
        raise CannotDo(f"shutdown failed: {told or f'status {ran.status}'}")
