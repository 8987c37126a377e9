"""Logs and metrics of the server's processes. Each metric's name stands once, here, with what a rise means."""

import io
import logging
import sys
from typing import TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, multiprocess

from vedette.app.settings import LogSettings

__all__ = [
    "ACCEPT_SECONDS",
    "ACTIONS",
    "APPEND_FAILURES",
    "APPEND_SIZE",
    "BATCH_SIZE",
    "BUILD",
    "LOG_LINES_LOST",
    "NOTICES",
    "QUEUE_DEPTH",
    "QUEUE_OLDEST",
    "QUEUE_REPLAYED",
    "READY",
    "REQUESTS",
    "SNAPSHOTS",
    "STAGE_CPU",
    "STAGE_SECONDS",
    "UNREAD",
    "VERDICTS",
    "configure_logs",
    "merged_registry",
]

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

READY = Gauge(
    "vedette_ready",
    "1 while this part (queue, store) can be written, 0 while it can't; /health/ready says why",
    ["part"],
    multiprocess_mode="mostrecent",
)
APPEND_FAILURES = Counter(
    "vedette_append_failures_total",
    "Batches of snapshots that could not be stored, by kind; a rise of disk-full, read-only, io-error or damaged-data needs hands",
    ["kind"],
)
LOG_LINES_LOST = Counter(
    "vedette_log_lines_lost_total",
    "Log lines that could not be written; a rise means that where standard error goes is full or gone",
)
REQUESTS = Counter(
    "vedette_http_requests_total",
    "Requests answered, by route and status; a rise of 4xx or 5xx means refused hosts or people",
    ["route", "status"],
)
ACCEPT_SECONDS = Histogram(
    "vedette_http_request_seconds",
    "Time from request to answer by route; a rise on /v1/snapshots means slow disks or a full queue",
    ["route"],
    buckets=_SECONDS,
)
SNAPSHOTS = Counter(
    "vedette_pipeline_snapshots_total",
    "Snapshots taken from the queue by outcome; a rise of lost, retried or unreadable needs a look",
    ["outcome"],
)
VERDICTS = Counter(
    "vedette_verdicts_total",
    "Verdicts written by label; a rise of unknown means blindness, of abnormal an attack or a bad model",
    ["label"],
)
BATCH_SIZE = Histogram(
    "vedette_pipeline_batch_snapshots",
    "Snapshots per batch; a rise means the detector is behind",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
)
STAGE_SECONDS = Histogram(
    "vedette_pipeline_stage_seconds",
    "Time per batch by stage (poll, known, open, load, judge, apply, settle; of the door: verify, signers, append); a rise names the slow stage",
    ["stage"],
    buckets=_SECONDS,
)
STAGE_CPU = Counter(
    "vedette_stage_cpu_seconds_total",
    "CPU used by stage; with the number of snapshots it says what each costs and where",
    ["stage"],
)
APPEND_SIZE = Histogram(
    "vedette_append_batch_snapshots",
    "Snapshots that were made durable together by one sync; a rise means many senders or a slow disk",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
QUEUE_DEPTH = Gauge(
    "vedette_queue_depth",
    "Snapshots accepted and not yet judged; a lasting rise means too few detector workers",
    multiprocess_mode="mostrecent",
)
QUEUE_REPLAYED = Gauge(
    "vedette_queue_replayed",
    "Dead letters that were put back and wait to be judged again; they count in no depth and refuse no host",
    multiprocess_mode="mostrecent",
)
QUEUE_OLDEST = Gauge(
    "vedette_queue_oldest_seconds",
    "Age of the oldest snapshot not yet judged; a lasting rise means verdicts come late",
    multiprocess_mode="mostrecent",
)
DEAD_LETTERS = Gauge(
    "vedette_dead_letters",
    "Accepted snapshots that could not be read and wait for people; a rise means a bad agent, key or line",
    multiprocess_mode="mostrecent",
)
DEAD_LETTERS_TRIMMED = Counter(
    "vedette_dead_letters_trimmed_total",
    "Dead letters deleted before their time because all took more than queue.dead_letter_mib; any means evidence was lost",
)
ACTIONS = Gauge(
    "vedette_actions",
    "Actions now in each state; a rise of awaiting_approval means that people are needed",
    ["state"],
    multiprocess_mode="mostrecent",
)
SILENT = Gauge(
    "vedette_hosts_silent",
    "Hosts that missed three intervals and are not heard again yet; a rise means a network or an agent is down",
    multiprocess_mode="mostrecent",
)
NOTICES = Counter(
    "vedette_responder_work_total",
    "Notices and timers handled by the responder; a stop while incidents open means it hangs",
)
UNREAD = Gauge(
    "vedette_applied_unread",
    "1 while this version can't read the policies or the on-call document (document) that were applied last, and goes by those before",
    ["document"],
    multiprocess_mode="mostrecent",
)
BUILD = Gauge(
    "vedette_build_info",
    "Always 1; its labels name the version and the model in use",
    ["version", "model"],
    multiprocess_mode="mostrecent",
)


def merged_registry(directory: str) -> CollectorRegistry:
    """The metrics of all processes that write into this folder, as one registry."""
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=directory)  # type: ignore[no-untyped-call]
    return registry


class _Steadfast(io.TextIOBase):
    """A stream that never fails: no full disk behind standard error may end what writes its log there."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str, /) -> int:
        try:
            self._target.write(text)
            self._target.flush()
        except (OSError, ValueError):
            LOG_LINES_LOST.inc(text.count("\n"))
        return len(text)

    def flush(self) -> None:
        """Each write is flushed."""

    def isatty(self) -> bool:
        return self._target.isatty()


def configure_logs(settings: LogSettings, *, process: str, stream: TextIO | None = None) -> None:
    """Structured logs to standard error, one event a line; libraries' own logs go the same way."""
    target = cast("TextIO", _Steadfast(stream or sys.stderr))
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    structlog.contextvars.bind_contextvars(process=process)
