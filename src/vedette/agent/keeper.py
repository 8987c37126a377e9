"""Tends what is in force on this host: puts it back, ends it in time, and lets an operator at the machine end it."""

import os
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from vedette.agent.actions import ACTIONS
from vedette.agent.actions.kind import Kind
from vedette.agent.actions.scene import Check, Outcome, Scene, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.enrolment import Enrolment
from vedette.agent.journal import Journal
from vedette.agent.journal_file import Damaged, read_fields
from vedette.agent.ledger import Ledger
from vedette.agent.settings import AgentSettings
from vedette.agent.state import JOURNAL, LEASES_LOCK
from vedette.core import ActionState, Clock, ConfigError, Record, VedetteError

__all__ = ["Keeper", "LetGo", "hold", "let_go"]

_log = structlog.get_logger()
_LOOK_SECONDS = 2.0
_LET_GO = frozenset({ActionState.RELEASED, ActionState.CANCELLED})


class Keeper:
    """Looks every two seconds. One kind's trouble holds up no other, and is tried again with the next look."""

    def __init__(self, kinds: Iterable[Kind], scene: Scene, ledger: Ledger) -> None:
        self._kinds = tuple(kinds)
        self._scene = scene
        self._ledger = ledger
        self._complaints: dict[str, str] = {}

    def run(self, stop: threading.Event) -> None:
        """Tends until `stop`. `begin` comes before it."""
        while not stop.wait(_LOOK_SECONDS):
            self._look(first=False)

    def begin(self) -> None:
        """The first look of an agent's life, to be made before anything else: the machine may just have been rebooted."""
        self._look(first=True)

    def _look(self, *, first: bool) -> None:
        for kind in self._kinds:
            try:
                kind.tend(self._scene, self._ledger, first=first)
            except (VedetteError, OSError, sqlite3.Error) as error:
                # Told once, not every two seconds.
                if self._complaints.get(kind.name) != str(error):
                    _log.error("leases.not_tended", kind=kind.name, problem=str(error))
                self._complaints[kind.name] = str(error)
            else:
                self._complaints.pop(kind.name, None)


class LetGo(Record, frozen=True, kw_only=True):
    """What an operator's word at the machine did: outcomes by kind, and why the journal could not be told (empty: it was).

    `failures` are the kinds of which it could not be ended, or not be told whether there is something, with the reason.
    """

    outcomes: dict[str, Outcome]
    failures: dict[str, str] = {}
    unrecorded: str = ""


def let_go(settings: AgentSettings, clock: Clock, why: str) -> LetGo:
    """Ends everything that is in force on this host, beside a running agent or without one; the agent reports it.

    The journal may be damaged or missing: then what is there is taken away all the same.

    Each kind is tried, whatever is wrong with another.

    Raises:
        ConfigError: somebody else than root asks for it.
        OSError, sqlite3.Error: the journal can't be used now, though it may be whole.
    """
    _only_root()
    with ExitStack() as held:
        path, wrong = _usable(settings)
        if wrong:
            # An empty one knows of no lease; what is there is found all the same.
            path = Path(held.enter_context(TemporaryDirectory())) / JOURNAL
        journal = Journal(path, clock)
        held.callback(journal.close)
        ledger = Ledger(journal, clock, Source(settings.root), path.with_name(LEASES_LOCK))
        scene = _scene(settings)
        outcomes, failures = _each_let_go(scene, ledger, why)
    return LetGo(outcomes=outcomes, failures=failures, unrecorded=wrong)


def _each_let_go(
    scene: Scene, ledger: Ledger, why: str
) -> tuple[dict[str, Outcome], dict[str, str]]:
    outcomes: dict[str, Outcome] = {}
    failures: dict[str, str] = {}
    for name, kind in ACTIONS.items():
        try:
            outcome = kind.let_go(scene, ledger, why)
        except VedetteError as error:
            failures[name] = error.detail
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one, the others are to be let go
            failures[name] = f"{type(error).__name__}: {error}"
        else:
            if outcome is None:
                continue
            if outcome.state in _LET_GO:
                outcomes[name] = outcome
            else:
                failures[name] = outcome.detail
    return outcomes, failures


def hold(settings: AgentSettings, clock: Clock) -> None:
    """Puts back what is still valid, and ends: for a unit that runs before the network is up.

    Raises:
        ConfigError: the host is not enrolled, or its journal can't be used.
    """
    Enrolment.load(settings.state)
    try:
        journal = Journal(settings.state / JOURNAL, clock)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError(f"{settings.state} can't be used: {error}") from error
    with closing(journal):
        lock = settings.state / LEASES_LOCK
        ledger = Ledger(journal, clock, Source(settings.root), lock)
        Keeper(ACTIONS.values(), _scene(settings), ledger).begin()


def _only_root() -> None:
    if os.geteuid() != 0:
        raise ConfigError(
            "only root can end what is in force on this host: sudo vedette agent release"
        )


def _usable(settings: AgentSettings) -> tuple[Path, str]:
    """The journal as it lies there, and why it can't be used: to set a damaged one aside is the running agent's to do."""
    path = settings.state / JOURNAL
    try:
        read_fields(path)
    except FileNotFoundError:
        return path, "there is no journal"
    except (Damaged, OSError, sqlite3.Error) as error:
        return path, f"the journal can't be used: {error}"
    return path, ""


def _scene(settings: AgentSettings) -> Scene:
    source = Source(settings.root)
    return Scene(
        server="",
        source=source,
        system=ThisMachine(source),
        reach=lambda: Check(name="server_reached", ok=False, detail="not tried"),
        permission=settings.permission,
    )
