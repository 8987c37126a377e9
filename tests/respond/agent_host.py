"""A host with the real agent on it: its commander, journal, ledger and kinds, over a made kernel that outlives it.

The agent may be killed at any write, to its journal or to the kernel; then nothing more of it happens, as after kill -9.
"""

import contextlib
import random
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from tests.respond.crashes import Crash
from tests.respond.made_kernel import DEEDS, MEASURES, Kernel, MadeDeed, MadeMeasure
from tests.respond.world import START, TENANT

from vedette.agent import Enrolment
from vedette.agent.actions.graced import Graced
from vedette.agent.actions.leased import Leased
from vedette.agent.actions.scene import Check, Scene
from vedette.agent.commands import Commander
from vedette.agent.door import Answer, Unreachable
from vedette.agent.journal import Journal
from vedette.agent.keeper import Keeper
from vedette.agent.ledger import Ledger
from vedette.agent.permission import Permission
from vedette.core import HostId, ManualClock
from vedette.seal import VerifyKey

if TYPE_CHECKING:
    from vedette.agent.actions.kind import Kind

__all__ = ["AgentHost", "Wire"]

_BOOT: Final = "proc/sys/kernel/random/boot_id"


class Wire(Protocol):
    """What lies between the agent and its server."""

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        content_type: str = "",
        patience: float = 0.0,
    ) -> Answer: ...


class HostClock:
    """The host's own: no step of the server's moves it, and its wall clock may be `wrong` by so many seconds."""

    def __init__(self, true: ManualClock) -> None:
        self._true = true
        self.wrong = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self._true.monotonic() + self.wrong)

    def monotonic(self) -> float:
        return self._true.monotonic()

    def boottime(self) -> float:
        return self._true.monotonic()

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nothing here waits, least {seconds} seconds")


class Fuse:
    """Kills the agent at the so-manieth write from when it was set; a dead one writes nothing more."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.dead = False

    def burn(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left < 0
        if self.dead:
            raise Crash


class FragileJournal(Journal):
    """Dies before a change is there, or right after."""

    def __init__(self, path: Path, clock: Any, fuse: Fuse) -> None:
        super().__init__(path, clock)
        self._fuse = fuse

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        self._fuse.burn()
        with super().changing() as db:
            yield db
        self._fuse.burn()


class AgentHost:
    """`wire` is asked for everything that goes to the server. Made with its agent running."""

    def __init__(
        self, folder: Path, true: ManualClock, host: HostId, wire: Wire, key: VerifyKey
    ) -> None:
        self.clock = HostClock(true)
        self.kernel = Kernel(self.clock)
        self.fuse = Fuse()
        self._folder, self._wire = folder, wire
        self._boots = 0
        self._enrolment = Enrolment(
            host=host,
            tenant=TENANT,
            server="https://vedette.example",
            ingest_key="",
            command_key=key.to_text(),
            interval=60.0,
            enrolled_at=START + timedelta(seconds=1),
        )
        self.kinds: dict[str, Kind] = {
            **{name: Leased(MadeMeasure(name, self.kernel, self.fuse)) for name in MEASURES},
            **{name: Graced(MadeDeed(name, self.kernel, self.fuse)) for name in DEEDS},
        }
        (folder / _BOOT).parent.mkdir(parents=True)
        self.boot()

    @property
    def runs(self) -> bool:
        return not self.fuse.dead

    def boot(self) -> None:
        """The machine starts anew, and with it its agent: what the kernel held is gone until the agent puts it back."""
        self._boots += 1
        (self._folder / _BOOT).write_text(f"boot-{self._boots}\n")
        self.kernel.forget()
        self.fuse.dead = True
        self.start()

    def start(self) -> None:
        """The agent alone is started, if it is dead; it first does what it does before all else."""
        if self.runs:
            return
        self.fuse.dead, self.fuse.left = False, None
        clock: Any = self.clock
        self.journal = FragileJournal(self._folder / "journal.sqlite", clock, self.fuse)
        source: Any = _Files(self._folder)
        self._scene = Scene(
            server=self._enrolment.server,
            source=source,
            system=cast("Any", None),
            reach=lambda: Check(name="server_reached", ok=True, detail="it answers"),
            permission=Permission(kinds=frozenset(self.kinds), per_hour=100),
        )
        ledger = Ledger(self.journal, clock, source, self._folder / "leases.lock")
        self._keeper = Keeper(self.kinds.values(), self._scene, ledger)
        self._commander = Commander(
            self._enrolment,
            cast("Any", self._wire),
            self.journal,
            clock,
            self._scene,
            self.kinds,
            ledger,
            chance=random.Random(1),
            wait=0.0,
        )
        self._alive(self._begin)

    def restart(self) -> None:
        """The agent alone is stopped, if it runs, and started."""
        if self.runs:
            self.journal.close()
            self.fuse.dead = True
        self.start()

    def step(self) -> None:
        """One poll, if it runs: reports, fetches, carries out, reports."""
        self._alive(lambda: self._commander.step(threading.Event()))

    def tend(self) -> None:
        """What the agent does every two seconds."""
        self._alive(lambda: self._keeper._look(first=False))

    def close(self) -> None:
        self.journal.close()

    def _begin(self) -> None:
        stopped = threading.Event()
        stopped.set()
        self._keeper.begin()
        self._commander.run(stopped)

    def _alive(self, does: Any) -> None:
        if not self.runs:
            return
        try:
            does()
        except Unreachable:
            return
        except Crash:
            self.journal.close()


class _Files:
    """The few files of the host that are read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes:
        return (self._folder / path.lstrip("/")).read_bytes()
