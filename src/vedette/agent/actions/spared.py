"""Which processes are left alone, whoever asks: known by what they are, never by what they are called.

A name is anybody's, and so is a path: within a mount namespace of its own a process seems to run whatever it wants.
"""

import os
import subprocess
from typing import Final

from vedette.agent.actions.processes import DELETED, Process, look
from vedette.agent.actions.scene import Scene
from vedette.agent.actions.switch import SHELL, is_switch
from vedette.agent.collect.source import Source, Unreadable, text
from vedette.agent.permission import Untouchable

__all__ = ["elsewhere", "runs", "spared"]

_FIRST: Final = 1
# By what people reach a host: the units that keep it going, and the programs where no such unit does.
_UNITS: Final = ("ssh.service", "sshd.service", "dropbear.service")
_PROGRAMS: Final = ("/usr/sbin/sshd", "/usr/bin/sshd", "/usr/sbin/dropbear")
_SYSTEMD: Final = "/run/systemd/system"


def spared(process: Process, own: frozenset[int], scene: Scene) -> str:
    """Why it is left alone; empty when it may be touched. `own` are this agent and what it runs in."""
    if process.pid == _FIRST:
        return "process 1 is the machine's first"
    if process.kernel:
        return f"process {process.pid} is a thread of the kernel"
    if process.pid in own:
        return f"process {process.pid} is this agent, or what it runs in"
    if needed := _needed(process, scene):
        return f"process {process.pid} is {needed}"
    for sort, what in scene.permission.never_touch:
        if sort is Untouchable.PROCESS and runs(process, what, scene.source):
            return f"process {process.pid} runs {what}, which never_touch names"
    return ""


def _needed(process: Process, scene: Scene) -> str:
    """As what it is needed to get the host back; empty where it is not."""
    if _holds_a_switch(process, scene):
        return "of the switch that ends in time what this agent began, also when it is dead"
    if _is_door(process, scene):
        return "the ssh server's main process, by which people reach the host"
    return ""


def _holds_a_switch(process: Process, scene: Scene) -> bool:
    """Itself, or the `sleep` that it waits for: while that is stopped, so is the switch. What else one begins is not spared."""
    if _is_shell_of_one(process, scene.source):
        return True
    waits = scene.system.find("sleep")
    if waits is None or not runs(process, waits, scene.source):
        return False
    begun_by = look(process.parent, scene.source)
    return begun_by is not None and _is_shell_of_one(begun_by, scene.source)


def _is_shell_of_one(process: Process, source: Source) -> bool:
    """By its script and by the file that it runs: arguments alone anybody can write."""
    shells = (SHELL, os.path.realpath(source.at(SHELL)))
    return is_switch(process, source) and any(runs(process, one, source) for one in shells)


def _is_door(process: Process, scene: Scene) -> bool:
    """Where systemd keeps a server, its main process and no other; else root's that runs the program and was not begun by such."""
    kept = _main_processes(scene)
    if kept:
        return process.pid in kept
    if not _is_server(process, scene.source):
        return False
    parent = look(process.parent, scene.source)
    return parent is None or not _is_server(parent, scene.source)


def _main_processes(scene: Scene) -> frozenset[int]:
    program = scene.system.find("systemctl") if scene.source.is_dir(_SYSTEMD) else None
    if program is None:
        return frozenset()
    try:
        ran = scene.system.run([program, "show", "--property=MainPID", "--value", *_UNITS], "")
    except (OSError, subprocess.TimeoutExpired):
        return frozenset()
    return frozenset(int(word) for word in ran.stdout.split() if word.isdecimal()) - {0}


def _is_server(process: Process, source: Source) -> bool:
    return _of_root(process, source) and any(
        runs(process, program, source) for program in _PROGRAMS
    )


def _of_root(process: Process, source: Source) -> bool:
    """By its own user: /proc gives to root what may not be looked into."""
    try:
        found = [one for one in source.lines(f"/proc/{process.pid}/status") if one[:4] == "Uid:"]
    except (OSError, Unreadable):
        return False
    return [one.split()[1] for one in found] == ["0"]


def runs(process: Process, path: str, source: Source) -> bool:
    """Whether it runs the very file that the host has there; or had, when it began: a package may have been renewed since."""
    exe = f"/proc/{process.pid}/exe"
    try:
        if _same(exe, path, source):
            return True
        written = text(source.link(exe) or "")
    except OSError:
        return False
    return written == f"{path}{DELETED}" and not elsewhere(process, source)


def elsewhere(process: Process, source: Source) -> bool:
    """Whether what is a path to it is known to be another than the host's; in doubt it is left alone."""
    try:
        return not _same(f"/proc/{process.pid}/ns/mnt", f"/proc/{_FIRST}/ns/mnt", source)
    except OSError:
        return False


def _same(one: str, other: str, source: Source) -> bool:
    try:
        return os.path.samestat(source.stat(one), source.stat(other))
    except FileNotFoundError:
        return False
