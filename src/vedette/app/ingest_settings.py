"""Settings of the machines' door."""

from typing import Annotated

from msgspec import Meta

from vedette.app.section import Section

__all__ = ["IngestSettings"]


class IngestSettings(Section, frozen=True, kw_only=True):
    """Bounds of the machines' door."""

    max_body_bytes: Annotated[int, Meta(description="Largest request body in bytes")] = 8_388_608
    max_evidence_bytes: Annotated[
        int, Meta(description="Largest sealed bundle of evidence in bytes; 4 are taken at once")
    ] = 41_943_040
    rate: Annotated[float, Meta(description="Snapshots per second and host, sustained")] = 20.0
    burst: Annotated[int, Meta(description="Snapshots a host may send at once")] = 200
    tenant_rate: Annotated[
        float, Meta(description="Requests per second of all hosts of a tenant, sustained")
    ] = 1_000.0
    tenant_burst: Annotated[int, Meta(description="Requests its hosts may send at once")] = 5_000
    max_hosts: Annotated[
        int,
        Meta(description="Hosts that a tenant may enrol, revoked ones not counted; 0: no bound"),
    ] = 0
    host_snapshots_per_day: Annotated[
        int, Meta(description="Snapshots accepted of a host in a day (UTC); 0: no bound")
    ] = 0
    host_bytes_per_day: Annotated[
        int, Meta(description="Bytes of sealed snapshots accepted of a host in a day; 0: no bound")
    ] = 0
    tenant_snapshots_per_day: Annotated[
        int, Meta(description="Snapshots accepted of all hosts of a tenant in a day; 0: no bound")
    ] = 0
    tenant_bytes_per_day: Annotated[
        int, Meta(description="Bytes accepted of all hosts of a tenant in a day; 0: no bound")
    ] = 0
    interval: Annotated[
        float, Meta(description="Seconds between pushes, told to hosts when they enrol")
    ] = 60.0
    verdict_wait: Annotated[
        float,
        Meta(
            ge=0,
            le=60,
            description="Most seconds that a push is held back for its verdict (`Prefer: wait`); 0: never",
        ),
    ] = 10.0
    verdict_waiters: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000,
            description="Most pushes held back at once; others are answered at once",
        ),
    ] = 1_000
