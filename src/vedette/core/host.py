"""A watched machine: who it is, and how it stands between snapshots."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from vedette.core.finite import Finite
from vedette.core.ids import Epoch, HostId, TenantId
from vedette.core.record import Record

__all__ = ["Host", "HostDescription", "HostStatus", "OperatingSystem"]


class HostStatus(StrEnum):
    """The last label; unknown by a durable timer after three missed intervals, and for a normal that is long past."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    UNKNOWN = "unknown"


_Word = Annotated[str, Meta(max_length=256)]
_Labels = Annotated[dict[_Word, _Word], Meta(max_length=64)]


class OperatingSystem(Record, frozen=True, kw_only=True):
    """As osquery's `os_version` and `kernel_info` would name it."""

    name: _Word = ""
    version: _Word = ""
    kernel: _Word = ""
    arch: _Word = ""


class HostDescription(Record, frozen=True, kw_only=True):
    """What a snapshot says of its host. `boot_time` is Unix seconds; the label `role` names the cohort."""

    id: HostId
    hostname: Annotated[str, Meta(max_length=255)]
    os: OperatingSystem = OperatingSystem()
    boot_time: Finite = 0.0
    labels: _Labels = {}

    @property
    def cohort(self) -> str:
        """The role label, or the empty cohort."""
        return self.labels.get("role", "")


class Host(Record, frozen=True, kw_only=True):
    """A host as the store knows it. `interval` is its push interval in seconds.

    `silent_since` is when it was found silent; None while it is heard. A readable snapshot in time ends the silence.
    `contested_at` is when a snapshot was taken that came last under a number of `contested_epoch` that was used already.
    """

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
    silent_since: datetime | None = None
    contested_epoch: Epoch | None = None
    contested_at: datetime | None = None
    can_act: tuple[str, ...] = ()
