"""What an expert says of one thing on a host: how strongly it speaks for an intruder or a fault."""

from datetime import datetime

from vedette.core import Record

__all__ = ["Case"]


class Case(Record, frozen=True, kw_only=True):
    """`nats` are the log posterior odds over the expert's own threshold: above 0, the case alone makes an alarm.

    That is so at the reference budget; the judge's scale puts each voice's nats where its normal hosts say. `voice` names
    a part of an expert that has a scale of its own (`vitals.bank`); empty: the expert's.

    `subject` is stable over snapshots (`cron:/etc/cron.d/x`), so that it can name a cause; `text` a plain sentence;
    `attack` a MITRE ATT&CK technique id or None; `observed` and `expected` what was seen and what is usual, in words;
    `since` when the thing was first seen on this host. `print` names the very thing alike on every host, 0 where others
    can't have it; a `hard` one is not excused by their having it, and a `foothold` (what lets somebody in, or stays) by their
    having it alone. `accounted` says that it was seen on this host who did it: a package, a managing tool, people at work.
    """

    expert: str
    subject: str
    nats: float
    text: str
    attack: str | None = None
    observed: str = ""
    expected: str = ""
    since: datetime | None = None
    print: int = 0
    hard: bool = False
    voice: str = ""
    foothold: bool = False
    accounted: bool = False
