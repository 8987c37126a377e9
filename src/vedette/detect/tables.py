"""Which tables of a snapshot were seen, which are unchanged, and where the detector is blind."""

from collections.abc import Container, Sequence

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
from vedette.detect.columns import Columns, Glance
from vedette.detect.counted import Counted, Tally, is_held, tally
from vedette.detect.given import Given
from vedette.detect.metering import CORE_METRICS, blind_metrics, unread_families
from vedette.detect.rowid import row_ids
from vedette.detect.short import short
from vedette.detect.usable import WHOLE_OR_NOT, usable

__all__ = [
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

_PORTS, _PROCESSES, _SOCKETS = "listening_ports", "processes", "process_open_sockets"
_SAMPLED = frozenset({_SOCKETS})
_PORT_COLUMNS = ("pid", "port", "protocol", "family", "address")
_MOST_PORT_BYTES = 16 * 1024
_SHORT = 200  # rows of a table that is compared together with others
_ROWS = msgspec.json.Decoder(list[Row])


class TableMemory(msgspec.Struct, array_like=True, gc=False):
    """What is kept of a table: digests of its rows as last seen, and the ids of its facts, 10 bytes each.

    `quick` covers the rows in the order they came; `digest` is the canonical one (`sha256:<hex>`). Both are empty for
    volatile tables, which hardly ever stay the same and never come by digest. Of a long table that has just changed there
    is no `quick`: it is made again when the table stays.
    """

    quick: bytes = b""
    digest: str = ""
    ids: bytes = b""


class Tables(msgspec.Struct, array_like=True, gc=False):
    """The part of a host's state that is about its tables.

    All of it lasts for the host's life, epochs or not. `usual` is what its snapshots have brought so far, and whether only
    in part (as the first of them had it); `metrics` are the core metrics that they have brought, `width` the most metrics of any.
    `ports` are the rows of `listening_ports` as last seen, in the columns that matter, as JSON; empty when they are too long. They
    alone are kept, because what they mean changes with the processes while they stay the same. `unread` are the metric
    families that could not be read in any snapshot so far; None where none was seen yet, by a state of before they were kept too.
    `listeners` stands for the listening ports with who holds them, as last seen. `still` is one quick digest over all short
    tables that hardly change, as last seen: mostly it alone need be made. `given` are the metrics that always come, `counted` is
    how whole the table of processes is as a rule. `columns` are those that tables tell.
    """

    memory: dict[str, TableMemory] = {}
    usual: dict[str, bool] = {}
    metrics: list[str] = []
    width: int = 0
    ports: bytes = b""
    unread: list[str] | None = None
    listeners: int = 0
    still: bytes = b""
    given: Given = msgspec.field(default_factory=Given)
    counted: Counted = msgspec.field(default_factory=Counted)
    columns: Columns = msgspec.field(default_factory=Columns)

    def learn(self, snapshot: Snapshot, sight: "Sight") -> None:
        """Takes over what later snapshots must bring, or else they are blind."""
        here, usual = (sight.seen | sight.unchanged) - sight.doubted, self.usual
        if snapshot.unread or not here <= usual.keys() or any(usual.values()):
            for name in sorted(here):
                usual[name] = usual.get(name, True) and name in snapshot.unread
        self.metrics = [n for n in CORE_METRICS if n in snapshot.metrics or n in self.metrics]
        self.width = max(len(snapshot.metrics), self.width)
        lacking = unread_families(snapshot)
        self.unread = [n for n in lacking if self.unread is None or n in self.unread]
        self.still = sight.still
        self.given.learn(snapshot.metrics)
        self.columns.learn(sight.columns)
        if sight.tally is not None:
            self.counted.learn(sight.tally)
        if _PORTS in sight.fresh and _PORTS not in sight.doubted:
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

    `partly` are tables of `seen` whose rows are only some: what they lack is not gone. `ids` are those of the rows of
    fresh tables, as far as they were made; `still` is as in `Tables`. `doubted` are tables of `seen` that for
    once may lack rows, and `rows` the rows of these that can be used; `tally` is of a table of processes that is not in doubt.
    `columns` is what the tables that were read anew show of theirs.
    """

    seen: frozenset[str]
    partly: frozenset[str]
    unchanged: frozenset[str]
    fresh: dict[str, TableMemory]
    ids: dict[str, list[bytes]]
    needed: tuple[str, ...]
    still: bytes
    blindness: tuple[tuple[str, str], ...]
    doubted: frozenset[str] = frozenset()
    rows: dict[str, list[Row]] = {}
    tally: Tally | None = None
    columns: dict[str, Glance] = {}


def look(tables: Tables, snapshot: Snapshot, *, recalled: Container[str] = ()) -> Sight:
    """Compares the snapshot's tables with what this host has shown before. Changes nothing.

    `recalled` are tables that came by digest, and whose rows in the snapshot are from `Tables.recall`.

    The rule of blindness: `processes` and metrics must always be there, with rows that can be used. Any other table
    counts as missing only if an earlier snapshot of this host had it, or had it in full where it now is read in part. So
    an agent that lacks privileges and never could read a table is not blind for ever, but one that loses its sight is.
    A new epoch sets no expectation anew, and the first whole read raises it.
    Rows that were cut off at a bound (`unread` says `cut: ...`) are blindness always, and so is what was not read in
    time (`timed out ...`), rows that can't be used, and fewer processes than other witnesses know of.
    """
    names = sorted(KNOWN_TABLES & {*snapshot.tables, *snapshot.same, *tables.usual, _PROCESSES})
    quiet, still = _quiet(tables, snapshot, names, recalled)
    found = _Found(
        blind_metrics(
            snapshot,
            core=tables.metrics,
            width=tables.width,
            unread=tables.unread,
            given=tables.given,
        )
    )
    for name in names:
        partial = name in snapshot.unread
        expected = tables.usual.get(name, True)
        if name in snapshot.tables and (not partial or expected):
            _see(name, tables, snapshot, found, known=name in recalled or name in quiet)
        elif not partial and _is_known(name, tables.memory.get(name), snapshot):
            found.unchanged.add(name)
        elif not (partial and expected and name in _SAMPLED):
            found.blindness.append((f"table:{name}", _why(name, snapshot)))
            if not partial or name in snapshot.same:
                found.needed.append(name)
    counted = _witnessed(tables, snapshot, found)
    for name in found.rows:
        # What is in doubt is looked at again next time, be it by digest, so no digest of it is kept.
        found.fresh[name] = TableMemory(ids=tables.memory.get(name, TableMemory()).ids)
    if snapshot.unread:
        told = {subject for subject, _ in found.blindness}
        found.blindness.extend(item for item in _late(snapshot) if item[0] not in told)
    return Sight(
        seen=frozenset(found.seen),
        partly=frozenset(found.seen & snapshot.unread.keys()),
        unchanged=frozenset(found.unchanged - found.rows.keys()),
        fresh=found.fresh,
        ids=found.ids,
        needed=tuple(found.needed),
        still=b"" if found.broken else still,
        blindness=tuple(found.blindness),
        doubted=frozenset(found.rows),
        rows=found.rows,
        tally=counted,
        columns=found.columns,
    )


class _Found:
    """What a sight is made of, table by table. `rows` are of tables in doubt; `broken` says that some rows could not be used."""

    def __init__(self, blindness: list[tuple[str, str]]) -> None:
        self.blindness = blindness
        self.seen: set[str] = set()
        self.unchanged: set[str] = set()
        self.fresh: dict[str, TableMemory] = {}
        self.ids: dict[str, list[bytes]] = {}
        self.rows: dict[str, list[Row]] = {}
        self.needed: list[str] = []
        self.columns: dict[str, Glance] = {}
        self.broken = False


def _see(name: str, tables: Tables, snapshot: Snapshot, found: _Found, *, known: bool) -> None:
    """Takes in the rows of a table. `known`: they are those that were here last time."""
    rows, memory = snapshot.tables[name], tables.memory.get(name)
    now = memory if known and memory else _remember(name, rows, memory, found.ids)
    good: Sequence[Row] = rows
    whole = True
    if now is not memory:
        good, whys = _usable(name, rows, tables, found)
        found.blindness.extend((f"table:{name}", why) for why in whys)
        whole = len(good) == len(rows)
    if not whole:
        found.broken = True
        found.ids.pop(name, None)
        if not good or memory is None or name in WHOLE_OR_NOT:
            return
        found.rows[name] = list(good)
    elif now is memory:
        found.unchanged.add(name)
    else:
        found.fresh[name] = now
        if memory and now.digest and now.digest == memory.digest:
            found.unchanged.add(name)
    found.seen.add(name)
    if name in snapshot.unread or name == _PROCESSES:
        found.blindness.extend(_doubt(name, snapshot))


def _usable(
    name: str, rows: Sequence[Row], tables: Tables, found: _Found
) -> tuple[Sequence[Row], list[str]]:
    """The rows of a table that can be used, and what is wrong with it."""
    good, why = usable(name, rows)
    seen = tables.columns.glance(name, good, live=name in VOLATILE_TABLES)
    if seen is None:
        return good, [why] if why else []
    found.columns[name] = seen
    if not seen.lost:
        return good, [why] if why else []
    return seen.rows, [one for one in (why, seen.why) if one]


def _witnessed(tables: Tables, snapshot: Snapshot, found: _Found) -> Tally | None:
    """What ports, connections and the count say of the processes; None where their table is in doubt.

    There `rows` gets its rows too, and the ports that these hold: nobody knows who holds the others.
    """
    if _PROCESSES not in found.seen:
        return None
    here, ports, sockets = (
        found.rows.get(name, snapshot.tables[name]) if name in found.seen else []
        for name in (_PROCESSES, _PORTS, _SOCKETS)
    )
    pids: set[object] = {row.get("pid") for row in here}
    now = tally(snapshot, pids, ports, sockets)
    if _PORTS not in found.seen:
        now = now._replace(doors=tables.counted.doors)
    if _SOCKETS not in found.seen:
        now = now._replace(talking=tables.counted.talking)
    if _PROCESSES not in found.rows:
        why = tables.counted.doubts(now)
        if not why:
            return now
        found.blindness.append(("table:processes", why))
        found.rows[_PROCESSES] = here
    if _PORTS in found.seen:
        found.rows[_PORTS] = [row for row in ports if is_held(row, pids)]
    return None


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
    if len({row.get("pid") for row in rows}) < len(rows):
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


def _remember(
    name: str, rows: list[Row], memory: TableMemory | None, found: dict[str, list[bytes]]
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
    if plain is not None and name != _PORTS:  # whose facts are of more than their rows
        found[name] = row_ids(name, rows, plain)
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
