"""The door's bounds."""

from vedette.core import Record

__all__ = ["IngestSettings"]


class IngestSettings(Record, frozen=True, kw_only=True):
    """Every bound has a default that suits a single server of some thousand hosts.

    Sizes are bytes, times seconds. `freshness` is about a signature's `created`. `rate` and `burst` are requests of one
    host; `enrol_rate` and `enrol_burst` are enrolments in all. `in_flight_bytes` bounds bodies held in memory at once.
    """

    max_body_bytes: int = 8 * 1024 * 1024
    max_json_bytes: int = 1024 * 1024
    in_flight_bytes: int = 256 * 1024 * 1024
    body_seconds: float = 60.0
    freshness: int = 300
    max_nonces: int = 1_000_000
    rate: float = 5.0
    burst: int = 200
    enrol_rate: float = 10.0
    enrol_burst: int = 100
    max_batch: int = 256
    max_waiting: int = 2048
    retry_seconds: float = 5.0
    max_retry_seconds: float = 120.0
    poll_seconds: float = 0.5
    max_polls: int = 10_000
    threads: int = 8
