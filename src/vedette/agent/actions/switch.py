"""A dead man's switch outside of the agent: undoes something in time, whether or not the agent lives.

Where systemd runs, it is a timer of systemd's, by the wall clock too, which goes on through suspension. Elsewhere a shell of its own waits, in a session of its own, by the clock
that goes on through suspension (the first figure of /proc/uptime).
"""

import base64
import math
import os
import re
import secrets
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from typing import Final

from vedette.agent.actions.kind import CannotDo
from vedette.agent.actions.processes import Process, look, pids, send
from vedette.agent.actions.scene import Ran, Scene
from vedette.agent.collect.source import Source, Unreadable
from vedette.core import Clock, Record, SystemClock

__all__ = ["SHELL", "Switch", "is_switch"]

_SYSTEMD = "/run/systemd/system"
SHELL: Final = "/bin/sh"
"""What a switch runs where there is no systemd."""
# What it waits for can't be read: then it is over, for to end too early is the lesser harm.
_WAIT = """
ends=$1; shift
while read -r now rest </proc/uptime && [ "${now%.*}" -lt "$ends" ]; do sleep 1; done
"""
_UNIT = re.compile(r"[a-z0-9_.-]+")
_MOST_WORDS = 500
_PATIENCE, _LOOK_AGAIN = 10.0, 0.01
# Stopped by a signal, or by somebody that traces it.
_STANDS_STILL = frozenset({"T", "t"})
# The scripts and names of all switches that were made here: what is one of them is known by both.
_MADE: Final[set[tuple[str, str]]] = set()


class _Holder(Record, frozen=True, kw_only=True):
    """A waiting shell: its pid and start, and what it was begun with after its name. `waits`: it is not stopped."""

    pid: int
    ticks: int
    arguments: tuple[str, ...]
    waits: bool


class Switch:
    """One of a kind of measure. `script` is for a POSIX shell; arguments come to it as they are, never as code."""

    def __init__(self, kind: str, script: str, clock: Clock | None = None) -> None:
        self._name = f"vedette-switch-{kind}"
        self._script = script
        _MADE.add((_WAIT + script, self._name))
        self._clock = clock or SystemClock()

    def arm(self, seconds: float, arguments: Sequence[str], scene: Scene) -> None:
        """Sets it, in the place of what was set before, and without a gap. Raises CannotDo."""
        units, holders = self._units(scene), list(self._holders(scene))
        if _systemd(scene):
            self._timer(seconds, arguments, scene)
        else:
            self._shell(seconds, arguments, scene, frozenset(one.pid for one in holders))
        _stop(units, scene)
        _end(holders, scene)

    def armed(self, scene: Scene) -> bool:
        """Whether it waits: one that is stopped ends nothing in time. Raises CannotDo."""
        return bool(self._units(scene)) or any(one.waits for one in self._holders(scene))

    def there(self, scene: Scene) -> bool:
        """Whether one is there, stopped or not. Raises CannotDo."""
        return bool(self._units(scene)) or any(self._holders(scene))

    def disarm(self, scene: Scene) -> None:
        """Takes it away without undoing anything. Raises CannotDo."""
        _stop(self._units(scene), scene)
        _end(list(self._holders(scene)), scene)

    def fire(self, scene: Scene) -> None:
        """Undoes now what it would undo in time. Raises CannotDo."""
        for unit in self._units(scene):
            service = unit.removesuffix(".timer") + ".service"
            _done(["systemctl", "start", "--wait", service], scene)
        for holder in self._holders(scene):
            _done([SHELL, "-c", self._script, self._name, *holder.arguments[1:]], scene)
        self.disarm(scene)

    def _timer(self, seconds: float, arguments: Sequence[str], scene: Scene) -> None:
        """By two clocks, of which the first ends it: one that nobody sets, and one that goes on while the machine is suspended.

        Without its default dependencies a calendar's timer does not wait for the time to be synchronised, at a boot without network for ever
        (systemd.timer(5)).
        """
        length = max(seconds, 1.0)
        ends = self._clock.now() + timedelta(seconds=math.ceil(length) + 1)
        words = [
            "systemd-run",
            "--quiet",
            "--collect",
            f"--unit={self._name}-{secrets.token_hex(4)}",
            f"--on-active={length:.0f}s",
            f"--on-calendar={ends.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC",
            "--timer-property=AccuracySec=1s",
            "--timer-property=DefaultDependencies=no",
            SHELL,
            "-c",
            # systemd replaces what begins with a dollar in what it starts, so there is none.
            f"echo {_packed(self._script)} | base64 -d | {SHELL} -s -- {shlex.join(arguments)}",
        ]
        _done(words, scene)

    def _shell(
        self, seconds: float, arguments: Sequence[str], scene: Scene, former: frozenset[int]
    ) -> None:
        try:
            uptime = float(scene.source.read("/proc/uptime").split()[0])
        except (OSError, Unreadable, ValueError, IndexError) as error:
            raise CannotDo(f"the time since the start can't be read: {error}") from error
        # The outer shell ends at once, and leaves the inner one to the machine's first process.
        leave = 'setsid "$@" </dev/null >/dev/null 2>&1 &'
        inner = [SHELL, "-c", _WAIT + self._script, self._name, f"{uptime + seconds:.0f}"]
        _done([SHELL, "-c", leave, "vedette", *inner, *arguments], scene)
        # It may not have come to be what it will be; until then nobody could end it.
        begun = time.monotonic()
        while all(one.pid in former for one in self._holders(scene)):
            if time.monotonic() - begun > _PATIENCE:
                raise CannotDo("the switch did not begin")
            time.sleep(_LOOK_AGAIN)

    def _units(self, scene: Scene) -> list[str]:
        if not _systemd(scene):
            return []
        listed = _done(
            ["systemctl", "list-units", "--plain", "--no-legend", f"{self._name}-*.timer"], scene
        )
        found = [line.split()[0] for line in listed.stdout.splitlines() if line.strip()]
        return [unit for unit in found if _UNIT.fullmatch(unit)]

    def _holders(self, scene: Scene) -> Iterator[_Holder]:
        """Shells of this agent's user that bear the switch's name; others could only pretend to be some."""
        for pid in pids(scene.source):
            given = _words(pid, scene.source)
            if given[:2] != [SHELL, "-c"] or given[3:4] != [self._name]:
                continue
            process = look(pid, scene.source)
            if process is not None and process.uid == os.geteuid() and not process.gone:
                yield _Holder(
                    pid=pid,
                    ticks=process.ticks,
                    arguments=tuple(given[4:]),
                    waits=process.state not in _STANDS_STILL,
                )


def is_switch(process: Process, source: Source) -> bool:
    """Whether a process of this agent's user was begun with a switch's very script: what has only its name is none.

    The caller looks whether it runs the host's shell: what is an argument anybody can write.
    """
    given = _words(process.pid, source)
    known = given[:2] == [SHELL, "-c"] and tuple(given[2:4]) in _MADE
    return known and process.uid == os.geteuid()


def _words(pid: int, source: Source) -> list[str]:
    """What it was begun with; nothing where that can't be read."""
    try:
        words = source.read(f"/proc/{pid}/cmdline").decode("utf-8", "replace")
    except (OSError, Unreadable):
        return []
    return words.removesuffix("\0").split("\0")


def _packed(script: str) -> str:
    return base64.b64encode(script.encode()).decode("ascii")


def _systemd(scene: Scene) -> bool:
    return scene.source.is_dir(_SYSTEMD) and scene.system.find("systemd-run") is not None


def _stop(units: Sequence[str], scene: Scene) -> None:
    if units:
        _done(["systemctl", "stop", *units], scene)


def _end(holders: Sequence[_Holder], scene: Scene) -> None:
    try:
        for one in holders:
            send(one.pid, one.ticks, signal.SIGKILL, scene.source)
    except OSError as error:
        raise CannotDo(f"a former switch can't be ended: {error}") from error


def _done(words: list[str], scene: Scene) -> Ran:
    program = words[0] if words[0].startswith("/") else scene.system.find(words[0])
    if program is None:
        raise CannotDo(f"{words[0]} is not installed")
    try:
        ran = scene.system.run([program, *words[1:]], "")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotDo(f"{words[0]} can't be run: {error}") from error
    if ran.status != 0:
        told = ran.stderr.strip()[:_MOST_WORDS]
        raise CannotDo(f"{words[0]} failed: {told or f'status {ran.status}'}")
    return ran
