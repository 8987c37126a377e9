"""Facts: table rows as things with a life, told by the digest of what is stable in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from vedette.core import FactChange, Row
from vedette.detect.roll import turnover
from vedette.detect.rowid import row_id, row_ids, stable_process
from vedette.detect.tables import KNOWN_TABLES, Sight, TableMemory, Tables
from vedette.detect.view import View

__all__ = ["FACT_TABLES", "absorb", "fact_id"]

FACT_TABLES = KNOWN_TABLES - {"process_open_sockets"}
"""Tables whose rows are facts.

`process_open_sockets` is left out: its rows live for seconds, and a history of them would outgrow all others."""

_LIVE = frozenset({"processes", "listening_ports"})
"""Tables of which a reader without privileges always misses the same part, so that what it saw and sees no more is gone."""

_STABLE_PORT = ("port", "protocol", "family", "address")


def fact_id(table: str, row: Row) -> str:
    """Twenty hex digits of BLAKE2b over the table's name and the row's stable columns, sorted by name."""
    return row_id(table, row).hex()


def absorb(tables: Tables, view: View, sight: Sight) -> tuple[FactChange, ...]:
    """Takes what was seen into the host's tables, and gives the changes.

    A table that was not read gives none: a fact is gone only when its table was read, in full, and lacks it.
    """
    changes = []
    fresh = dict(sight.fresh)
    if "listening_ports" in sight.seen:
        # Who listens is told by the process table, so a port's fact can change while its own table does not.
        fresh.setdefault("listening_ports", tables.memory.get("listening_ports", TableMemory()))
    for name, memory in sorted(fresh.items()):
        if name in FACT_TABLES and _may_tell(name, view, sight) and _is_new(name, tables, view):
            partly = (name in sight.partly and name not in _LIVE) or name in sight.doubted
            change = _update(name, memory, view, sight, partly=partly)
            if change is not None:
                changes.append(change)
        tables.memory[name] = memory
    return tuple(changes)


def _may_tell(name: str, view: View, sight: Sight) -> bool:
    if name in _LIVE and view.snapshot.unread.get(name, "").startswith("cut:"):
        return False
    if name in sight.columns and sight.columns[name].lost:
        # A fact is its row: without a column each would be another.
        return False
    return name != "listening_ports" or "processes" in sight.seen


def _is_new(name: str, tables: Tables, view: View) -> bool:
    """Whether a table can have other facts: of the ports both the table and who listens may be as they were."""
    if name != "listening_ports":
        return True
    before, tables.listeners = tables.listeners, view.listeners
    return not before or before != view.listeners


def _update(
    name: str, memory: TableMemory, view: View, sight: Sight, *, partly: bool
) -> FactChange | None:
    rows, ids = _facts(name, view, sight)
    came, went, memory.ids = (
        view.turnover(name)
        if name in view.held and not partly
        else turnover(memory.ids, ids, partly=partly)
    )
    if not came and not went:
        return None
    here = (
        [stable_process(rows[at]) for at in came]
        if name == "processes"
        else [rows[at] for at in came]
    )
    appeared = {ids[at].hex(): row for at, row in zip(came, here, strict=True)}
    return FactChange(table=name, appeared=appeared, gone=tuple(key.hex() for key in went))


def _facts(name: str, view: View, sight: Sight) -> tuple[Sequence[Row], Sequence[bytes]]:
    if name == "processes":
        return view.snapshot.tables[name], view.process_ids
    rows: Sequence[Row] = view.snapshot.tables[name]
    if name == "listening_ports":
        rows = list(_ports(rows, view.by_pid))
        return rows, row_ids(name, rows)
    return rows, sight.ids.get(name) or row_ids(name, rows)


def _ports(rows: Iterable[Row], by_pid: Mapping[str, Row]) -> Iterator[Row]:
    nobody: Row = {}
    for row in rows:
        owner = by_pid.get(str(row.get("pid")), nobody)
        stable = {key: row[key] for key in _STABLE_PORT if key in row}
        yield {**stable, "name": owner.get("name", ""), "path": owner.get("path", "")}
