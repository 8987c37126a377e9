"""What a person said of an incident's subjects, on its way to the detector."""

from datetime import datetime

from vedette.core.ids import HostId, IncidentId
from vedette.core.record import Record

__all__ = ["Saying"]


class Saying(Record, frozen=True, kw_only=True):
    """`normal`: wanted or harmless. Otherwise it was really abnormal, and may never be learned as usual by itself.

    `subjects` are those of the incident's reasons. It is heard by the first snapshot of the incident's `host` that was
    taken after `at`, until `until`. With `cohort` that host vouches for the very things, as they were then, to its cohort. A
    later one of a higher `number` has the last word.
    """

    number: int
    host: HostId
    cohort: bool = False
    incident: IncidentId
    normal: bool
    subjects: tuple[str, ...]
    at: datetime
    until: datetime
    author: str = ""
    reason: str = ""
