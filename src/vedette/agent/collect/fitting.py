"""A snapshot made to fit the contract's bounds, whatever the host has: one that is too large would tell nothing at all.

Anyone on the host may write a line of 20 MB into a file of their own, or start thousands of programs with long
arguments. That must not make the agent fall silent.
"""

import msgspec

from vedette.core import MAX_SNAPSHOT_BYTES, Row, Snapshot, encode_snapshot

__all__ = ["fitting"]

_LONG = 4_096
_REASON = 1_000
# The host's description, metrics and reasons are beside the tables, and JSON takes more room than MessagePack.
_MOST = MAX_SNAPSHOT_BYTES * 3 // 4


def fitting(snapshot: Snapshot, most: int = _MOST) -> Snapshot:
    """The snapshot itself where its body fits into `most` bytes.

    Else long values are cut first, then the largest tables; `unread` says so.
    """
    unread = {name: why[:_REASON] for name, why in snapshot.unread.items()}
    tables = snapshot.tables
    if len(encode_snapshot(snapshot)) > most:
        tables = {name: _shortened(name, rows, unread) for name, rows in tables.items()}
        tables = _fewer(tables, unread, most)
    return msgspec.structs.replace(
        snapshot,
        host=msgspec.structs.replace(
            snapshot.host,
            hostname=snapshot.host.hostname[:255],
            os=msgspec.structs.replace(
                snapshot.host.os,
                name=snapshot.host.os.name[:256],
                version=snapshot.host.os.version[:256],
                kernel=snapshot.host.os.kernel[:256],
            ),
        ),
        tables=tables,
        unread=unread,
    )


def _shortened(name: str, rows: list[Row], unread: dict[str, str]) -> list[Row]:
    cut = 0
    short = []
    for row in rows:
        long = {
            key: cell
            for key, cell in row.items()
            if isinstance(cell, str) and len(cell) > _LONG + 1
        }
        cut += len(long)
        short.append(row | {key: f"{cell[:_LONG]}…" for key, cell in long.items()} if long else row)
    if cut:
        _say(name, f"{cut} values of more than {_LONG} letters", unread)
    return short


def _fewer(tables: dict[str, list[Row]], unread: dict[str, str], most: int) -> dict[str, list[Row]]:
    """The largest table halved, again and again, until all of them fit. One that loses its last row is left out."""
    sizes = {name: len(msgspec.msgpack.encode(rows)) for name, rows in tables.items()}
    kept = dict(tables)
    while sum(sizes.values()) > most:
        name = max(sizes, key=lambda one: sizes[one])
        kept[name] = kept[name][: len(kept[name]) // 2]
        sizes[name] = len(msgspec.msgpack.encode(kept[name])) if kept[name] else 0
    for name, rows in kept.items():
        if len(rows) < len(tables[name]):
            _say(name, f"{len(rows)} of {len(tables[name])} rows kept", unread)
    return {name: rows for name, rows in kept.items() if rows or not tables[name]}


def _say(name: str, what: str, unread: dict[str, str]) -> None:
    before = unread.get(name, "").removeprefix("cut: ")
    unread[name] = "; ".join(filter(None, (f"cut: {what}", before)))[:_REASON]
