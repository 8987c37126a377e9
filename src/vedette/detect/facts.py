"""Facts: table rows as things with a life, told by the digest of what is stable in them."""

import hashlib
from collections.abc import Iterable, Iterator

from vedette.core import FactChange, Row, Snapshot, canonical_json
from vedette.detect.tables import KNOWN_TABLES, Sight, TableMemory, Tables

__all__ = ["FACT_TABLES", "absorb", "fact_id"]

FACT_TABLES = KNOWN_TABLES - {"process_open_sockets"}
"""Tables whose rows are facts.

`process_open_sockets` is left out: its rows live for seconds, and a history of them would outgrow all others."""

_LIVE = frozenset({"processes", "listening_ports"})
"""Tables of which a reader without privileges always misses the same part, so that what it saw and sees no more is gone."""

_ID_BYTES = 10
_STABLE_PROCESS = (
    "pid",
    "parent",
    "name",
    "path",
    "cmdline",
    "uid",
    "euid",
    "start_time",
    "on_disk",
    "cwd",
)
_STABLE_PORT = ("port", "protocol", "family", "address")


def fact_id(table: str, row: Row) -> str:
    """Twenty hex digits of BLAKE2b over the table's name and the row's stable columns, sorted by name."""
    return _id(table.encode(), row).hex()


def absorb(tables: Tables, snapshot: Snapshot, sight: Sight) -> tuple[FactChange, ...]:
    """Takes what was seen into the host's tables, and gives the changes.

    A table that was not read gives none: a fact is gone only when its table was read, in full, and lacks it.
    """
    changes = []
    fresh = dict(sight.fresh)
    if "listening_ports" in sight.seen:
        # Who listens is told by the process table, so a port's fact can change while its own table does not.
        fresh.setdefault("listening_ports", tables.memory.get("listening_ports", TableMemory()))
    for name, memory in sorted(fresh.items()):
        if name in FACT_TABLES and _may_tell(name, snapshot, sight):
            partly = name in sight.partly and name not in _LIVE
            change = _update(name, memory, snapshot, partly=partly)
            if change is not None:
                changes.append(change)
        tables.memory[name] = memory
    return tuple(changes)


def _may_tell(name: str, snapshot: Snapshot, sight: Sight) -> bool:
    if name in _LIVE and snapshot.unread.get(name, "").startswith("cut:"):
        return False
    return name != "listening_ports" or "processes" in sight.seen


def _update(
    name: str, memory: TableMemory, snapshot: Snapshot, *, partly: bool
) -> FactChange | None:
    table = name.encode()
    rows = {_id(table, row): row for row in _stable_rows(name, snapshot)}
    before = set(_split(memory.ids))
    appeared = {key.hex(): rows[key] for key in sorted(rows.keys() - before)}
    gone = () if partly else tuple(key.hex() for key in sorted(before - rows.keys()))
    if not appeared and not gone:
        return None
    memory.ids = b"".join(sorted(before | rows.keys() if partly else rows))
    return FactChange(table=name, appeared=appeared, gone=gone)


def _stable_rows(name: str, snapshot: Snapshot) -> Iterable[Row]:
    rows = snapshot.tables[name]
    if name == "processes":
        return ({key: row[key] for key in _STABLE_PROCESS if key in row} for row in rows)
    if name == "listening_ports":
        return _ports(rows, snapshot.tables["processes"])
    return rows


def _ports(rows: Iterable[Row], processes: Iterable[Row]) -> Iterator[Row]:
    by_pid = {row.get("pid"): row for row in processes}
    for row in rows:
        owner = by_pid.get(row.get("pid"), {})
        stable = {key: row[key] for key in _STABLE_PORT if key in row}
        yield {**stable, "name": owner.get("name", ""), "path": owner.get("path", "")}


def _id(table: bytes, row: Row) -> bytes:
    data = table + b"\0" + canonical_json(row)
    return hashlib.blake2b(data, digest_size=_ID_BYTES).digest()


def _split(ids: bytes) -> Iterator[bytes]:
    return (ids[at : at + _ID_BYTES] for at in range(0, len(ids), _ID_BYTES))
