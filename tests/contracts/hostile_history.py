"""Histories that an expert must stand: what hosts may send that mean it ill, or are broken."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.fixtures.quiet_host import changed, process, quiet_snapshots, quiet_tables

from vedette.core import Row, Snapshot

__all__ = ["flooded", "odd_cells", "with_strangers"]

_ODD: tuple[Any, ...] = (
    None,
    7,
    1.5,
    -0.0,
    1e308,
    True,
    "",
    "x",
    -1,
    2**63 - 1,
    -(2**63),
    "\x00\n",
)


def odd_cells(snapshot: Snapshot, random: Random) -> Snapshot:
    """Every table's cells of any type, at random; some missing."""
    tables: dict[str, list[Row]] = {}
    for name, rows in snapshot.tables.items():
        spoiled: list[Row] = [
            {
                column: random.choice([cell, random.choice(_ODD)])
                for column, cell in row.items()
                if random.random() < 0.8
            }
            for row in rows
        ]
        tables[name] = [*spoiled, {}]
    metrics = {
        name: random.choice([value, 1e300, -1e300, 0.0]) for name, value in snapshot.metrics.items()
    }
    return changed(snapshot, tables=tables, metrics=metrics)


def with_strangers(snapshot: Snapshot) -> Snapshot:
    """Tables and columns that nobody knows, with something new in each snapshot."""
    tables: dict[str, list[Row]] = {
        name: [row | {"no_such_column": snapshot.seq, "other": None} for row in rows]
        for name, rows in snapshot.tables.items()
        if name != "process_open_sockets"
    }
    tables["no_such_table"] = [{"path": f"/tmp/.x/{snapshot.seq}", "uid": 0}]
    return changed(snapshot, tables=tables)


def flooded(count: int, rows: int) -> Iterator[Snapshot]:
    """Snapshots in each of which all is new: so many processes, sockets, ports, accounts, files and metrics, with long names."""
    for snapshot in quiet_snapshots(count):
        first = snapshot.seq * rows
        many = range(first, first + rows)
        tables = quiet_tables()
        tables["processes"] += [
            process(
                10 + n, 1, _name(n), f"/opt/{_name(n)}/{_name(n)}", f"{_name(n)} -c {'y' * 2_000}"
            )
            for n in many
        ]
        tables["process_open_sockets"] = [
            {
                "pid": 10 + n,
                "local_port": 40_000,
                "remote_address": f"198.51.{n % 250}.{n // 250 % 250}",
                "remote_port": 1_024 + n % 60_000,
                "state": "ESTABLISHED",
            }
            for n in many
        ]
        tables["listening_ports"] += [
            {"pid": 10 + n, "port": 1 + n % 60_000, "protocol": 6, "family": 2, "address": "::"}
            for n in many
        ]
        tables["users"] += [
            {"username": _name(n), "uid": 1_000 + n, "shell": "/bin/sh", "directory": "/"}
            for n in many
        ]
        tables["hash"] += [{"path": f"/etc/{_name(n)}", "sha256": f"{n:064x}"} for n in many]
        tables["deb_packages"] += [{"name": _name(n), "version": str(n)} for n in many]
        metrics = {f"system.{_name(n)}": float(n) for n in many}
        yield changed(snapshot, tables=tables, metrics=metrics)


def _name(number: int) -> str:
    # Letters alone: names that differ in digits are one program.
    return "".join(chr(97 + int(digit)) for digit in str(number)) + "z" * 300
