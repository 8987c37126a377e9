"""An agent's parts on this machine, at work on processes that a test began."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.agent.tree import Tree

from vedette.agent.actions import ACTIONS
from vedette.agent.actions.processes import look, started_at
from vedette.agent.actions.scene import Check, Outcome, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.journal import Journal
from vedette.agent.keeper import Keeper
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    HostId,
    ManualClock,
    TenantId,
    Verb,
)

__all__ = ["Host", "child", "named"]

SOURCE = Source()


@contextmanager
def child(*words: str, executable: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the test's own, which is gone when the test is done with it. `executable`: it runs that, whatever it says."""
    running = subprocess.Popen(
        words or ("sleep", "600"), stdout=subprocess.PIPE, executable=executable
    )
    try:
        # Popen returns when exec has closed its files, which is before /proc has the new arguments.
        while not SOURCE.read(f"/proc/{running.pid}/cmdline") and running.poll() is None:
            os.sched_yield()
        yield running
    finally:
        running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def named(pid: int, **changes: Any) -> dict[str, Any]:
    """A process as a command names it."""
    process = look(pid, SOURCE)
    assert process is not None
    return {
        "pid": pid,
        "start_time": int(started_at(process, SOURCE)),
        "path": process.path,
    } | changes


class Host:
    """The real /proc, a journal in a folder, and clocks that move when told."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.tree = Tree(folder / "made")
        self.clock = ManualClock()
        self.kind = ACTIONS[kind]
        self.permission = Permission(kinds=frozenset(ACTIONS))
        self.reached = True
        self.source = SOURCE
        self.system = ThisMachine(SOURCE)
        self._path = self.tree.path("/state/journal.sqlite")
        self.journal = Journal(self._path, self.clock)
        self.boot("boot-1")

    def boot(self, name: str) -> None:
        """An agent's start, in that life of the machine."""
        self.journal.close()
        self.tree.write("/proc/sys/kernel/random/boot_id", f"{name}\n")
        self.journal = Journal(self._path, self.clock)
        lock = self.tree.path("/state/leases.lock")
        self.ledger = Ledger(self.journal, self.clock, self.tree.source, lock)

    @property
    def scene(self) -> Scene:
        return Scene(
            server="https://vedette.example",
            source=self.source,
            system=self.system,
            reach=lambda: Check(name="server_reached", ok=self.reached, detail="as the test says"),
            permission=self.permission,
        )

    @property
    def keeper(self) -> Keeper:
        return Keeper([self.kind], self.scene, self.ledger)

    def command(self, name: str = "c1", verb: Verb = Verb.APPLY, **changes: Any) -> Command:
        """Of action `a1`; what is no field of a command is a parameter."""
        now = self.clock.now()
        fields: dict[str, Any] = {
            "id": CommandId(name),
            "tenant": TenantId("default"),
            "host": HostId("h1"),
            "action": ActionId("a1"),
            "kind": self.kind.name,
            "verb": verb,
            "dry_run": False,
            "issued_at": now,
            "expires_at": now,
            "nonce": name,
        }
        given = {key: changes.pop(key) for key in list(changes) if key in fields}
        return Command(**(fields | given), parameters=changes)

    def do(self, command: Command) -> Outcome:
        """As the commander does it: begun, carried out, finished."""
        self.journal.begin(command)
        outcome = self.kind.carry_out(command, self.scene, self.ledger)
        self.journal.finish(
            self.ledger.result(command.id, outcome.state, outcome.detail, outcome.data)
        )
        return outcome

    def tend(self, *, first: bool = False) -> None:
        """One look of the keeper's."""
        self.kind.tend(self.scene, self.ledger, first=first)

    def said(self) -> list[tuple[ActionState, CommandResult]]:
        """What is yet to be told beside the results."""
        return [(one.state, one) for _, one in self.ledger.remarks()]

    def close(self) -> None:
        """Ends its use."""
        self.journal.close()
