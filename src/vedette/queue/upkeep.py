"""What the consume loop does for the queue beside consuming: what is over its time or its room goes, in small steps."""

from collections.abc import Callable
from typing import Final

import structlog

from vedette.core import Clock, Unavailable
from vedette.queue.backoff import Backoff
from vedette.queue.port import Queue

__all__ = ["Upkeep"]

_log = structlog.get_logger()

_SOON_SECONDS: Final = 5.0
_MORE_SECONDS: Final = 1.0
_MANY: Final = 100


class Upkeep:
    """Prunes the queue when that is due. Its failing is logged and tried again later, and never holds up the loop."""

    def __init__(
        self,
        queue: Queue,
        clock: Clock,
        every_seconds: float,
        backoff: Backoff,
        jitter: Callable[[], float],
        on_trimmed: Callable[[int], None] | None,
    ) -> None:
        self._queue = queue
        self._clock = clock
        self._every_seconds = every_seconds
        self._backoff = backoff
        self._jitter = jitter
        self._on_trimmed = on_trimmed
        self._failures = 0
        self._at = clock.monotonic() + every_seconds

    def soon(self) -> None:
        """Dead letters were added: their room is looked at within seconds."""
        if not self._failures:
            self._at = min(self._at, self._clock.monotonic() + _SOON_SECONDS)

    def work(self) -> None:
        """One step, if it is due."""
        if self._clock.monotonic() < self._at:
            return
        try:
            pruned, trimmed = self._queue.prune(), self._queue.trim()
        except Unavailable as error:
            _log.warning("queue.prune_failed", failures=self._failures + 1, error=error.detail)
            self._put_off()
        except Exception:  # noqa: BLE001 - what can't be pruned is no reason to consume nothing
            _log.exception("queue.prune_failed", failures=self._failures + 1)
            self._put_off()
        else:
            self._failures = 0
            more = trimmed > 0 or pruned >= _MANY
            wait = min(_MORE_SECONDS, self._every_seconds) if more else self._every_seconds
            self._at = self._clock.monotonic() + wait
            if trimmed:
                _log.warning("queue.dead_letters_trimmed", count=trimmed)
                if self._on_trimmed is not None:
                    self._on_trimmed(trimmed)

    def _put_off(self) -> None:
        self._failures += 1
        delay = self._backoff.delay(self._failures, self._jitter())
        self._at = self._clock.monotonic() + max(delay, _MORE_SECONDS)
