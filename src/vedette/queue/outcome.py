"""What a handler says of each delivery, and what the loop reports of each batch."""

from collections.abc import Callable, Sequence

from vedette.core import Record
from vedette.queue.port import Delivery

__all__ = ["BatchReport", "Done", "Handler", "Outcome", "Reject", "Retry"]


class Done(Record, frozen=True, kw_only=True):
    """Its effects are durable."""


class Retry(Record, frozen=True, kw_only=True):
    """Not now: hold its lane for `delay_seconds`, then deliver it again."""

    delay_seconds: float
    reason: str


class Reject(Record, frozen=True, kw_only=True):
    """It can never be handled; whatever had to be recorded about that is durable."""

    reason: str


Outcome = Done | Retry | Reject

Handler = Callable[[Sequence[Delivery]], Sequence[Outcome]]
"""Makes the effects of a batch durable and gives one outcome for each delivery, in order.

It must finish within the lease, and take a message it has seen before (`attempts` above 1, or a second time after a crash)
without a second effect. After a Retry it leaves the rest of that lane alone: what it says of those is not
heard, they are delivered again. Raising `Unavailable` means that something it needs is out of reach: the batch waits.
Any other exception makes the loop hand over the batch one by one.
"""


class BatchReport(Record, frozen=True, kw_only=True):
    """One polled batch after it was settled, for metrics. `behind` were old when they came; `failed` raised when handled alone; `lost` belong to another now."""

    size: int
    behind: int
    lanes: int
    seconds: float
    done: int
    retried: int
    rejected: int
    failed: int
    lost: int
