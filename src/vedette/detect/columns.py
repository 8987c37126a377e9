"""Columns that a host's tables always told, and that are missing now: what reads them has lost a right, or was changed.

Without them nothing may be called normal. Where a row says another thing without the column, it can't be used: what it
usually holds would seem to have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from vedette.core import Cell, Row

__all__ = ["MAY_BE_EMPTY", "NEEDED", "Columns", "Glance", "needed_by"]

_PROCESSES = (
    "name",
    "path",
    "cmdline",
    "cwd",
    "euid",
    "on_disk",
    "start_time",
    "state",
    "threads",
    "resident_size",
    "user_time",
    "system_time",
)
_SOCKETS = ("pid", "state", "remote_address", "remote_port", "local_port")

NEEDED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "behaviour": {
        "processes": _PROCESSES,
        "process_open_sockets": _SOCKETS,
        "users": ("shell",),
    },
    "inventory": {
        "crontab": ("event", "minute", "hour", "day_of_week"),
        "listening_ports": ("address", "protocol"),
        "logged_in_users": ("user", "host", "type"),
        "mounts": ("device", "flags"),
        "processes": ("name", "path", "cmdline", "on_disk", "start_time"),
        "sudoers": ("rule_details",),
        "suid_bin": ("username", "permissions"),
        "systemd_units": ("fragment_path", "unit_file_state"),
        "users": ("shell", "directory", "gid"),
    },
}
"""By expert and table the columns that it needs, beside those without which a row is none at all (`usable`).

Who holds the listening ports is asked of the table of processes as well (`counted`).
"""

_MEASURES = {
    "processes": frozenset(_PROCESSES) - {"name", "path", "cmdline", "cwd"},
    "process_open_sockets": frozenset(_SOCKETS) - {"local_port"},
}
"""Columns without which a row says less, and nothing else."""
MAY_BE_EMPTY = frozenset({("logged_in_users", "host"), ("logged_in_users", "type")})
"""Columns in which an empty text tells something: who is logged in at the machine itself comes from nowhere."""
_NOBODY = ("process_open_sockets", "pid")  # where -1 says that nobody could tell
_LOOKED_AT = 16  # rows of a table that is new in every snapshot
_USUAL, _PART = 50, 0.5  # percent of rows that have a cell, and of that what is too little
_SURE, _FEW = 90, 4  # rows of which only some have it tell little where they are few
_WAY = 1_440  # looks without a column, after which that is the host's way
_UDP = (17, "17")
_WAITING = (None, "", "LISTEN", "TIME_WAIT")


class Glance(NamedTuple):
    """What the rows of a table show of its columns.

    `shares` are the percent of rows with each, -1 where no row should have it; `lost` are those that are missing, `rows` what of
    the rows can be used without them, `why` the sentence.
    """

    shares: list[int]
    lost: tuple[str, ...] = ()
    rows: Sequence[Row] = ()
    why: str = ""


def _columns() -> dict[str, tuple[str, ...]]:
    tables: dict[str, dict[str, None]] = {}
    for needs in NEEDED.values():
        for table, names in needs.items():
            tables.setdefault(table, {}).update(dict.fromkeys(names))
    return {table: tuple(names) for table, names in tables.items()}


_OF_TABLE = _columns()


def needed_by(table: str, column: str) -> list[str]:
    """The experts that need it."""
    return [name for name, needs in NEEDED.items() if column in needs.get(table, ())]


def glance(table: str, rows: Sequence[Row], usual: Sequence[int], *, live: bool) -> Glance | None:
    """Looks at the columns of a table; None where none of them is needed, or there is no row.

    `usual` are the shares of before, empty for a table never seen. Of a `live` table, which is new in every snapshot, a few
    rows are looked at, and all only where these lack a column.
    """
    names = _OF_TABLE.get(table)
    if names is None or not rows:
        return None
    some = rows[:: max(1, len(rows) // _LOOKED_AT)] if live else rows
    shares = _shares(table, some, names)
    if len(usual) != len(names):
        return Glance(shares)
    if some is not rows and _missing(names, shares, usual, len(some)):
        shares = _shares(table, rows, names)
    lost = _missing(names, shares, usual, len(rows))
    if not lost:
        return Glance(shares)
    measures = _MEASURES.get(table, frozenset())
    telling = [name for name in lost if name not in measures]
    good = rows
    if telling:
        good = [row for row in rows if all(_is_told(table, name, row) for name in telling)]
    return Glance(shares, lost, good, _sentence(table, lost))


def _missing(
    names: Sequence[str], shares: Sequence[int], usual: Sequence[int], many: int
) -> tuple[str, ...]:
    if shares == usual:
        return ()
    return tuple(
        name
        for name, now, before in zip(names, shares, usual, strict=True)
        if before >= _USUAL and 0 <= now < _PART * before and (before >= _SURE or many >= _FEW)
    )


def _shares(table: str, rows: Sequence[Row], names: Sequence[str]) -> list[int]:
    """Percent of the rows with each column, of those that should have it; -1 where none should."""
    if table == "processes":
        rows = [row for row in rows if _runs(row)]
    meant = _MEANT.get(table, {})
    shares = []
    for name in names:
        some = list(filter(meant[name], rows)) if name in meant else rows
        told = len(some) - _untold(table, name, [row.get(name) for row in some])
        shares.append(100 * told // len(some) if some else -1)
    return shares


def _untold(table: str, name: str, cells: list[Cell]) -> int:
    """How many of the cells tell nothing."""
    many = cells.count(None)
    if (table, name) not in MAY_BE_EMPTY:
        many += cells.count("")
    if (table, name) == _NOBODY:
        many += cells.count(-1) + cells.count("-1")
    return many


def _is_told(table: str, name: str, row: Row) -> bool:
    return not _untold(table, name, [row.get(name)])


def _runs(row: Row) -> bool:
    """Whether it has a program: threads of the kernel and ended processes have neither path nor command."""
    return row.get("parent") != 2 and row.get("pid") != 2 and row.get("state") != "Z"


def _has_state(row: Row) -> bool:
    """UDP has none."""
    return row.get("protocol") not in _UDP


def _has_end(row: Row) -> bool:
    """What only waits has no far end."""
    return row.get("state") not in _WAITING


# A job has a time or an event.
_MEANT: Mapping[str, Mapping[str, Callable[[Row], bool]]] = {
    "crontab": {
        "event": lambda row: not row.get("minute"),
        **dict.fromkeys(("minute", "hour", "day_of_week"), lambda row: not row.get("event")),
    },
    "process_open_sockets": {
        "state": _has_state,
        **dict.fromkeys(("pid", "remote_address", "remote_port"), _has_end),
    },
}


def _sentence(table: str, lost: Sequence[str]) -> str:
    experts = sorted({expert for name in lost for expert in needed_by(table, name)})
    named = f"column {lost[0]}" if len(lost) == 1 else f"columns {', '.join(lost)}"
    return (
        f"The {named} of the table {table} can no longer be read, though most of its rows always had "
        f"{'it' if len(lost) == 1 else 'them'}: what hangs on {'it' if len(lost) == 1 else 'them'} is not seen "
        f"({' and '.join(experts)})"
    )


class Columns(msgspec.Struct, array_like=True, gc=False):
    """What is known of a host's columns: `usual` shares by table, in the order of `NEEDED`, and the looks that lack one, by `table.column`."""

    usual: dict[str, list[int]] = {}
    missed: dict[str, int] = {}

    def glance(self, table: str, rows: Sequence[Row], *, live: bool = False) -> Glance | None:
        """What the rows of a table show, beside what is usual."""
        return glance(table, rows, self.usual.get(table, ()), live=live)

    def learn(self, seen: Mapping[str, Glance]) -> None:
        """Takes over what the tables that were looked at showed. A share rises at once, and falls by a hundredth a look."""
        for table, one in seen.items():
            names, before = _OF_TABLE[table], self.usual.get(table, ())
            if one.shares == before and not self.missed:
                continue
            if len(before) != len(names):
                before = [-1] * len(names)
            after = []
            for name, now, was in zip(names, one.shares, before, strict=True):
                key = f"{table}.{name}"
                looks = self.missed.pop(key, 0) + 1
                if name not in one.lost or looks >= _WAY:
                    after.append(now if now >= was or name in one.lost else _lower(now, was))
                    continue
                self.missed[key] = looks
                after.append(was)
            self.usual[table] = after


def _lower(now: int, was: int) -> int:
    return was if now < 0 else max(now, was - 1)
