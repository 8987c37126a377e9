"""What the agent may cost its host: a share of one core, and memory. It holds itself to both."""

import time
from collections.abc import Callable

import psutil
import structlog

from vedette.core import Clock, Record

__all__ = ["Ceilings", "Standing", "lower_priority"]

_log = structlog.get_logger()
_MIB = 1024 * 1024
_WINDOW_SECONDS = 300.0
# Longer, and the agent would be as good as dead. What it owes beyond that is forgiven.
_LONGEST_HOLD = 900.0
_LOOKS_OVER = 3
_LEAST_LIFE = 60.0
_NICE = 10
_LAST_OF_BEST_EFFORT = 7


class Standing(Record, frozen=True, kw_only=True):
    """How the agent stands after a look. `text` is empty while it keeps to its ceilings.

    `cpu_percent` is of one core, since the look before; the next look has to wait `hold` seconds at least.
    """

    cpu_percent: float
    hold: float
    drop_caches: bool
    end: bool
    text: str


class Ceilings:
    """Judges the cost of the whole process after each look.

    CPU is on credit: `cpu_percent` of one core is earned all the time, saved for five minutes at most, and spent by
    looks and shipping; what is overdrawn is waited for. Memory over its bound drops the caches; if three looks in a row
    are over it, for a minute at least, the agent must end, so that it starts anew and small.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        cpu_percent: float,
        memory_mib: int,
        cpu_seconds: Callable[[], float] = time.process_time,
        resident_bytes: Callable[[], int] = lambda: psutil.Process().memory_info().rss,
    ) -> None:
        self._clock = clock
        self._percent = cpu_percent
        self._share = cpu_percent / 100
        self._memory = memory_mib * _MIB
        self._cpu_seconds = cpu_seconds
        self._resident_bytes = resident_bytes
        self._credit = self._share * _WINDOW_SECONDS
        self._at, self._spent = clock.monotonic(), cpu_seconds()
        self._over = 0
        self._over_since = 0.0

    def judge(self) -> Standing:
        """To be asked once after each look."""
        percent, hold = self._judge_cpu()
        resident = self._resident_bytes()
        over = resident > self._memory
        end = self._judge_memory(over=over)
        texts = []
        if hold:
            texts.append(
                f"CPU: {percent:.1f} % of a core since the look before, {self._percent:g} % are allowed on average; "
                f"the next look waits {hold:.0f} s"
            )
        if over:
            texts.append(
                f"memory: {resident / _MIB:.0f} MiB resident, {self._memory // _MIB} MiB are allowed; "
                + ("the agent ends, to be started anew" if end else "caches are dropped")
            )
        return Standing(
            cpu_percent=percent, hold=hold, drop_caches=over, end=end, text="; ".join(texts)
        )

    def _judge_cpu(self) -> tuple[float, float]:
        now, spent = self._clock.monotonic(), self._cpu_seconds()
        elapsed, used = now - self._at, spent - self._spent
        self._at, self._spent = now, spent
        earned = min(self._credit + self._share * elapsed, self._share * _WINDOW_SECONDS)
        self._credit = max(earned - used, -self._share * _LONGEST_HOLD)
        percent = 100 * used / elapsed if elapsed > 0 else 0.0
        return percent, max(-self._credit / self._share, 0.0)

    def _judge_memory(self, *, over: bool) -> bool:
        now = self._clock.monotonic()
        if not over:
            self._over = 0
            return False
        if not self._over:
            self._over_since = now
        self._over += 1
        return self._over >= _LOOKS_OVER and now - self._over_since >= _LEAST_LIFE


def lower_priority() -> None:
    """Lets everything else on the host go first, as far as this process may: nice 10, last in best-effort I/O."""
    process = psutil.Process()
    try:
        if process.nice() < _NICE:
            process.nice(_NICE)
        process.ionice(psutil.IOPRIO_CLASS_BE, value=_LAST_OF_BEST_EFFORT)
    except (psutil.Error, OSError) as error:
        _log.warning("agent.priority_not_lowered", problem=str(error))
