"""The metrics of a snapshot: the kernel's gauges, its counters as rates, and counts over the tables."""

from collections.abc import Callable, Mapping
from functools import partial

from vedette.agent.collect.gauges import FAMILIES, Reading
from vedette.agent.collect.rates import Rates
from vedette.agent.collect.sockets import Sockets
from vedette.agent.collect.source import Source
from vedette.agent.collect.sweep import Sweep
from vedette.core import Clock

__all__ = ["Metrics", "of_sockets", "of_sweep"]


class Metrics:
    """Keeps the counters' last readings. Families are read by `calls`, and what they gave is put together by `collect`."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._rates = Rates()
        self._cpu: tuple[int, int] | None = None
        self._calls = {
            name: partial(_read, family, source, clock) for name, family in FAMILIES.items()
        }

    def calls(self) -> Mapping[str, Callable[[], tuple[float, Reading]]]:
        """Each family's reading, with the monotonic time at which it was taken."""
        return self._calls

    def collect(self, readings: Mapping[str, tuple[float, Reading] | None]) -> dict[str, float]:
        """The metrics of families that could be read (None: it could not). The first time there are no rates.

        Time in which the machine was suspended is in no rate: neither the monotonic clock nor the counters went on in it.
        """
        found: dict[str, float] = {}
        counters: dict[str, tuple[float, dict[str, float]]] = {}
        cpu = None
        for at, reading in filter(None, readings.values()):
            found.update(reading.gauges)
            counters.update({name: (at, series) for name, series in reading.counters.items()})
            cpu = reading.cpu or cpu
        found.update(self._rates.update(counters))
        if cpu is not None and self._cpu is not None:
            busy, total = cpu[0] - self._cpu[0], cpu[1] - self._cpu[1]
            # Idle time of a CPU may tremble backwards by a tick.
            if total > 0:
                found["system.cpu.utilization"] = min(max(busy / total, 0.0), 1.0)
        self._cpu = cpu
        return found


def _read(
    family: Callable[[Source], Reading], source: Source, clock: Clock
) -> tuple[float, Reading]:
    return clock.monotonic(), family(source)


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
