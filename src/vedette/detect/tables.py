"""Which tables of a snapshot were seen, which are unchanged, and where the detector is blind."""

from collections.abc import Container

import msgspec

from vedette.core import (
    VOLATILE_TABLES,
    Row,
    Snapshot,
    lines_digest,
    plain_lines,
    quick_digest,
    table_digest,
)
from vedette.detect.short import short

__all__ = [
    "CORE_METRICS",
    "KNOWN_TABLES",
    "Sight",
    "TableMemory",
    "Tables",
    "look",
]

KNOWN_TABLES = VOLATILE_TABLES | {
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
_PORTS = "listening_ports"
_PORT_COLUMNS = ("pid", "port", "protocol", "family", "address")
_MOST_PORT_BYTES = 16 * 1024
_MOST_FAMILIES = 64
_SHORT = 200  # rows of a table that is compared together with others
_ROWS = msgspec.json.Decoder(list[Row])

CORE_METRICS = (
    "system.memory.utilization",
    "system.processes.count",
    "system.network.connections.established",
)
"""Metrics that every look brings. Rates and CPU utilization need two looks, so a restarted agent lacks them once."""


class TableMemory(msgspec.Struct, array_like=True):
    """What is kept of a table: digests of its rows as last seen, and the ids of its facts, 10 bytes each.

    `quick` covers the rows in the order they came; `digest` is the canonical one (`sha256:<hex>`). Both are empty for
    volatile tables, which hardly ever stay the same and never come by digest. Of a long table that has just changed there
    is no `quick`: it is made again when the table stays.
    """

    quick: bytes = b""
    digest: str = ""
    ids: bytes = b""


class Tables(msgspec.Struct, array_like=True):
    """The part of a host's state that is about its tables.

    All of it lasts for the host's life, epochs or not. `usual` is what its snapshots have brought so far, and whether only
    in part (as the first of them had it); `metrics` are the core metrics that they have brought, `width` the most metrics of any.
    `ports` are the rows of `listening_ports` as last seen, in the columns that matter, as JSON; empty when they are too long. They
    alone are kept, because what they mean changes with the processes while they stay the same. `unread` are the metric
    families that could not be read in any snapshot so far; None where none was seen yet, by a state of before they were kept too.
    `listeners` stands for the listening ports with who holds them, as last seen. `still` is one quick digest over all short
    tables that hardly change, as last seen: mostly it alone need be made.
    """

    memory: dict[str, TableMemory] = {}
    usual: dict[str, bool] = {}
    metrics: list[str] = []
    width: int = 0
    ports: bytes = b""
    unread: list[str] | None = None
    listeners: int = 0
    still: bytes = b""

    def learn(self, snapshot: Snapshot, sight: "Sight") -> None:
        """Takes over what later snapshots must bring, or else they are blind."""
        here, usual = sight.seen | sight.unchanged, self.usual
        if snapshot.unread or not here <= usual.keys() or any(usual.values()):
            for name in sorted(here):
                usual[name] = usual.get(name, True) and name in snapshot.unread
        self.metrics = [n for n in CORE_METRICS if n in snapshot.metrics or n in self.metrics]
        self.width = max(len(snapshot.metrics), self.width)
        lacking = _families(snapshot)
        self.unread = [n for n in lacking if self.unread is None or n in self.unread]
        self.still = sight.still
        if _PORTS in sight.fresh:
            self.ports = _port_rows(snapshot.tables[_PORTS])

    def recall(self, snapshot: Snapshot) -> dict[str, list[Row]]:
        """The rows of tables that came by digest, as far as rows are kept here."""
        memory = self.memory.get(_PORTS)
        if not self.ports or memory is None or not memory.digest:
            return {}
        if _PORTS in snapshot.tables or _PORTS in snapshot.unread:
            return {}
        if snapshot.same.get(_PORTS) != memory.digest:
            return {}
        return {_PORTS: _ROWS.decode(self.ports)}

    def forget(self) -> None:
        """Takes no table as unchanged next time, by rows or by digest. The ids of facts stay."""
        self.memory = {name: TableMemory(ids=one.ids) for name, one in self.memory.items()}
        self.still = b""


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """What can be relied on in one snapshot. `fresh` are tables whose rows must be read again, with their digest.

    `partly` are tables of `seen` whose rows are only some: what they lack is not gone. `lines` are the canonical forms of
    the rows of fresh tables, as far as they were made; `still` is as in `Tables`.
    """

    seen: frozenset[str]
    partly: frozenset[str]
    unchanged: frozenset[str]
    fresh: dict[str, TableMemory]
    lines: dict[str, list[bytes]]
    needed: tuple[str, ...]
    still: bytes
    blindness: tuple[tuple[str, str], ...]


def look(tables: Tables, snapshot: Snapshot, *, recalled: Container[str] = ()) -> Sight:
    """Compares the snapshot's tables with what this host has shown before. Changes nothing.

    `recalled` are tables that came by digest, and whose rows in the snapshot are from `Tables.recall`.

    The rule of blindness: `processes` and metrics must always be there, with rows that can be used. Any other table
    counts as missing only if an earlier snapshot of this host had it, or had it in full where it now is read in part. So
    an agent that lacks privileges and never could read a table is not blind for ever, but one that loses its sight is.
    A new epoch sets no expectation anew, and the first whole read raises it.
    Rows that were cut off at a bound (`unread` says `cut: ...`) are blindness always, and so is what was not read in
    time (`timed out ...`).
    """
    usual = tables.usual
    names = sorted(KNOWN_TABLES & {*snapshot.tables, *snapshot.same, *usual, "processes"})
    seen, unchanged, fresh, needed = set(), set(), {}, []
    lines: dict[str, list[bytes]] = {}
    quiet, still = _quiet(tables, snapshot, names, recalled)
    blindness = _missing_metrics(tables, snapshot) or _lost_families(tables, snapshot)
    for name in names:
        memory = tables.memory.get(name)
        partial = name in snapshot.unread
        expected = usual.get(name, True)
        if name in snapshot.tables and (not partial or expected):
            seen.add(name)
            if partial or name == "processes":
                blindness.extend(_doubt(name, snapshot))
            known = memory if name in recalled or name in quiet else None
            now = known or _remember(name, snapshot.tables[name], memory, lines)
            if now is memory:
                unchanged.add(name)
            else:
                fresh[name] = now
                if memory and now.digest and now.digest == memory.digest:
                    unchanged.add(name)
        elif not partial and _is_known(name, memory, snapshot):
            unchanged.add(name)
        elif not (partial and expected and name in _SAMPLED):
            blindness.append((f"table:{name}", _why(name, snapshot)))
            if not partial or name in snapshot.same:
                needed.append(name)
    if snapshot.unread:
        told = {subject for subject, _ in blindness}
        blindness.extend(item for item in _late(snapshot) if item[0] not in told)
    return Sight(
        seen=frozenset(seen),
        partly=frozenset(seen & snapshot.unread.keys()),
        unchanged=frozenset(unchanged),
        fresh=fresh,
        lines=lines,
        needed=tuple(needed),
        still=still,
        blindness=tuple(blindness),
    )


def _quiet(
    tables: Tables, snapshot: Snapshot, names: list[str], recalled: Container[str]
) -> tuple[Container[str], bytes]:
    """The short tables that are all as they were last time, with the digest that says so; none when one of them is not."""
    short = [
        (name, rows)
        for name in names
        if name not in VOLATILE_TABLES
        and name not in recalled
        and (rows := snapshot.tables.get(name)) is not None
        and len(rows) <= _SHORT
        and (name not in snapshot.unread or tables.usual.get(name, True))
    ]
    still = quick_digest(short)
    return ({name for name, _ in short} if still == tables.still else ()), still


def _port_rows(rows: list[Row]) -> bytes:
    kept = [{name: row[name] for name in _PORT_COLUMNS if name in row} for row in rows]
    encoded = msgspec.json.encode(kept)  # whole numbers of any size, unlike MessagePack
    return encoded if len(encoded) <= _MOST_PORT_BYTES else b""


def _is_known(name: str, memory: TableMemory | None, snapshot: Snapshot) -> bool:
    """Whether the table came by the digest of what was last seen. Ports without their rows tell nothing."""
    known = memory.digest if memory else ""
    return bool(known) and snapshot.same.get(name) == known and name != _PORTS


def _doubt(name: str, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Why rows that are here are not all that should be known of their table."""
    if snapshot.unread.get(name, "").startswith("cut:"):
        return [(f"table:{name}", _why(name, snapshot))]
    if name != "processes":
        return []
    rows = snapshot.tables[name]
    if not rows:
        return [("table:processes", "The table processes is empty, and no machine runs nothing")]
    pids = [row.get("pid") for row in rows]
    if set(map(type, pids)) != {int} or set(map(type, [row.get("name") for row in rows])) != {str}:
        return [("table:processes", "Rows of the table processes can't be used")]
    if len(set(pids)) < len(rows):
        # Which of them the sockets and children belong to can't be told.
        return [("table:processes", "Two rows of the table processes have one pid")]
    return []


def _late(snapshot: Snapshot) -> list[tuple[str, str]]:
    """What the agent gave up on. Unlike a lack of privileges, that is no host's way."""
    late = sorted(name for name, why in snapshot.unread.items() if why.startswith("timed out"))
    found = [(f"table:{name}", _why(name, snapshot)) for name in late if name in KNOWN_TABLES]
    families = [name for name in late if name.startswith("system.")]
    if families:
        text = (
            f"Metrics were not read in time: {', '.join(short(name, 64) for name in families[:3])}"
        )
        found.append(("metrics", text))
    return found


def _families(snapshot: Snapshot) -> list[str]:
    """The metric families that could not be read."""
    return sorted(name for name in snapshot.unread if name.startswith("system."))[:_MOST_FAMILIES]


def _lost_families(tables: Tables, snapshot: Snapshot) -> list[tuple[str, str]]:
    """Those that could be read before. The metrics that are left may be many, and all that must be there."""
    if tables.unread is None:
        return []
    lost = [n for n in _families(snapshot) if n not in tables.unread]
    late = [n for n in lost if snapshot.unread[n].startswith("timed out")]
    if not lost or late == lost:
        return []
    told = ", ".join(f"{short(n, 64)} ({short(snapshot.unread[n], 128)})" for n in lost[:3])
    return [("metrics", f"Metrics can no longer be read: {told}")]


def _remember(
    name: str, rows: list[Row], memory: TableMemory | None, lines: dict[str, list[bytes]]
) -> TableMemory:
    ids = memory.ids if memory else b""
    if name in VOLATILE_TABLES:
        return TableMemory(ids=ids)
    before = memory.digest if memory else ""
    # A long table that was another the last time it was read is likely to be another again.
    restless = memory is not None and before != "" and not memory.quick
    quick = b"" if restless else quick_digest(rows)
    if memory is not None and quick and memory.quick == quick:
        return memory
    plain = plain_lines(rows)
    if plain is not None:
        lines[name] = plain
    digest = table_digest(rows) if plain is None else lines_digest(plain)
    if digest == before:
        quick = quick or quick_digest(rows)
    elif before and len(rows) > _SHORT:
        quick = b""
    return TableMemory(quick=quick, digest=digest, ids=ids)


def _why(name: str, snapshot: Snapshot) -> str:
    if name in snapshot.unread:
        return f"The table {name} could not be read in full: {snapshot.unread[name]}"
    if name in snapshot.same:
        return f"The table {name} was sent as unchanged, but its rows are not known here"
    return f"The table {name} is missing"


def _missing_metrics(tables: Tables, snapshot: Snapshot) -> list[tuple[str, str]]:
    if not snapshot.metrics:
        return [("metrics", "The metrics are missing")]
    lost = [name for name in tables.metrics if name not in snapshot.metrics]
    if lost:
        return [(f"metric:{name}", f"The metric {name} is missing") for name in lost]
    if 2 * len(snapshot.metrics) < tables.width:
        text = f"Only {len(snapshot.metrics)} metrics came, {tables.width} are usual"
        return [("metrics", text)]
    return []
