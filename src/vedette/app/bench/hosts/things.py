"""What a snapshot shows, thing by thing, as those see it that stand in for the product: facts and shapes of processes."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from vedette.core import Row, Snapshot

__all__ = ["Thing", "things"]

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "listening_ports": ("protocol", "address", "port"),
    "users": ("username", "uid", "shell"),
    "authorized_keys": ("key_file", "key"),
    "sudoers": ("source", "header", "rule_details"),
    "crontab": ("path", "command", "minute", "hour"),
    "systemd_units": ("id", "fragment_path", "unit_file_state"),
    "kernel_modules": ("name",),
    "suid_bin": ("path", "username", "permissions"),
    "hash": ("path", "sha256"),
    "mounts": ("path", "type"),
    "deb_packages": ("name", "version"),
}
_LOOPBACK = frozenset({"", "127.0.0.1", "::1"})
_PEOPLE = 1_000  # user ids from here on are people's (login.defs)
_WORDS, _LETTERS = 8, 60


class Thing(NamedTuple):
    """A fact or the shape of a process: what it is called, and the row that shows it."""

    subject: str
    table: str
    row: Row
    parent: str = ""
    calls: bool = False

    def words(self) -> list[str]:
        """What a classifier is given: cells, words of commands and paths, and for a process who runs what from where."""
        return list(self._of_process() if self.table == "processes" else self._of_fact())

    def _of_fact(self) -> Iterator[str]:
        yield self.table
        for column in _COLUMNS[self.table]:
            value = _plain(self.row.get(column))
            yield f"{self.table}.{column}={value}"
            yield from (f"{self.table} {word}" for word in re.split(r"[\s/]+", value)[:20] if word)

    def _of_process(self) -> Iterator[str]:
        row, path = self.row, _plain(self.row.get("path"))
        place, user = "/".join(path.split("/")[:2]), f"by {_kind(row.get('uid'))}"
        calls = "calls out" if self.calls else "calls nobody"
        yield from (self.table, f"path {path}", f"in {place}", user, calls, f"{user} {calls}")
        yield from (f"in {'/'.join(path.split('/')[:3])}", f"{user} in {place}")
        yield from (f"on disk {row.get('on_disk')}", f"under {self.parent}")
        yield f"called {_plain(row.get('name'))}"
        yield from (f"word {word}" for word in _plain(row.get("cmdline"), 4_000).split()[:_WORDS])


def things(snapshot: Snapshot) -> Iterator[Thing]:
    """Every fact, then every process."""
    for table, columns in _COLUMNS.items():
        for row in snapshot.tables.get(table, ()):
            called = " ".join(str(row.get(column, "")) for column in columns)
            yield Thing(f"{table}:{called}", table, row)
    rows = snapshot.tables.get("processes", ())
    names = {row.get("pid"): str(row.get("name")) for row in rows}
    calling = {
        row.get("pid")
        for row in snapshot.tables.get("process_open_sockets", ())
        if row.get("remote_address") not in _LOOPBACK
    }
    for row in rows:
        parent = names.get(row.get("parent"), "")
        yield Thing(_shape(row), "processes", row, parent, row.get("pid") in calling)


def _shape(row: Row) -> str:
    words = str(row.get("cmdline") or "").split()[:3]
    command = re.sub(r"\d+", "N", " ".join(words))
    return f"process:{row.get('name')} {row.get('path')} {command} uid {row.get('uid')} on_disk {row.get('on_disk')}"


def _plain(value: Any, letters: int = _LETTERS) -> str:
    """Numbers say which one it is, and not of what kind, so they are all one."""
    return re.sub(r"\d+", "0", str("" if value is None else value)[:letters])


def _kind(uid: Any) -> str:
    if not isinstance(uid, int):
        return "nobody known"
    return "root" if uid == 0 else "the system" if uid < _PEOPLE else "people"
