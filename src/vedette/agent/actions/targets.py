"""Which processes a command names, and whether this host lets them be touched."""

import os
import posixpath
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec

from vedette.agent.actions.kind import CannotDo
from vedette.agent.actions.processes import Process, ancestors, look, send, sha256_of, started_at
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.collect.source import Unreadable
from vedette.agent.permission import Untouchable
from vedette.core import Command, InvalidInput, Record

__all__ = ["MOST", "Target", "aimed", "alive", "chosen", "hit", "told"]

MOST = 8
_CAP_KILL = 5
# Snapshots give whole seconds, from a boot time that trembles by as much as two.
_SLACK_SECONDS = 3.0
_FIRST = 1
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_OWN_PIDS, _HOSTS_PIDS = "/proc/self/ns/pid", "/proc/1/ns/pid"
_PATH_LETTERS = 4_096


class _Named(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a command names one. `start_time` is in Unix seconds; `sha256`, where given, is of the program that it runs."""

    pid: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    start_time: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    path: Annotated[str, msgspec.Meta(max_length=_PATH_LETTERS)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None


class _Parameters(Record, frozen=True, kw_only=True):
    processes: Annotated[tuple[_Named, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class Target(Record, frozen=True, kw_only=True):
    """One process that was found to be the one that was named. `boot` is the life of the machine that it runs in."""

    boot: str
    pid: int
    ticks: int
    path: str
    sha256: str


def aimed(command: Command, scene: Scene) -> tuple[tuple[Target, ...], tuple[Check, ...]]:
    """The processes named, and what was found of them. All checks must hold before one of them may be touched.

    Raises:
        InvalidInput: parameters that can't be used.
    """
    try:
        named = msgspec.convert(command.parameters, _Parameters).processes
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from error
    own = ancestors(scene.source)
    targets: list[Target] = []
    checks = [_hosts_processes(scene)]
    for one in named:
        process = look(one.pid, scene.source)
        wrong = _mistaken(one, process, scene)
        if process is None or wrong:
            checks.append(Check(name="is_the_one", ok=False, detail=wrong))
            continue
        if wrong := _untouchable(process, own, scene):
            checks.append(Check(name="may_be_touched", ok=False, detail=wrong))
            continue
        target, found = _known(one, process, scene)
        checks.append(found)
        if target is not None:
            targets.append(target)
    checks.append(_privileged(named, scene))
    return tuple(targets), tuple(checks)


def told(targets: Sequence[Target]) -> list[dict[str, Any]]:
    """As JSON, for the journal."""
    plain: list[dict[str, Any]] = msgspec.to_builtins(targets)
    return plain


def chosen(data: dict[str, Any]) -> tuple[Target, ...]:
    """What `told` gave."""
    return msgspec.convert(data["processes"], tuple[Target, ...])


def alive(targets: Sequence[Target], scene: Scene) -> Iterator[Process]:
    """Those of them that have not ended."""
    boot = _boot(scene)
    for target in targets:
        found = look(target.pid, scene.source) if target.boot == boot else None
        if found is not None and found.ticks == target.ticks and not found.gone:
            yield found


def hit(targets: Sequence[Target], which: signal.Signals, scene: Scene) -> int:
    """Sends them a signal; how many were still there to get it. Raises CannotDo."""
    boot = _boot(scene)
    try:
        return sum(
            send(one.pid, one.ticks, which, scene.source) for one in targets if one.boot == boot
        )
    except OSError as error:
        raise CannotDo(f"{which.name} can't be sent: {error}") from error


def _boot(scene: Scene) -> str:
    try:
        return scene.source.read(_BOOT_ID).decode("ascii").strip()
    except (OSError, Unreadable, UnicodeDecodeError) as error:
        raise CannotDo(f"which life of the machine this is can't be read: {error}") from error


def _mistaken(one: _Named, process: Process | None, scene: Scene) -> str:
    if process is None or process.gone:
        return f"there is no process {one.pid} (any more)"
    try:
        began = started_at(process, scene.source)
    except (OSError, Unreadable) as error:
        return f"when process {one.pid} started can't be told: {error}"
    if abs(began - one.start_time) > _SLACK_SECONDS:
        return f"process {one.pid} started at {began:.0f}, not at {one.start_time:.0f}: the pid was used again"
    if process.path != one.path:
        return (
            f"process {one.pid} runs {process.path or 'nothing that can be read'}, not {one.path}"
        )
    return ""


def _untouchable(process: Process, own: frozenset[int], scene: Scene) -> str:
    """Why it is left alone, whoever asks; empty when it may be touched."""
    if process.pid == _FIRST:
        return "process 1 is the machine's first"
    if process.kernel:
        return f"process {process.pid} is a thread of the kernel"
    if process.pid in own:
        return f"process {process.pid} is this agent, or what it runs in"
    base = posixpath.basename(process.path)
    parent = look(process.parent, scene.source)
    if base == "sshd" and (parent is None or posixpath.basename(parent.path) != "sshd"):
        return f"process {process.pid} is sshd's main process, by which people reach the host"
    for sort, what in scene.permission.never_touch:
        if sort is Untouchable.PROCESS and what == process.path:
            return f"process {process.pid} runs {what}, which never_touch names"
    return ""


def _known(one: _Named, process: Process, scene: Scene) -> tuple[Target | None, Check]:
    name = "is_the_one"
    try:
        found = sha256_of(process.pid, scene.source)
    except (OSError, Unreadable) as error:
        return None, Check(name=name, ok=False, detail=f"its program can't be read: {error}")
    if one.sha256 is not None and one.sha256 != found:
        return None, Check(
            name=name, ok=False, detail=f"process {one.pid} runs another program: sha256 {found}"
        )
    target = Target(
        boot=_boot(scene),
        pid=process.pid,
        ticks=process.ticks,
        path=process.path,
        sha256=found,
    )
    detail = f"process {process.pid} ({process.name}) runs {process.path}, sha256 {found}"
    return target, Check(name=name, ok=True, detail=detail)


def _privileged(named: Sequence[_Named], scene: Scene) -> Check:
    """The kernel lets a process signal those of its own user, and all with CAP_KILL."""
    name = "privileged"
    found = (look(one.pid, scene.source) for one in named)
    if all(process is None or process.uid == os.geteuid() for process in found):
        return Check(name=name, ok=True, detail="they are the agent's own user's")
    try:
        capable = scene.system.capable(_CAP_KILL)
    except (OSError, Unreadable) as error:
        return Check(name=name, ok=False, detail=f"capabilities can't be read: {error}")
    return Check(
        name=name, ok=capable, detail=f"the agent {'has' if capable else 'lacks'} CAP_KILL"
    )


def _hosts_processes(scene: Scene) -> Check:
    """An agent in a container with pids of its own would hit another process than the one that it reads of."""
    name = "hosts_processes"
    if not scene.source.at(""):
        return Check(name=name, ok=True, detail="the agent runs on the host")
    try:
        same = scene.source.link(_HOSTS_PIDS) == str(Path(_OWN_PIDS).readlink())
    except OSError as error:
        return Check(name=name, ok=False, detail=f"it can't be told: {error}")
    whose = "the host's own" if same else "others than the host's"
    return Check(name=name, ok=same, detail=f"the agent's pids are {whose}")
