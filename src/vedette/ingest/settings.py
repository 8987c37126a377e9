"""The door's bounds."""

from vedette.core import Record
from vedette.ingest.quota import QuotaBounds

__all__ = ["IngestSettings"]


class IngestSettings(Record, frozen=True, kw_only=True):
    """Every bound has a default that suits a single server of some thousand hosts.

    Sizes are bytes, times seconds. `freshness` is about a signature's `created`; `max_ahead` is how far a snapshot's
    `taken_at` may be in the future. `rate` and `burst` are requests of one host; `enrol_rate` and `enrol_burst` are
    enrolments from one network address. `in_flight_bytes` bounds bodies held in memory while they are read; one host may
    send `bodies_per_host` at once. Enrolments are read before it is known who asks, so they have small bounds of their own.
    A body must bring `min_body_rate` bytes a second, taken over `body_window_seconds`. `enrol_waiting` is how many
    enrolments may wait for the store. A push is held back for its verdict for `verdict_wait` at most (0: never), and of
    `verdict_waiters` at once; of bundles of evidence, `max_evidence_bytes` each, `evidence_at_once` are taken at once. The rows of verdicts are looked at every `verdict_look_seconds`.
    """

    max_body_bytes: int = 8 * 1024 * 1024
    max_json_bytes: int = 1024 * 1024
    max_evidence_bytes: int = 40 * 1024 * 1024
    evidence_at_once: int = 4
    in_flight_bytes: int = 256 * 1024 * 1024
    body_seconds: float = 60.0
    body_window_seconds: float = 5.0
    min_body_rate: int = 1024
    bodies_per_host: int = 4
    max_enrol_bytes: int = 16 * 1024
    enrol_in_flight_bytes: int = 4 * 1024 * 1024
    enrol_seconds: float = 10.0
    enrol_bodies_per_address: int = 16
    freshness: int = 300
    max_ahead: float = 24 * 3600.0
    max_nonces: int = 1_000_000
    rate: float = 5.0
    burst: int = 200
    enrol_rate: float = 10.0
    enrol_burst: int = 100
    enrol_waiting: int = 256
    max_batch: int = 256
    max_waiting: int = 2048
    retry_seconds: float = 5.0
    max_retry_seconds: float = 120.0
    poll_seconds: float = 0.5
    max_polls: int = 10_000
    verdict_wait: float = 10.0
    verdict_waiters: int = 1_000
    verdict_look_seconds: float = 0.05
    threads: int = 8
    tenant_rate: float = 1_000.0
    tenant_burst: int = 5_000
    interval: float = 60.0
    live_intervals: float = 3.0
    target_seconds: float = 2.0
    least_rate: float = 10.0
    least_share: float = 0.1
    quotas: QuotaBounds = QuotaBounds()
