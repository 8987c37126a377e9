"""Which processes a command names, and whether this host lets them be touched."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec

from vedette.agent.actions.kind import CannotDo, Declined, parameters_of
from vedette.agent.actions.processes import (
    Process,
    ancestors,
    deliver,
    held,
    look,
    send,
    started_at,
)
from vedette.agent.actions.programs import Programs, Version, version
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.actions.spared import elsewhere, spared
from vedette.agent.collect.source import Unreadable
from vedette.core import Command, Record

__all__ = [
    "MOST",
    "Hit",
    "Target",
    "aimed",
    "alive",
    "changed",
    "chosen",
    "hit",
    "told",
    "unchanged",
    "wake",
]

MOST = 8
_CAP_KILL = 5
# Snapshots give whole seconds, from a boot time that trembles by as much as two.
_SLACK_SECONDS = 3.0
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_OWN_PIDS, _HOSTS_PIDS = "/proc/self/ns/pid", "/proc/1/ns/pid"
_PATH_LETTERS = 4_096


class _Named(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As a command names one. `start_time` is in Unix seconds; `sha256`, where given, is of the host's file at `path`."""

    pid: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    start_time: Annotated[float, msgspec.Meta(ge=0, le=1e11)]
    path: Annotated[str, msgspec.Meta(max_length=_PATH_LETTERS)]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")] | None = None


class _Parameters(Record, frozen=True, kw_only=True):
    processes: Annotated[tuple[_Named, ...], msgspec.Meta(min_length=1, max_length=MOST)]


class Target(Record, frozen=True, kw_only=True):
    """One process that was found to be the one that was named. `boot` is the life of the machine that it runs in.

    Which program it runs `sha256` says; `path` is where that was then, for people.
    """

    boot: str
    pid: int
    ticks: int
    path: str
    sha256: str


class Hit(NamedTuple):
    """How many got a signal, and, for people, which did not: they run another program file by now, or could not be sent it."""

    which: signal.Signals
    sent: int
    others: tuple[str, ...]

    def __str__(self) -> str:
        but = f", and not where {'; '.join(self.others)}" if self.others else ""
        return f"{self.which.name} was sent to {self.sent} processes{but}"


def aimed(
    command: Command, scene: Scene, programs: Programs
) -> tuple[tuple[Target, ...], tuple[Check, ...]]:
    """The processes named, and what was found of them. All checks must hold before one of them may be touched.

    Raises:
        InvalidInput: parameters that can't be used.
    """
    named = parameters_of(command, _Parameters).processes
    own = ancestors(scene.source)
    targets: list[Target] = []
    checks = [_hosts_processes(scene)]
    for one in named:
        process = look(one.pid, scene.source)
        wrong = _mistaken(one, process, scene)
        if process is None or wrong:
            checks.append(Check(name="is_the_one", ok=False, detail=wrong))
            continue
        if wrong := spared(process, own, scene):
            checks.append(Check(name="may_be_touched", ok=False, detail=wrong))
            continue
        target, found = _known(one, process, scene, programs)
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


def hit(
    targets: Sequence[Target],
    which: signal.Signals,
    scene: Scene,
    programs: Programs,
    *,
    each: bool = False,
) -> Hit:
    """Sends them a signal.

    Each is held by a descriptor first, then its program is looked at again, then the signal goes through the descriptor:
    exec changes what a process is, and leaves it its pid and its start. One that runs another program file by now gets none; as
    long as none has got the signal that keeps it from all of them, but with `each`.

    Raises:
        Declined: one runs another program file by now, and none got the signal; says what. Never with `each`.
        CannotDo: the signal can't be sent, and none got it.
    """
    boot = _boot(scene)
    sent, others = 0, list[str]()
    try:
        with ExitStack() as holding:
            aims = [
                _Aim(
                    fd=fd,
                    target=one,
                    file=version(one.pid, scene.source),
                    other=_another(one, scene, programs),
                )
                for one in targets
                if one.boot == boot
                and (fd := holding.enter_context(held(one.pid, one.ticks, scene.source)))
                is not None
            ]
            others += [aim.other for aim in aims if aim.other]
            if others and not each:
                raise _declined(which, others)
            for aim in aims:
                if aim.other:
                    continue
                try:
                    other = _changed_since(aim, scene, programs)
                    if not other:
                        sent += deliver(aim.fd, which)
                except OSError as error:
                    if not (each or sent):
                        raise
                    other = f"process {aim.target.pid} can't be sent it: {error}"
                if other:
                    others.append(other)
                    if not (each or sent):
                        raise _declined(which, others)
    except OSError as error:
        raise CannotDo(f"{which.name} can't be sent: {error}") from error
    return Hit(which=which, sent=sent, others=tuple(others))


def wake(targets: Sequence[Target], scene: Scene) -> None:
    """Lets them go on, whatever they run by now: to wake what was not stopped changes nothing. Raises CannotDo."""
    boot = _boot(scene)
    try:
        for one in targets:
            if one.boot == boot:
                send(one.pid, one.ticks, signal.SIGCONT, scene.source)
    except OSError as error:
        raise CannotDo(f"SIGCONT can't be sent: {error}") from error


def changed(
    targets: Sequence[Target], scene: Scene, programs: Programs
) -> list[tuple[Target, str]]:
    """Those that have not ended and run another program file by now, each with the difference in words."""
    alive_now = {one.pid for one in alive(targets, scene)}
    found = ((one, _another(one, scene, programs)) for one in targets if one.pid in alive_now)
    return [(one, why) for one, why in found if why]


def unchanged(targets: Sequence[Target], scene: Scene, programs: Programs) -> Check:
    """Whether all that have not ended run the program files that they were found to run."""
    others = [why for _, why in changed(targets, scene, programs)]
    detail = "; ".join(others) or "each runs the program that was looked at"
    return Check(name="is_the_one", ok=not others, detail=detail)


class _Aim(NamedTuple):
    """A process that is held. `file` is what it ran before its program was looked at, `other` what is wrong with that."""

    fd: int
    target: Target
    file: Version | None
    other: str


def _changed_since(aim: _Aim, scene: Scene, programs: Programs) -> str:
    """What it runs instead since it was looked at, for people. Raises OSError."""
    if version(aim.target.pid, scene.source) == aim.file:
        return ""
    return _another(aim.target, scene, programs)


def _declined(which: signal.Signals, others: Sequence[str]) -> Declined:
    return Declined(f"{which.name} is not sent: {'; '.join(others)}")


def _another(target: Target, scene: Scene, programs: Programs) -> str:
    """What it runs instead by now, for people; empty for the same program, wherever that is by now, and for what is gone."""
    unreadable = ""
    try:
        found = programs.sha256(target.pid, scene.source)
    except (OSError, Unreadable) as error:
        found, unreadable = "", f"process {target.pid} runs what can't be read any more: {error}"
    process = look(target.pid, scene.source)
    if process is None or process.gone or process.ticks != target.ticks:
        return ""
    if unreadable:
        return unreadable
    if found == target.sha256:
        return ""
    if process.path != target.path:
        return f"process {target.pid} runs {process.path or 'nothing that can be read'} by now, not {target.path}"
    return f"process {target.pid} runs another program file by now: sha256 {found}, not {target.sha256}"


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


def _known(
    one: _Named, process: Process, scene: Scene, programs: Programs
) -> tuple[Target | None, Check]:
    name = "is_the_one"
    try:
        found = programs.sha256(process.pid, scene.source)
    except (OSError, Unreadable) as error:
        return None, Check(name=name, ok=False, detail=f"its program can't be read: {error}")
    # Within a mount namespace of its own a path leads to another file than the host's, of which the digest is.
    if one.sha256 not in {None, found} and not elsewhere(process, scene.source):
        detail = f"process {one.pid} runs another program: sha256 {found}, not {one.sha256}"
        return None, Check(name=name, ok=False, detail=detail)
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
