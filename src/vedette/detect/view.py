"""One snapshot as the experts see it: with its place in the host's life."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from vedette.core import Cell, Record, Row, Snapshot, table_digest
from vedette.detect.fingerprint import fingerprint
from vedette.detect.knowledge.outlook import ALONE, Outlook
from vedette.detect.magnitude import impossible
from vedette.detect.pardon import Heard
from vedette.detect.roll import Turnover, turnover
from vedette.detect.rowid import process_ids, row_ids

__all__ = ["View"]

_PORTS = "listening_ports"


class View(Record, frozen=True, kw_only=True, dict=True):
    """What every expert is given. Nobody may change what it holds.

    `count` snapshots of this host were learned before this one; `elapsed` is the time since the last of them in
    seconds by `taken_at` (None for the first); `gap` says that snapshots were lost in between or a new epoch began.
    `seen` names the tables whose rows are here; `unchanged` those known to hold the very rows that this host had
    when the table was last seen: with rows here too (then they are also in `seen`) or by digest alone. A table in
    neither was not seen, which says nothing about its rows. `doubted` are those of `seen` that may for once lack rows: what
    is there counts, what is not there is not gone. `stopped` says that the host's clock stands still. `digests` are the canonical digests that are known already, `ids` those of the
    rows of tables that changed, as far as they were made, `held` those of the rows that they had before, where it matters;
    `outlook` is what is known of other hosts, `heard` what people said: what they pardon is to be learned at once, what
    they condemn never by itself. `shift` is ln(budget / reference): so many nats less make an alarm.
    """

    snapshot: Snapshot
    count: int
    elapsed: float | None = None
    gap: bool = False
    seen: frozenset[str] = frozenset()
    unchanged: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    stopped: bool = False
    outlook: Outlook = ALONE
    heard: Heard = Heard()
    digests: Mapping[str, str] = {}
    held: Mapping[str, bytes] = {}
    ids: Mapping[str, Sequence[bytes]] = {}
    shift: float = 0.0

    def pardons(self, subject: str, thing: int = 0) -> bool:
        """Whether people called it normal: this subject here, or for the whole cohort the very thing of that print."""
        return self.heard.pardons(subject) or (thing != 0 and self.outlook.vouches(thing))

    def rows(self, table: str) -> Sequence[Row]:
        """The rows of a table; none when it was not seen in full (ask `seen` for the difference)."""
        return self.snapshot.tables.get(table, ()) if table in self.seen else ()

    def turnover(self, table: str) -> Turnover:
        """What came to a table of `held` and what went from it."""
        found = self._turnovers.get(table)
        if found is None:
            ids = self.ids.get(table) or row_ids(table, self.rows(table))
            found = self._turnovers[table] = turnover(self.held[table], ids)
        return found

    @cached_property
    def _turnovers(self) -> dict[str, Turnover]:
        return {}

    def digest(self, table: str) -> str:
        """The canonical digest of a table that was seen: the same whatever the order of its rows."""
        return self.digests.get(table) or table_digest(self.rows(table))

    @cached_property
    def impossible(self) -> Sequence[str]:
        """Names of the metrics with a value that can't be, sorted."""
        return impossible(self.snapshot.metrics)

    @cached_property
    def metrics(self) -> Mapping[str, float]:
        """The metrics as far as they can be: a value that can't be says nothing, as if it had not been sent."""
        wrong = self.impossible
        if not wrong:
            return self.snapshot.metrics
        return {name: x for name, x in self.snapshot.metrics.items() if name not in wrong}

    @cached_property
    def by_pid(self) -> Mapping[str, Row]:
        """The rows of `processes` by process id as text; of two with one id the later. None when it was not seen."""
        return {str(row.get("pid")): row for row in self.rows("processes")}

    @cached_property
    def names(self) -> Mapping[Cell, int]:
        """How many processes have each name, kernel threads left out.

        Ended ones that nobody waits for have neither path nor command, but they are many of one name too.
        """
        return Counter([row.get("name") for row in self.by_pid.values() if row.get("parent") != 2])

    @cached_property
    def id_by_pid(self) -> Mapping[str, bytes]:
        """The ids of the rows of `processes` by process id as text; none when two rows have one process id."""
        if len(self.by_pid) < len(self.rows("processes")):
            return {}
        return dict(zip(self.by_pid, self.process_ids, strict=True))

    @cached_property
    def listeners(self) -> int:
        """The fingerprint of the listening ports and of the processes that hold them; 0 where these can't be told."""
        if not self.id_by_pid or _PORTS not in self.seen:
            return 0
        holders = {str(row.get("pid")) for row in self.rows(_PORTS)}
        ids = sorted(self.id_by_pid.get(pid, b"").hex() for pid in holders)
        return fingerprint(self.digest(_PORTS), *ids)

    @cached_property
    def process_ids(self) -> Sequence[bytes]:
        """The ids of the rows of `processes`, in their order: the same while a process runs the same program."""
        return process_ids(self.rows("processes"))
