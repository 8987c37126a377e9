"""Which tables of a snapshot were seen, which are unchanged, and where the detector is blind."""

import hashlib

import msgspec

from vedette.core import Row, Snapshot, table_digest

__all__ = [
    "CORE_METRICS",
    "KNOWN_TABLES",
    "VOLATILE",
    "Sight",
    "TableMemory",
    "Tables",
    "look",
    "quick_digest",
]

VOLATILE = frozenset({"processes", "process_open_sockets"})
"""Tables that differ in every snapshot: they can't be sent by digest, so none is kept for them."""

KNOWN_TABLES = VOLATILE | {
    "authorized_keys",
    "crontab",
    "deb_packages",
    "hash",
    "kernel_modules",
    "listening_ports",
    "logged_in_users",
    "mounts",
    "rpm_packages",
    "sudoers",
    "suid_bin",
    "systemd_units",
    "users",
}
"""Tables that are looked at. Others are ignored: nothing is known of their columns, and their number has no bound."""

_SAMPLED = frozenset({"process_open_sockets"})

CORE_METRICS = (
    "system.memory.utilization",
    "system.processes.count",
    "system.network.connections.established",
)
"""Metrics that every look brings. Rates and CPU utilization need two looks, so a restarted agent lacks them once."""


class TableMemory(msgspec.Struct, array_like=True):
    """What is kept of a table: digests of its rows as last seen, and the ids of its facts, 10 bytes each.

    `quick` covers the rows in the order they came; `digest` is the canonical one (`sha256:<hex>`), empty for volatile
    tables.
    """

    quick: bytes = b""
    digest: str = ""
    ids: bytes = b""


class Tables(msgspec.Struct, array_like=True):
    """The part of a host's state that is about its tables.

    `memory` lasts for the host's life. `usual` is what this epoch's snapshots have brought so far, and whether only in
    part (as the first of them had it); `metrics` are the core metrics that they have brought, `width` how many metrics the last one had.
    """

    memory: dict[str, TableMemory] = {}
    usual: dict[str, bool] = {}
    metrics: list[str] = []
    width: int = 0


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What can be relied on in one snapshot. `fresh` are tables whose rows must be read again, with their digest.

    `partly` are tables of `seen` whose rows are only some: what they lack is not gone.
    """

    seen: frozenset[str]
    partly: frozenset[str]
    unchanged: frozenset[str]
    fresh: dict[str, TableMemory]
    needed: tuple[str, ...]
    blindness: tuple[tuple[str, str], ...]


def quick_digest(rows: list[Row]) -> bytes:
    """Eight bytes over the rows as they stand; another order gives another digest."""
    try:
        data = msgspec.msgpack.encode(rows)
    except OverflowError:  # a whole number of more than 64 bits, which JSON can bring
        data = msgspec.json.encode(rows)
    return hashlib.blake2b(data, digest_size=8).digest()


def look(tables: Tables, snapshot: Snapshot, *, new_epoch: bool) -> Sight:
    """Compares the snapshot's tables with what this host has shown before. Changes nothing.

    The rule of blindness: `processes` and metrics must always be there, with rows that can be used. Any other table
    counts as missing only if an earlier snapshot of this epoch had it, or had it in full where it now is read in part. So
    an agent that lacks privileges and never could read a table is not blind for ever, but one that loses its sight is.
    An epoch's first snapshot sets the expectation anew (and is blindness by itself), and the first whole read raises it.
    Rows that were cut off at a bound (`unread` says `cut: ...`) are blindness always.
    """
    usual = {} if new_epoch else tables.usual
    names = sorted(KNOWN_TABLES & {*snapshot.tables, *snapshot.same, *usual, "processes"})
    seen, unchanged, fresh, needed = set(), set(), {}, []
    blindness = _missing_metrics(tables, snapshot, new_epoch=new_epoch)
    for name in names:
        memory = tables.memory.get(name)
        partial = name in snapshot.unread
        expected = usual.get(name, True)
        if name in snapshot.tables and (not partial or expected):
            seen.add(name)
            blindness.extend(_doubt(name, snapshot))
            now = _remember(name, snapshot.tables[name], memory)
            if now is memory:
                unchanged.add(name)
            else:
                fresh[name] = now
                if memory and now.digest and now.digest == memory.digest:
                    unchanged.add(name)
        elif name in snapshot.same and memory and snapshot.same[name] == memory.digest:
            unchanged.add(name)
        elif not (partial and expected and name in _SAMPLED):
            blindness.append((f"table:{name}", _why(name, snapshot)))
            if not partial:
                needed.append(name)
    return Sight(
        seen=frozenset(seen),
        partly=frozenset(seen & snapshot.unread.keys()),
        unchanged=frozenset(unchanged),
        fresh=fresh,
        needed=tuple(needed),
        blindness=tuple(blindness),
    )


def _doubt(name: str, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Why rows that are here are not all that should be known of their table."""
    if snapshot.unread.get(name, "").startswith("cut:"):
        return [(f"table:{name}", _why(name, snapshot))]
    if name != "processes":
        return []
    rows = snapshot.tables[name]
    if not rows:
        return [("table:processes", "The table processes is empty, and no machine runs nothing")]
    if not all(map(_is_process, rows)):
        return [("table:processes", "Rows of the table processes can't be used")]
    if len({row["pid"] for row in rows}) < len(rows):
        # Which of them the sockets and children belong to can't be told.
        return [("table:processes", "Two rows of the table processes have one pid")]
    return []


def _is_process(row: Row) -> bool:
    return type(row.get("pid")) is int and isinstance(row.get("name"), str)


def _remember(name: str, rows: list[Row], memory: TableMemory | None) -> TableMemory:
    quick = quick_digest(rows)
    if memory is not None and memory.quick == quick:
        return memory
    digest = "" if name in VOLATILE else table_digest(rows)
    return TableMemory(quick=quick, digest=digest, ids=memory.ids if memory else b"")


def _why(name: str, snapshot: Snapshot) -> str:
    if name in snapshot.unread:
        return f"The table {name} could not be read in full: {snapshot.unread[name]}"
    if name in snapshot.same:
        return f"The table {name} was sent as unchanged, but its rows are not known here"
    return f"The table {name} is missing"


def _missing_metrics(
    tables: Tables, snapshot: Snapshot, *, new_epoch: bool
) -> list[tuple[str, str]]:
    if not snapshot.metrics:
        return [("metrics", "The metrics are missing")]
    if new_epoch:
        return []
    lost = [name for name in tables.metrics if name not in snapshot.metrics]
    if lost:
        return [(f"metric:{name}", f"The metric {name} is missing") for name in lost]
    if 2 * len(snapshot.metrics) < tables.width:
        text = f"Only {len(snapshot.metrics)} metrics came, {tables.width} are usual"
        return [("metrics", text)]
    return []
