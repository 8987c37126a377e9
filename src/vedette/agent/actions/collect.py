"""Collects evidence: plans what would be collected, and writes down that it is to be.

The courier (`evidence.courier`) then collects, seals and delivers, so that no other command waits for that. It changes nothing
on the host, so there is nothing to undo.
"""

from datetime import timedelta
from typing import Any, Final

import msgspec

from vedette.agent.actions.kind import CannotDo, Declined, Nothing, Plan, answered, simulated
from vedette.agent.actions.scene import Check, Outcome, Scene
from vedette.agent.collect.source import text
from vedette.agent.evidence.gate import Gate
from vedette.agent.evidence.processes import identified
from vedette.agent.evidence.reading import LeftOut, looked_at
from vedette.agent.evidence.request import Bounds, Named, Request, asked
from vedette.agent.lease import Lease
from vedette.agent.ledger import Ledger
from vedette.core import ActionState, Command, Verb

__all__ = ["Collect"]

_CONSOLE_PATIENCE: Final = 10.0
S = ActionState


class Collect:
    """See `Kind`. Its row in the ledger lasts until the server has the bundle, or the command has expired."""

    name: Final = "collect"
    verbs: Final = frozenset({Verb.APPLY, Verb.CANCEL})
    by_default: Final = False
    # It disturbs little: what the host takes of it in an hour is counted apart, so that a quarantine is never late for it.
    disruptive: Final = False

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        """Apply (also as a dry run) or cancel."""
        return answered(lambda: self._obey(command, scene, ledger))

    def _obey(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        if command.verb is Verb.CANCEL:
            return self._cancel(command, ledger)
        plan = _plan(asked(command), scene)
        if command.dry_run:
            return self._simulated(plan, scene)
        return self._begin(command, plan, scene, ledger)

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """Nothing: what is under way goes on."""
        del command, scene, ledger
        return None

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """The courier does the work. Here a command that the agent was stopped in, after it was written down, gets its answer."""
        del scene
        if not first or ledger.held(self.name) is None:
            return
        with ledger.locked():
            lease = ledger.held(self.name)
            if lease is not None and ledger.interrupted(lease.command):
                words = "the agent was stopped as it began; it goes on"
                ledger.finish(ledger.result(lease.command, S.ACKNOWLEDGED, words, {}))

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> Outcome | None:
        """Calls off what is not delivered yet; the courier then removes what lies on the disk."""
        del scene
        with ledger.locked(_CONSOLE_PATIENCE):
            lease = ledger.held(self.name)
            if lease is None:
                return None
            outcome = Outcome(state=S.CANCELLED, detail=f"{why}; nothing more of it is delivered")
            ledger.end(lease, ledger.result(lease.command, outcome.state, outcome.detail, {}))
            return outcome

    def _cancel(self, command: Command, ledger: Ledger) -> Outcome:
        with ledger.locked():
            lease = ledger.held(self.name)
            if lease is None or lease.action != command.action:
                raise Nothing("nothing is being collected for it")
            words = "called off; nothing more of it is delivered"
            ledger.end(lease, ledger.result(lease.command, S.CANCELLED, words, {}))
        return Outcome(state=S.CANCELLED, detail=words)

    def _simulated(self, plan: Plan, scene: Scene) -> Outcome:
        return simulated(plan, scene.permission.forbids(self.name, by_default=self.by_default))

    def _begin(self, command: Command, plan: Plan, scene: Scene, ledger: Ledger) -> Outcome:
        if objection := scene.permission.objects_to_pace(ledger.collects(), "collects"):
            raise Declined(objection)
        failed = [f"{check.name}: {check.detail}" for check in plan.checks if not check.ok]
        if failed:
            raise Declined(
                f"not begun, checks failed: {'; '.join(failed)}",
                checks=msgspec.to_builtins(plan.checks),
            )
        with ledger.locked() as alone:
            if not alone:
                raise CannotDo("another process of this host is at work on actions")
            if held := ledger.held(self.name):
                raise Declined(
                    f"this host collects already, for action {held.action}; there is one at a time",
                    in_force=held.action,
                )
            ledger.note_collect(command)
            at, left = ledger.moment, ledger.until_server(command.expires_at)
            ledger.keep(Lease.begun(command, plan.data, left, at))
        until = command.expires_at - timedelta(microseconds=command.expires_at.microsecond)
        return Outcome(
            state=S.ACKNOWLEDGED,
            detail=f"{plan.would}; it is delivered before {until.isoformat()}, or not at all",
            data={"plan": plan.text, "would": plan.would},
        )


def _plan(request: Request, scene: Scene) -> Plan:
    """What would be collected, with sizes, and what would not. Reads no content."""
    lines, there, gate = [], 0, Gate(scene.source, scene.permission)
    for one in request.processes:
        line, found = _process(one, request, scene)
        lines.append(line)
        there += found
    lines += [f"table {name}" for name in request.tables]
    there += len(request.tables)
    for sort, paths in (("log", request.logs), ("file", request.files)):
        for path in dict.fromkeys(paths):
            line, found = _file(sort, path, scene, gate)
            lines.append(line)
            there += found
    lines += [f"left out, what the incident's reasons name: {why}" for why in request.unresolved]
    bounds = Bounds.of(request, scene.permission.evidence)
    return Plan(
        data={"request": msgspec.to_builtins(request), "tries": 0},
        text="\n".join([*lines, _words(bounds)]),
        checks=(
            Check(
                name="something_there",
                ok=bool(there),
                detail=f"{there} of {len(lines)} things that are asked for can be collected"
                + ("" if there else f": {'; '.join(lines[:5])}"),
            ),
        ),
        would=f"collect {there} things of this host, {bounds.most_bytes} bytes at most, sealed to the server's detector",
    )


def _words(bounds: Bounds) -> str:
    return (
        f"at most {bounds.most_bytes} bytes in all, {bounds.most_file_bytes} of a file, {bounds.most_files} files, "
        f"within {bounds.most_seconds:g} seconds"
    )


def _process(one: Named, request: Request, scene: Scene) -> tuple[str, bool]:
    try:
        process = identified(one, scene.source, scene.permission)
    except LeftOut as error:
        return f"left out, process {one.pid}: {error.detail}", False
    more = [
        name
        for name, wanted in (
            ("environment", request.environ and scene.permission.evidence.environ),
            ("a copy of its program", request.executable and scene.permission.evidence.executables),
        )
        if wanted
    ]
    also = f", {' and '.join(more)}" if more else ""
    return f"process {one.pid} ({process.path or process.name}): its state{also}", True


def _file(sort: str, path: str, scene: Scene, gate: Gate) -> tuple[str, bool]:
    shown: Any = text(path)
    try:
        gate.path(path)
        about = looked_at(path, scene.source, gate.passes)
    except LeftOut as error:
        return f"left out, {sort} {shown}: {error.detail}", False
    return f"{sort} {shown}: {about.st_size} bytes", True
