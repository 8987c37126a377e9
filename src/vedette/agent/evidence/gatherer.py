"""Collects what is asked for into one archive. Nothing that can't be had ends it: everything left out is named with why."""

import stat
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from vedette.agent.collect.collector import Collector
from vedette.agent.collect.source import Source, text
from vedette.agent.evidence.archive import Archive, Packed
from vedette.agent.evidence.budget import Budget
from vedette.agent.evidence.gate import Gate
from vedette.agent.evidence.processes import Processes
from vedette.agent.evidence.reading import LeftOut, Part, part_of
from vedette.agent.evidence.request import Bounds, Request
from vedette.agent.permission import Permission
from vedette.core import Clock, Row

__all__ = ["Gatherer", "Tables"]


class Tables(Protocol):
    """Where tables come from; a `Collector` fits."""

    @property
    def names(self) -> frozenset[str]:
        """Those that there are."""

    def only(self, names: frozenset[str], /) -> tuple[dict[str, list[Row]], dict[str, str]]:
        """These as they are now, and what of them is missing or not whole, and why."""


class Gatherer:
    """For one thread. What hangs is left in a thread of its own, as with tables."""

    def __init__(
        self, source: Source, permission: Permission, clock: Clock, tables: Tables | None = None
    ) -> None:
        self._source = source
        self._permission = permission
        self._clock = clock
        self._tables: Tables = tables or Collector(source, clock)

    def gather(self, request: Request, about: dict[str, Any]) -> Packed:
        """The archive; `about` is more for its manifest, which says whose it is. The most volatile comes first."""
        bounds = Bounds.of(request, self._permission.evidence)
        budget, archive = Budget(bounds, self._clock), Archive()
        began = self._clock.now()
        for why in request.unresolved:
            archive.leave_out("what the incident's reasons name", why)
        gate = Gate(self._source, self._permission)
        processes = Processes(self._source, self._permission, self._clock, budget, archive, gate)
        for one in request.processes:
            processes.add(one, request)
        self._add_tables(request, budget, archive)
        for path in dict.fromkeys(request.logs):
            self._add_file(path, "logs", budget, archive, gate)
        for path in dict.fromkeys(request.files):
            self._add_file(path, "files", budget, archive, gate)
        return archive.packed(
            {
                **about,
                "began_at": began,
                "ended_at": self._clock.now(),
                "bounds": msgspec.to_builtins(bounds),
                "asked": msgspec.to_builtins(request),
            }
        )

    def _add_tables(self, request: Request, budget: Budget, archive: Archive) -> None:
        names = frozenset(request.tables) & self._tables.names
        for name in sorted(frozenset(request.tables) - names):
            archive.leave_out(f"table {name}", "this agent has no such table")
        if not names:
            return
        try:
            budget.room()
            rows, unread = self._tables.only(names)
        except LeftOut as error:
            for name in sorted(names):
                archive.leave_out(f"table {name}", error.detail)
            return
        for name in sorted(names):
            if name not in rows:
                archive.leave_out(f"table {name}", unread.get(name, "it was not seen"))
                continue
            self._add_table(name, rows[name], unread.get(name, ""), budget, archive)

    def _add_table(
        self, name: str, rows: list[Row], note: str, budget: Budget, archive: Archive
    ) -> None:
        """One row a line, as many rows as there is room for."""
        try:
            most = budget.room()
        except LeftOut as error:
            archive.leave_out(f"table {name}", error.detail)
            return
        lines: list[bytes] = []
        size = 0
        for row in rows:
            line = msgspec.json.encode(row) + b"\n"
            if size + len(line) > most:
                cut = f"the first {len(lines)} of {len(rows)} rows"
                note = f"{note}; {cut}" if note else cut
                break
            lines.append(line)
            size += len(line)
        budget.take(size)
        now = self._clock.now()
        archive.add(f"tables/{name}.jsonl", f"table {name}", b"".join(lines), now, note=note)

    def _add_file(
        self, path: str, folder: str, budget: Budget, archive: Archive, gate: Gate
    ) -> None:
        shown = text(path)
        try:
            part = self._part(path, budget, gate, tail=folder == "logs")
        except LeftOut as error:
            archive.leave_out(shown, error.detail)
            return
        budget.take(len(part.data), file=True)
        archive.add(
            f"{folder}/{shown.lstrip('/')}",
            shown,
            part.data,
            self._clock.now(),
            whole=part.about.st_size,
            modified=_moment(part.about.st_mtime),
            mode=stat.filemode(part.about.st_mode),
            owner=f"{part.about.st_uid}:{part.about.st_gid}",
            note=part.note,
        )

    def _part(self, path: str, budget: Budget, gate: Gate, *, tail: bool) -> Part:
        """The file's part. Raises LeftOut."""
        gate.path(path)

        def read() -> Part:
            return part_of(
                path, self._source, most, tail=tail, passes=gate.passes, late=lambda: budget.late
            )

        most = budget.room(file=True)
        part = budget.timed(path, read)
        gate.content(part.head)
        gate.content(part.data)
        return part


def _moment(seconds: float) -> datetime | None:
    """None for one outside of all time, which a file may well claim."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
