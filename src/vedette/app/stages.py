"""How long each stage takes, and what CPU it uses, as metrics."""

from time import thread_time
from typing import Final

from prometheus_client import Counter, Histogram

from vedette.app.telemetry import STAGE_CPU, STAGE_SECONDS
from vedette.core import Clock

__all__ = ["Stages"]


class Stages:
    """Gives a context manager for each stage by name. A stage's CPU time is its thread's, so a stage must not be awaited in."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._metrics: dict[str, tuple[Histogram, Counter]] = {}

    def __call__(self, stage: str) -> "_Stage":
        """Measures one passage."""
        metrics = self._metrics.get(stage)
        if metrics is None:
            metrics = STAGE_SECONDS.labels(stage=stage), STAGE_CPU.labels(stage=stage)
            self._metrics[stage] = metrics
        return _Stage(self._clock, *metrics)


class _Stage:
    def __init__(self, clock: Clock, seconds: Histogram, cpu: Counter) -> None:
        self._clock: Final = clock
        self._seconds: Final = seconds
        self._cpu: Final = cpu
        self._began = 0.0
        self._cpu_began = 0.0

    def __enter__(self) -> None:
        self._began = self._clock.monotonic()
        self._cpu_began = thread_time()

    def __exit__(self, *_: object) -> None:
        self._cpu.inc(thread_time() - self._cpu_began)
        self._seconds.observe(self._clock.monotonic() - self._began)
