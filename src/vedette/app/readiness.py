"""Whether store and queue can take something in now: looked at all the time, answered from memory."""

import threading
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

import structlog

from vedette.app.telemetry import APPEND_FAILURES, READY
from vedette.core import Clock, ConfigError, Message, Unavailable, VedetteError
from vedette.queue import Appended, Queue

__all__ = ["Probed", "Readiness", "WatchedQueue"]

_log = structlog.get_logger()
_LOOK_SECONDS = 1.0
_PROBE_SECONDS = 10.0
_OK = "ok"


class Probed(Protocol):
    """What can be looked at cheaply, and tried by a write that changes nothing. Both raise Unavailable."""

    def look(self) -> None:
        """What can be known without a write."""

    def probe(self) -> None:
        """The write."""


class Readiness:
    """One thread for each part: a look each second, a write every ten; while any of them fails, a write each second.

    A part is `ok`, or the kind of its problem. What fails in use says so here at once (`failed`), and only a write that
    went well makes it `ok` again.
    """

    def __init__(self, parts: Mapping[str, Probed], clock: Clock) -> None:
        self._parts = parts
        self._clock = clock
        self._states = dict.fromkeys(parts, "unknown")
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(name,), name=f"{name}-ready", daemon=True)
            for name in parts
        ]

    @property
    def states(self) -> dict[str, str]:
        """Each part's name, and `ok` or the kind of its problem."""
        return dict(self._states)

    def failed(self, name: str, error: VedetteError) -> None:
        """A part failed in use, or a probe did."""
        self._become(name, error.kind, error.detail)

    def __enter__(self) -> Self:
        for name in self._parts:
            self._try(name, write=True)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _watch(self, name: str) -> None:
        written_at = self._clock.monotonic()
        while not self._stop.wait(_LOOK_SECONDS):
            due = self._clock.monotonic() - written_at >= _PROBE_SECONDS
            # What ails one part may be of the disk that it shares with the other.
            write = due or set(self._states.values()) != {_OK}
            self._try(name, write=write)
            if write:
                written_at = self._clock.monotonic()

    def _try(self, name: str, *, write: bool) -> None:
        part = self._parts[name]
        try:
            if write:
                part.probe()
            else:
                part.look()
        except (Unavailable, ConfigError) as error:
            self.failed(name, error)
        except Exception as error:  # noqa: BLE001 - a watch that ended would go on saying what it saw last
            _log.exception("readiness.probe_failed", part=name)
            self._become(name, "unavailable", type(error).__name__)
        else:
            if write:
                self._become(name, _OK, "")

    def _become(self, name: str, state: str, detail: str) -> None:
        READY.labels(part=name).set(state == _OK)
        before, self._states[name] = self._states[name], state
        if state == before:
            return
        if state == _OK:
            _log.info("readiness.regained", part=name, before=before)
        else:
            _log.error("readiness.lost", part=name, kind=state, detail=detail)


class WatchedQueue:
    """What the door appends to: each failure is counted, and makes the queue not ready at once."""

    def __init__(self, queue: Queue, readiness: Readiness) -> None:
        self._queue = queue
        self._readiness = readiness

    def append(self, messages: Sequence[Message]) -> list[Appended]:
        """As the queue does.

        Raises:
            Unavailable: it could not be stored; nothing was.
        """
        try:
            return self._queue.append(messages)
        except Unavailable as error:
            APPEND_FAILURES.labels(kind=error.kind).inc()
            self._readiness.failed("queue", error)
            raise
