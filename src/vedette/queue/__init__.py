"""The queue between the door and the detector: the port, the one consume loop, and its brokers."""

from vedette.queue.backoff import Backoff
from vedette.queue.consume import consume
from vedette.queue.memory import MemoryQueue
from vedette.queue.outcome import BatchReport, Done, Handler, Outcome, Reject, Retry
from vedette.queue.port import (
    MOST_AT_ONCE,
    Appended,
    DeadLetter,
    Delivery,
    Queue,
    Selection,
    Stats,
    Used,
)
from vedette.queue.sql import SqlQueue

__all__ = [
    "MOST_AT_ONCE",
    "Appended",
    "Backoff",
    "BatchReport",
    "DeadLetter",
    "Delivery",
    "Done",
    "Handler",
    "MemoryQueue",
    "Outcome",
    "Queue",
    "Reject",
    "Retry",
    "Selection",
    "SqlQueue",
    "Stats",
    "Used",
    "consume",
]
