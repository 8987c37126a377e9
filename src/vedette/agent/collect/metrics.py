"""The metrics of a snapshot: the kernel's gauges, its counters as rates, and counts over the tables."""

from collections.abc import Callable

from vedette.agent.collect.gauges import FAMILIES, Reading
from vedette.agent.collect.rates import Counters, Rates
from vedette.agent.collect.sockets import Sockets
from vedette.agent.collect.source import Source
from vedette.agent.collect.sweep import Sweep
from vedette.core import Clock

__all__ = ["Metrics", "of_sockets", "of_sweep"]


class Metrics:
    """Keeps the counters' last readings. `contain` runs a family and answers None when it failed (having noted why)."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._rates = Rates()
        self._cpu: tuple[int, int] | None = None

    def collect(
        self, contain: Callable[[str, Callable[[], Reading]], Reading | None]
    ) -> dict[str, float]:
        """All that could be read. The first time there are no rates and no CPU utilization."""
        found: dict[str, float] = {}
        counters: Counters = {}
        cpu = None
        at = self._clock.monotonic()
        for name, family in FAMILIES.items():
            reading = contain(name, lambda family=family: family(self._source))  # type: ignore[misc]
            if reading is None:
                continue
            found.update(reading.gauges)
            counters.update(reading.counters)
            cpu = reading.cpu or cpu
        found.update(self._rates.update(at, counters))
        if cpu is not None and self._cpu is not None:
            busy, total = cpu[0] - self._cpu[0], cpu[1] - self._cpu[1]
            # Idle time of a CPU may tremble backwards by a tick.
            if total > 0:
                found["system.cpu.utilization"] = min(max(busy / total, 0.0), 1.0)
        self._cpu = cpu
        return found


def of_sweep(sweep: Sweep, own_pid: int) -> dict[str, float]:
    """Counts of processes and threads. The observer is not counted as running: it always runs while it looks."""
    running = sum(row["state"] == "R" and row["pid"] != own_pid for row in sweep.rows)
    threads = sum(row["threads"] for row in sweep.rows if isinstance(row["threads"], int))
    return {
        "system.processes.count": float(len(sweep.rows)),
        "system.processes.running": float(running),
        "system.threads.count": float(threads),
    }


def of_sockets(sockets: Sockets) -> dict[str, float]:
    """TCP sockets by state, IPv4 and IPv6."""
    return {
        f"system.network.connections.{state.lower()}": float(sockets.states[state])
        for state in ("ESTABLISHED", "LISTEN", "SYN_SENT", "TIME_WAIT")
    }
