"""What the demonstration counted, taken from the SQLite files themselves."""

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from vedette.core import Record

__all__ = ["Recount", "recount"]


class Recount(Record, frozen=True, kw_only=True):
    """Rows as counted by plain queries. `detected_after` snapshots from the onset on, the first abnormal included."""

    verdicts: int = 0
    identities: int = 0
    labels: dict[str, int] = {}
    abnormal_before: int = 0
    detected_after: int | None = None
    audit_entries: int = 0


def recount(data_dir: Path, onset: datetime | None) -> Recount:
    """Counts the store's rows. `onset` is when the abnormal behaviour began, None when it never did."""
    path = data_dir / "store.sqlite"
    if not path.is_file():
        return Recount()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        found = store.execute(
            "SELECT label, taken_at FROM verdicts ORDER BY taken_at, seq"
        ).fetchall()
        at = _micros(onset) if onset else None
        before = [label for label, taken in found if at is None or taken < at]
        after = [label for label, taken in found if at is not None and taken >= at]
        return Recount(
            verdicts=len(found),
            identities=_count(store, "(SELECT DISTINCT tenant, host, epoch, seq FROM verdicts)"),
            labels={
                label: sum(1 for each, _ in found if each == label)
                for label in sorted({label for label, _ in found})
            },
            abnormal_before=before.count("abnormal"),
            detected_after=after.index("abnormal") + 1 if "abnormal" in after else None,
            audit_entries=_count(store, "audit"),
        )


def _count(store: sqlite3.Connection, source: str) -> int:
    return int(store.execute(f"SELECT count(*) FROM {source}").fetchone()[0])  # noqa: S608 - our own text


def _micros(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
