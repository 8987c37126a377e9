"""From the spool to the server, in order, until the server says that it has them."""

import random
import sqlite3
import threading
from enum import StrEnum
from math import isfinite

import httpx
import structlog

from vedette.agent.backoff import Backoff, retry_after
from vedette.agent.door import Answer, Door, Unreachable
from vedette.agent.health import Health
from vedette.agent.outgoing import Outgoing
from vedette.agent.reflex import Reflex
from vedette.agent.spool import Spooled
from vedette.core import Clock, VedetteError

__all__ = ["Shipped", "Shipper"]

_log = structlog.get_logger()
_CONTENT_TYPE = "application/vedette-envelope"
_MAX_PACE = 600.0
# Sending these again can't help: the server will never take them. By kind, not by status: what stands in between may
# answer 400 or 413 of its own, and says nothing of the snapshot.
_HOPELESS = frozenset(
    {
        "bad-content-type",
        "bad-envelope",
        "bad-identity",
        "bad-time",
        "header-mismatch",
        "too-large",
    }
)
_FOR_PEOPLE = {
    "revoked-host": "the server has revoked this host: snapshots stay in the spool. Enroll it anew (vedette agent enroll "
    "--again TOKEN), or stop the agent",
    "unknown-key": "the server can't open what is sealed to the key of this enrolment: snapshots stay in the spool. Restore "
    "the server's keys (data/keys) from a backup; only if they are lost, enroll this host anew (vedette agent enroll --again "
    "TOKEN)",
}


class Shipped(StrEnum):
    """What became of one try.

    Nothing to send; the server has it; it is gone for good; it stays for a later try; it waits again under a new epoch;
    it waits again, made smaller.
    """

    IDLE = "idle"
    SENT = "sent"
    DROPPED = "dropped"
    KEPT = "kept"
    RENUMBERED = "renumbered"
    CUT = "cut"


class Shipper:
    """Sends the oldest snapshot first, and the next only when that one is done with."""

    def __init__(
        self,
        outgoing: Outgoing,
        door: Door,
        health: Health,
        clock: Clock,
        *,
        chance: random.Random,
        backoff_cap: float = 300.0,
        reflex: Reflex | None = None,
    ) -> None:
        self._outgoing = outgoing
        self._reflex = reflex
        self._door = door
        self._health = health
        self._clock = clock
        self._backoff = Backoff(chance, cap=backoff_cap)
        self._hurry = threading.Event()

    def hurry(self) -> None:
        """Ends a wait between two tries: something has changed (the machine woke up, or the agent is to end)."""
        self._hurry.set()

    def step(self) -> tuple[Shipped, float]:
        """Tries to send one snapshot. Gives the outcome and the seconds to wait before the next try."""
        found = self._outgoing.head()
        if found is None:
            return Shipped.IDLE, 0.0
        item, envelope = found
        try:
            answer = self._push(envelope)
        except Unreachable as error:
            return Shipped.KEPT, self._keep(item, error.detail, None, reached=error.reached)
        if answer.kind == "too-large" and self._cut(item, len(envelope), answer):
            return Shipped.CUT, 0.0
        settled = self._settle(item, answer)
        if answer.status == httpx.codes.ACCEPTED and self._reflex is not None:
            self._reflex.answered(item, envelope, answer)
        return settled

    def _push(self, envelope: bytes) -> Answer:
        """Waits for the verdict on the newest alone: what is behind it must not wait too."""
        reflex = self._reflex if self._outgoing.last else None
        return self._door.request(
            "POST",
            "/v1/snapshots",
            query=reflex.query if reflex else "",
            body=envelope,
            content_type=_CONTENT_TYPE,
            patience=reflex.wait if reflex else 0.0,
            more=reflex.headers if reflex else {},
        )

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Ships until `stop`; sleeps while there is nothing, until `wake`."""
        while not stop.is_set():
            try:
                outcome, wait = self.step()
                self._health.write()
            except (VedetteError, OSError, sqlite3.Error) as error:
                # The spool or the journal can't be used now (a full disk, say); what is spooled stays.
                _log.exception("ship.failed")
                self._health.failed(f"shipping failed: {error}")
                outcome, wait = Shipped.KEPT, self._backoff.fail()
            if outcome is Shipped.IDLE:
                wake.wait()
                wake.clear()
            elif wait:
                self._hurry.wait(wait)
            self._hurry.clear()

    def drain(self, seconds: float) -> None:
        """Sends what it can in about so much time, and gives up where it would have to wait: the spool keeps the rest."""
        until = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until:
            outcome, wait = self.step()
            if wait or outcome in {Shipped.IDLE, Shipped.KEPT}:
                return

    def _settle(self, item: Spooled, answer: Answer) -> tuple[Shipped, float]:
        status = answer.status
        if status == httpx.codes.ACCEPTED:
            self._outgoing.arrived(item)
            self._backoff.succeed()
            self._health.shipped()
            needed = _needed(answer)
            self._outgoing.need(needed)
            _log.debug("ship.accepted", epoch=item.epoch, seq=item.seq, needed=needed)
            return Shipped.SENT, _pace(answer)
        if answer.kind == "identity-conflict":
            return self._conflict(item, answer), 0.0
        if answer.kind in _FOR_PEOPLE:
            return Shipped.KEPT, self._wait_for_people(item, answer)
        if answer.kind in _HOPELESS:
            self._outgoing.refused(item)
            _log.error("ship.refused", epoch=item.epoch, seq=item.seq, problem=answer.problem())
            self._health.failed(f"the server refused a snapshot: {answer.problem()}", refused=1)
            return Shipped.DROPPED, 0.0
        asked = retry_after(answer.retry_after, self._clock)
        return Shipped.KEPT, self._keep(item, _told(answer), asked)

    def _cut(self, item: Spooled, size: int, answer: Answer) -> bool:
        """Whether it goes again, small enough. All that is made from now on is."""
        if not self._outgoing.too_large(item, size, _bound(answer)):
            return False
        _log.warning("ship.cut", epoch=item.epoch, seq=item.seq, problem=answer.problem())
        self._health.failed(
            f"the server takes less than this host has to tell ({answer.problem()}): tables are cut, see unread. Raise the "
            "server's ingest.max_body_bytes"
        )
        return True

    def _conflict(self, item: Spooled, answer: Answer) -> Shipped:
        """The server has this identity with other content: the journal, or the whole machine, is a copy."""
        saved = self._outgoing.conflict(item)
        _log.error(
            "ship.conflict", epoch=item.epoch, seq=item.seq, saved=saved, problem=answer.problem()
        )
        became = "it goes again under a new epoch" if saved else "it is lost here"
        self._health.failed(
            f"the server has snapshot {item.seq} with other content, so {became}: this machine was copied or restored from a "
            "backup. If another machine has this identity too, enroll one of them anew: vedette agent enroll --again TOKEN",
            conflicts=1,
        )
        return Shipped.RENUMBERED if saved else Shipped.DROPPED

    def _wait_for_people(self, item: Spooled, answer: Answer) -> float:
        """The server is not to have what waits until someone mends something there or here. It stays; there is no haste."""
        self._health.failed(_FOR_PEOPLE[answer.kind])
        _log.error("ship.waits", epoch=item.epoch, seq=item.seq, problem=answer.problem())
        return self._backoff.rest()

    def _keep(
        self, item: Spooled, problem: str, asked: float | None, *, reached: bool = True
    ) -> float:
        wait = self._backoff.fail(asked, reached=reached)
        _log.warning(
            "ship.kept", epoch=item.epoch, seq=item.seq, problem=problem, wait=round(wait, 3)
        )
        self._health.failed(problem)
        return wait


def _told(answer: Answer) -> str:
    """What went wrong, for people; an answer that is no problem document of ours was given by something in between."""
    if answer.kind:
        return answer.problem()
    said = answer.problem()
    return f"{said}: no answer of Vedette's, so something in between gave it (a proxy, a firewall); snapshots stay in the spool"


def _needed(answer: Answer) -> list[str]:
    names = answer.fields().get("needed")
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _bound(answer: Answer) -> int | None:
    """Bytes that the server takes, where it says so."""
    value = answer.fields().get("max_bytes")
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _pace(answer: Answer) -> float:
    """Seconds that the server asks to leave before the next snapshot, while it lets in what many hosts have spooled."""
    value = answer.fields().get("pace", 0.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), _MAX_PACE)
