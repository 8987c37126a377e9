"""A watched machine: who it is, and how it stands between snapshots."""

from datetime import datetime
from enum import StrEnum

from vedette.core.ids import HostId, TenantId
from vedette.core.record import Record

__all__ = ["Host", "HostDescription", "HostStatus", "OperatingSystem"]


class HostStatus(StrEnum):
    """The last label, or unknown by a durable timer after three missed intervals."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    UNKNOWN = "unknown"


class OperatingSystem(Record, frozen=True, kw_only=True):
    """As osquery's `os_version` and `kernel_info` would name it."""

    name: str = ""
    version: str = ""
    kernel: str = ""
    arch: str = ""


class HostDescription(Record, frozen=True, kw_only=True):
    """What a snapshot says of its host. `boot_time` is Unix seconds; the label `role` names the cohort."""

    id: HostId
    hostname: str
    os: OperatingSystem = OperatingSystem()
    boot_time: float = 0.0
    labels: dict[str, str] = {}

    @property
    def cohort(self) -> str:
        """The role label, or the empty cohort."""
        return self.labels.get("role", "")


class Host(Record, frozen=True, kw_only=True):
    """A host as the store knows it. `interval` is its push interval in seconds."""

    tenant: TenantId
    id: HostId
    hostname: str
    labels: dict[str, str] = {}
    os: OperatingSystem = OperatingSystem()
    status: HostStatus = HostStatus.UNKNOWN
    status_since: datetime
    status_reason: str = ""
    interval: float = 60.0
    enrolled_at: datetime
    revoked_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_taken_at: datetime | None = None
    last_seq: int = 0
    can_act: tuple[str, ...] = ()
