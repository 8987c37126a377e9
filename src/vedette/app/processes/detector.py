"""The detector process: the only one that holds the opening keys."""

import threading
from pathlib import Path

from vedette import __version__
from vedette.app.detecting import load_detector
from vedette.app.keys import KeyFiles
from vedette.app.pipeline import Pipeline
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.app.stages import Stages
from vedette.app.telemetry import BATCH_SIZE, BUILD, DEAD_LETTERS_TRIMMED, SNAPSHOTS
from vedette.app.wiring import open_queue, open_store
from vedette.core import SystemClock
from vedette.detect import collected_seldom
from vedette.queue import BatchReport, consume
from vedette.seal import KeyRing

__all__ = ["run_detector"]


def run_detector(settings: Settings, stop: threading.Event, worker: str) -> None:
    """Consumes the queue until told to stop; a batch begun is finished."""
    clock = SystemClock()
    ring = KeyRing.load(KeyFiles(settings).opening_ring)
    detector = load_detector(
        Path(settings.detector.model) if settings.detector.model else None,
        budget=settings.detector.budget,
    )
    BUILD.labels(version=__version__, model=detector.model).set(1)
    store, queue = open_store(settings, clock), open_queue(settings, clock)
    stages = Stages(clock)
    pipeline = Pipeline(
        store=store,
        ring=ring,
        detector=detector,
        policies=PolicyBook(settings, store, clock).of,
        clock=clock,
        timer=stages,
        actor=f"system:detector-{worker}",
    )
    collected_seldom()
    try:
        consume(
            queue,
            pipeline.handle,
            stop=stop,
            clock=clock,
            limit=settings.detector.batch,
            lease_seconds=settings.detector.lease_seconds,
            on_batch=_count,
            on_trimmed=DEAD_LETTERS_TRIMMED.inc,
            timer=stages,
            behind_seconds=settings.detector.behind_seconds,
        )
    finally:
        queue.close()
        store.close()


def _count(report: BatchReport) -> None:
    BATCH_SIZE.observe(report.size)
    for outcome in ("done", "retried", "rejected", "failed", "lost"):
        number = getattr(report, outcome)
        if number:
            SNAPSHOTS.labels(outcome=outcome).inc(number)
