"""Carries evidence to the server: collects what the ledger says, seals it, keeps the sealed bundle until the server has it.

Everything follows from the ledger's row and the sealed file, so an agent that was stopped goes on where it was; a bundle that was
not sealed yet is collected anew, once. It is told as verified only when the server answered with the very digest.
"""

import random
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from vedette.agent.backoff import Backoff, retry_after
from vedette.agent.door import Answer, Door, Unreachable
from vedette.agent.enrolment import Enrolment
from vedette.agent.evidence.gatherer import Gatherer
from vedette.agent.evidence.request import asked
from vedette.agent.lease import Lease
from vedette.agent.ledger import Ledger
from vedette.core import ActionState, Clock, VedetteError, digest
from vedette.seal import BundleHeader, seal_bundle, write_file

__all__ = ["Courier"]

_log = structlog.get_logger()
_KIND: Final = "collect"
_CONTENT_TYPE: Final = "application/vedette-evidence"
_LOOK_SECONDS: Final = 1.0
_TRIES: Final = 2
_TAKEN: Final = frozenset({200, 201})
# It may be taken later: the server is busy, or did not know us for a moment.
_LATER: Final = frozenset({401, 408, 425, 429, 500, 502, 503, 504})
S = ActionState


class Courier:
    """For one thread, as its door is. `report` has told what is yet to be told."""

    def __init__(
        self,
        enrolment: Enrolment,
        door: Door,
        ledger: Ledger,
        clock: Clock,
        gatherer: Gatherer,
        folder: Path,
        report: Callable[[], None],
        *,
        chance: random.Random,
        backoff_cap: float = 60.0,
    ) -> None:
        self._enrolment = enrolment
        self._door = door
        self._ledger = ledger
        self._clock = clock
        self._gatherer = gatherer
        self._folder = folder
        self._report = report
        self._backoff = Backoff(chance, cap=backoff_cap)

    def run(self, stop: threading.Event) -> None:
        """Looks every second, until `stop`."""
        pause = _LOOK_SECONDS
        while not stop.wait(pause):
            try:
                pause = max(_LOOK_SECONDS, self.step())
            except (VedetteError, OSError, sqlite3.Error) as error:
                _log.warning("evidence.failed", problem=str(error))
                pause = max(_LOOK_SECONDS, self._backoff.fail())

    def step(self) -> float:
        """The next thing that is to be done; gives the seconds to wait after it."""
        lease = self._ledger.held(_KIND)
        if lease is None:
            self._sweep()
            return 0.0
        if self._ledger.left(lease) <= 0:
            return self._end(
                lease, S.FAILED, "the command expired before the server had the bundle"
            )
        if not lease.mark:
            return self._collect(lease)
        return self._deliver(lease)

    def _collect(self, lease: Lease) -> float:
        if self._written(lease):
            return self._applied(lease)
        tries = int(lease.plan["tries"])
        if tries >= _TRIES:
            words = "the agent was stopped while it collected, twice; nothing was delivered"
            return self._end(lease, S.FAILED, words)
        lease = self._noted(lease, plan={**lease.plan, "tries": tries + 1})
        try:
            sealed, told = self._sealed(lease)
            told |= {"digest": digest(sealed), "bytes": len(sealed)}
            lease = self._noted(lease, plan={**lease.plan, "told": told})
            write_file(self._file(lease), sealed)
        except (VedetteError, OSError) as error:
            return self._end(lease, S.FAILED, f"it could not be collected: {error}")
        return self._applied(lease)

    def _written(self, lease: Lease) -> bool:
        """Whether the agent was stopped just after it had written the sealed bundle."""
        told = lease.plan.get("told", {})
        try:
            return bool(digest(self._file(lease).read_bytes()) == told.get("digest"))
        except OSError:
            return False

    def _applied(self, lease: Lease) -> float:
        told = lease.plan["told"]
        lease = self._noted(lease, mark=told["digest"])
        if self._stands(lease):
            words = f"collected and sealed: {told['entries']} entries, {told['bytes']} bytes; on its way to the server"
            self._ledger.say(self._ledger.result(lease.command, S.APPLIED, words, told))
            self._report()
        return 0.0

    def _sealed(self, lease: Lease) -> tuple[bytes, dict[str, Any]]:
        key, one = self._enrolment.sealing_key, self._enrolment
        about = {
            "tenant": one.tenant,
            "host": one.host,
            "action": lease.action,
            "command": lease.command,
        }
        packed = self._gatherer.gather(asked(lease.plan["request"]), about)
        header = BundleHeader(
            tenant=one.tenant,
            host=one.host,
            action=lease.action,
            command=lease.command,
            kid=key.kid,
            sealed_at=self._clock.now(),
        )
        return seal_bundle(header, packed.content, key), packed.told

    def _deliver(self, lease: Lease) -> float:
        try:
            sealed = self._file(lease).read_bytes()
        except OSError as error:
            return self._end(lease, S.FAILED, f"the sealed bundle can't be read any more: {error}")
        if digest(sealed) != lease.mark:
            words = "the sealed bundle was changed on this host's disk; it is not delivered"
            return self._end(lease, S.FAILED, words)
        try:
            answer = self._door.request(
                "POST",
                f"/v1/commands/{lease.command}/evidence",
                body=sealed,
                content_type=_CONTENT_TYPE,
            )
        except Unreachable as error:
            _log.warning("evidence.not_delivered", action=lease.action, problem=error.detail)
            return self._backoff.fail(reached=error.reached)
        return self._answered(lease, answer)

    def _answered(self, lease: Lease, answer: Answer) -> float:
        if answer.status in _LATER:
            _log.warning("evidence.not_delivered", action=lease.action, problem=answer.problem())
            return self._backoff.fail(retry_after(answer.retry_after, self._clock))
        self._backoff.succeed()
        if answer.status not in _TAKEN:
            words = f"the server does not take the bundle: {answer.problem()}"
            return self._end(lease, S.FAILED, words)
        kept = answer.fields().get("digest")
        if kept != lease.mark:
            words = f"the server says that it keeps {kept}, not {lease.mark}"
            return self._end(lease, S.FAILED, words)
        told = dict(lease.plan["told"])
        probe = {"kept_by_server": f"the server keeps {told['bytes']} bytes, {kept}"}
        words = (
            f"the server has the bundle: {told['entries']} entries, {told['bytes']} bytes sealed"
        )
        return self._end(lease, S.VERIFIED, words, {**told, "probe": probe})

    def _noted(self, lease: Lease, **changes: Any) -> Lease:
        """Written down, unless it was called off meanwhile."""
        changed = msgspec.structs.replace(lease, **changes)
        with self._ledger.locked():
            if self._stands(lease):
                self._ledger.keep(changed)
        return changed

    def _stands(self, lease: Lease) -> bool:
        held = self._ledger.held(_KIND)
        return held is not None and held.command == lease.command

    def _end(
        self, lease: Lease, state: ActionState, words: str, data: dict[str, Any] | None = None
    ) -> float:
        with self._ledger.locked():
            if self._stands(lease):
                self._ledger.end(
                    lease, self._ledger.result(lease.command, state, words, data or {})
                )
        _log.info("evidence.ended", action=lease.action, state=state, detail=words)
        self._sweep()
        self._report()
        return 0.0

    def _file(self, lease: Lease) -> Path:
        return self._folder / f"{lease.command}.sealed"

    def _sweep(self) -> None:
        """Nothing is held, so nothing is to lie here: not what was delivered, nor what a killed agent left half written."""
        if self._folder.is_dir() and self._ledger.held(_KIND) is None:
            for path in self._folder.iterdir():
                path.unlink(missing_ok=True)
