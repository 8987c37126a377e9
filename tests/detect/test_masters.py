"""Whom processes work for is found in one look at each, however deep they lie, and where hosts send circles."""

from collections import UserDict
from typing import TYPE_CHECKING

from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.detect.view import View
from vedette.detect.vitals.errands import errands
from vedette.detect.vitals.masters import Masters

if TYPE_CHECKING:
    from vedette.core import Row

_DEEP = 400


def _row(pid: int, parent: object, path: str, command: str) -> "Row":
    name = path.rsplit("/", 1)[-1]
    found = {
        "pid": pid,
        "parent": parent,
        "name": name,
        "path": path,
        "cmdline": command,
        "uid": 1_000,
    }
    return {**found, "cwd": "/", "start_time": 1_000, "on_disk": 1}  # type: ignore[dict-item]


def _deep() -> dict[str, "Row"]:
    """A session's make, which starts itself again and again."""
    sshd = "/usr/sbin/sshd"
    rows = {
        "10": _row(10, 1, sshd, "sshd: ana@pts/0"),
        "11": _row(11, 10, "/usr/bin/bash", "-bash"),
    }
    for pid in range(12, 12 + _DEEP):
        rows[str(pid)] = _row(pid, pid - 1, "/usr/bin/make", "make -C lib")
    return rows


class _Counted(UserDict[str, "Row"]):
    looks = 0

    def __getitem__(self, key: str) -> "Row":
        self.looks += 1
        return super().__getitem__(key)


def test_the_deepest_works_for_whom_the_uppermost_does() -> None:
    rows = _deep()
    first = next(iter(quiet_snapshots(1)))
    snapshot = changed(first, tables={"processes": list(rows.values())})
    view = View(snapshot=snapshot, count=1, seen=frozenset({"processes"}))
    assert errands(view).pids.keys() == rows.keys() - {"10"}


def test_each_process_is_looked_at_a_few_times_however_deep_it_lies() -> None:
    rows = _Counted(_deep())
    masters = Masters(rows)
    assert all(masters.of(pid).master == "10" for pid in rows)
    assert rows.looks <= 4 * len(rows)


def test_what_goes_round_in_a_circle_comes_to_an_end() -> None:
    make = "/usr/bin/make"
    rows = {
        "7": _row(7, 8, make, "make"),
        "8": _row(8, 7, make, "make"),
        "9": _row(9, 9, make, "make"),
    }
    rows["10"] = _row(10, None, make, "make")
    masters = Masters(rows)
    assert not any(masters.of(pid).served for pid in rows)
