"""Moves the door's clock on while the door is open; silence of hosts is measured by it."""

import threading
from collections.abc import Callable
from typing import Final, Self

import structlog

from vedette.core import Clock, Unavailable, new_secret
from vedette.store import Door, DoorMark

__all__ = ["BEAT_SECONDS", "Doorkeeper"]

_log = structlog.get_logger()

BEAT_SECONDS: Final = 2.0
"""How often the clock is moved: the most that a crash loses of it."""
_ABSENT_BEATS: Final = 1.5


class Doorkeeper:
    """One of these runs beside every door; one at a time keeps the clock, the others watch and take over.

    Only its own monotonic time counts, and only while `is_open` says that hosts could be heard. Of a pause that it slept
    through, as when the process was stopped or the machine was suspended, no more than two beats are counted.
    """

    def __init__(self, door: Door, clock: Clock, is_open: Callable[[], bool]) -> None:
        self._door = door
        self._clock = clock
        self._is_open = is_open
        self._name = new_secret()
        self._keeps = False
        self._counted_to = clock.monotonic()
        self._seen: DoorMark | None = None
        self._seen_at = self._counted_to
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="doorkeeper", daemon=True)

    def beat(self) -> None:
        """Moves the clock on by what has passed, or looks whether another does.

        Raises:
            Unavailable: the store can't be written; what has passed is not counted.
        """
        now = self._clock.monotonic()
        passed = min(now - self._counted_to, 2 * BEAT_SECONDS)
        self._counted_to = now
        if not self._is_open():
            self._seen = None
            return
        if self._keeps:
            self._keeps = self._door.beat(self._name, passed)
        if not self._keeps:
            self._look(now)

    def _look(self, now: float) -> None:
        mark = self._door.mark()
        if mark != self._seen:
            self._seen, self._seen_at = mark, now
            return
        absent = now - self._seen_at
        if absent >= _ABSENT_BEATS * BEAT_SECONDS:
            # Nobody counted this while the door was open here.
            passed = min(absent, 3 * BEAT_SECONDS)
            self._keeps = self._door.take_over(self._name, mark, passed)
            self._seen = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                self.beat()
            except Unavailable as error:
                _log.warning("door.not_counted", detail=error.detail)
            self._stop.wait(BEAT_SECONDS)
