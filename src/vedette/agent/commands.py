"""Commands from the server: fetched by long poll, verified, carried out once, and answered."""

import base64
import binascii
import random
import sqlite3
import threading
from collections.abc import Mapping

import httpx
import msgspec
import structlog

from vedette.agent.actions.kind import Kind
from vedette.agent.actions.scene import Scene
from vedette.agent.backoff import Backoff, retry_after
from vedette.agent.door import Door, Unreachable
from vedette.agent.enrolment import Enrolment
from vedette.agent.journal import Journal
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.core import (
    Clock,
    InvalidInput,
    Unauthenticated,
    VedetteError,
)
from vedette.seal import verify_command

__all__ = ["Commander"]

_log = structlog.get_logger()


_LEAST_SECONDS = 1.0


class _Reply(msgspec.Struct, frozen=True):
    commands: list[str] = []


class Commander:
    """Obeys commands that the stored command key signed, for this host, in time, and each of them once."""

    def __init__(
        self,
        enrolment: Enrolment,
        door: Door,
        journal: Journal,
        clock: Clock,
        scene: Scene,
        actions: Mapping[str, Kind],
        ledger: Ledger,
        *,
        chance: random.Random,
        wait: float = 25.0,
        backoff_cap: float = 300.0,
    ) -> None:
        self._key = enrolment.commanding_key
        self._door = door
        self._journal = journal
        self._clock = clock
        self._obedience = Obedience(enrolment, door, journal, clock, scene, actions, ledger)
        # As of the start: what another way brings may be begun while this thread is on its way to them.
        self._interrupted = frozenset(journal.interrupted())
        # What the server may count on, told with each poll: it may be another after every start.
        self._allowed = ",".join(
            scene.permission.allowed({name: kind.by_default for name, kind in actions.items()})
        )
        self._wait = wait
        self._backoff = Backoff(chance, cap=backoff_cap)
        self._hurry = threading.Event()

    def hurry(self) -> None:
        """Ends a wait between two polls: something has changed (the machine woke up, or the agent is to end)."""
        self._hurry.set()

    def run(self, stop: threading.Event) -> None:
        """Polls until `stop`. First it owns up to commands that it was stopped in: they are not tried again."""
        for command in self._journal.interrupted():
            if command not in self._interrupted:
                continue
            self._obedience.own_up(command)
        while not stop.is_set():
            try:
                pause = self.step(stop)
            except (VedetteError, OSError, sqlite3.Error) as error:
                if stop.is_set():
                    return
                _log.warning("commands.failed", problem=str(error))
                pause = self._backoff.fail(
                    reached=not isinstance(error, Unreachable) or error.reached
                )
            if pause:
                self._hurry.wait(pause)
            self._hurry.clear()

    def step(self, stop: threading.Event) -> float:
        """Reports what is unreported, polls once, and carries out what came. Gives the seconds to pause before the next.

        Raises:
            Unreachable: the server did not answer.
        """
        self._obedience.report()
        began = self._clock.monotonic()
        query = f"wait={self._wait:g}&can={self._allowed}"
        answer = self._door.request("GET", "/v1/commands", query=query, patience=self._wait)
        if stop.is_set():
            return 0.0
        if answer.status != httpx.codes.OK:
            _log.warning("commands.refused", problem=answer.problem())
            if answer.kind == "revoked-host":
                return self._backoff.rest()
            return self._backoff.fail(retry_after(answer.retry_after, self._clock))
        try:
            reply = msgspec.json.decode(answer.body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            _log.warning("commands.unreadable", problem=str(error))
            return self._backoff.fail()
        for text in reply.commands:
            self._handle(text)
        self._obedience.report()
        self._backoff.succeed()
        # A server that answers at once (it drains, or gives the same again) must not be asked without end.
        return max(0.0, _LEAST_SECONDS - (self._clock.monotonic() - began))

    def _handle(self, text: str) -> None:
        """One command as it came. What no known key signed can't even be answered: it names nobody for sure."""
        try:
            command = verify_command(base64.b64decode(text, validate=True), self._key)
        except (binascii.Error, ValueError, InvalidInput, Unauthenticated) as error:
            _log.error("commands.not_verified", problem=str(error))
            return
        self._obedience.obey(command)
