"""One snapshot as the experts see it: with its place in the host's life."""

from collections.abc import Sequence

from vedette.core import Record, Row, Snapshot
from vedette.detect.knowledge.outlook import ALONE, Outlook

__all__ = ["View"]


class View(Record, frozen=True, kw_only=True):
    """What every expert is given. Nobody may change what it holds.

    `count` snapshots of this host were learned before this one; `elapsed` is the time since the last of them in
    seconds by `taken_at` (None for the first); `gap` says that snapshots were lost in between or a new epoch began.
    `seen` names the tables whose rows are here; `unchanged` those known to hold the very rows that this host had
    when the table was last seen: with rows here too (then they are also in `seen`) or by digest alone. A table in
    neither was not seen, which says nothing about its rows. `outlook` is what is known of other hosts.
    """

    snapshot: Snapshot
    count: int
    elapsed: float | None = None
    gap: bool = False
    seen: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    outlook: Outlook = ALONE

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table; none when it was not seen in full (ask `seen` for the difference)."""
        return self.snapshot.tables.get(table, ()) if table in self.seen else ()
