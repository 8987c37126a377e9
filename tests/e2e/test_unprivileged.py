"""The agent as a user without privileges: it works, says what it could not read, and never guesses."""

import json
import re
from importlib.resources import files
from typing import Any

from tests.fixtures.looks import NOBODY, Look
from tests.fixtures.machine import Machine

Rows = list[dict[str, Any]]
# What a row says where the kernel does not let nobody see.
_NOT_TOLD = {"pid": -1, "path": "", "cwd": "", "on_disk": -1}
_OPEN_TO_ALL = {
    "deb_packages", "kernel_modules", "logged_in_users", "mounts", "osquery_info", "processes",
    "systemd_units", "users",
}  # fmt: skip
_CLOSED = {
    "authorized_keys", "crontab", "hash", "listening_ports", "process_open_sockets", "sudoers",
    "suid_bin",
}  # fmt: skip


def _own(row: dict[str, Any]) -> bool:
    return " agent snapshot " in str(row.get("cmdline", ""))


def _still(rows: Rows) -> Rows:
    """Without the agent itself, and without what the kernel may take back from a process that sleeps."""
    return [
        {column: value for column, value in row.items() if column != "resident_size"}
        for row in rows
        if not _own(row)
    ]


def test_every_table_is_there_or_named_with_the_reason(nobody_look: Look, machine: Machine) -> None:
    # Without people's crontabs that one would not be closed.
    machine.run("crontab", "-l", "-u", "valma")
    assert set(nobody_look.unread) == _CLOSED
    assert set(nobody_look.tables) | set(nobody_look.unread) == _OPEN_TO_ALL | _CLOSED
    for name, why in nobody_look.unread.items():
        assert f"not read in full: {name}: {why}" in nobody_look.stderr
        assert re.search(r"Permission denied|can't be told", why), why


def test_what_is_not_named_is_whole(nobody_look: Look, root_look: Look) -> None:
    for name in _OPEN_TO_ALL - {"processes"}:
        assert nobody_look.tables[name] == root_look.tables[name]


def test_no_row_says_what_root_does_not_see(nobody_look: Look, root_look: Look) -> None:
    for name in _CLOSED & set(nobody_look.tables):
        for row in nobody_look.tables[name]:
            known = {key: value for key, value in row.items() if value != _NOT_TOLD.get(key)}
            assert any(known.items() <= other.items() for other in root_look.tables[name]), row


def test_all_processes_are_seen_and_what_is_not_told_of_them_is_left_empty(
    nobody_look: Look, root_look: Look
) -> None:
    theirs = {row["pid"]: row for row in root_look.tables["processes"] if not _own(row)}
    ours = {row["pid"]: row for row in nobody_look.tables["processes"] if not _own(row)}
    assert set(ours) == set(theirs)
    for pid, row in ours.items():
        for column, value in row.items():
            hidden = _NOT_TOLD.get(column) if column != "pid" else None
            assert value in {theirs[pid][column], hidden}, (column, row)
    assert {row["on_disk"] for row in ours.values()} == {-1}


def test_sockets_are_seen_without_their_owners(nobody_look: Look, root_look: Look) -> None:
    for name in ("listening_ports", "process_open_sockets"):
        assert len(nobody_look.tables[name]) == len(root_look.tables[name])
        assert {row["pid"] for row in nobody_look.tables[name]} == {-1}


def test_files_are_missing_exactly_where_nobody_may_not_read_them(
    nobody_look: Look, root_look: Look, machine: Machine
) -> None:
    ours = {row["path"] for row in nobody_look.tables["hash"]}
    readable = set()
    for path in (row["path"] for row in root_look.tables["hash"]):
        if machine.finished(*NOBODY, "test", "-r", path, check=False).returncode == 0:
            readable.add(path)
    assert ours == readable
    assert "/etc/shadow" not in ours
    # Not one rule could be read, nor one key: no empty table stands for that.
    assert "sudoers" not in nobody_look.tables
    assert "authorized_keys" not in nobody_look.tables
    assert {row["path"] for row in nobody_look.tables["crontab"]} == {
        row["path"] for row in root_look.tables["crontab"] if row["path"].startswith("/etc/")
    }


def test_metrics_need_no_privilege(nobody_look: Look, root_look: Look) -> None:
    assert set(nobody_look.metrics) == set(root_look.metrics)


def test_the_capabilities_of_the_systemd_unit_are_enough_for_everything(
    machine: Machine, root_look: Look
) -> None:
    unit = (files("vedette.agent") / "vedette-agent.service").read_text()
    granted = re.search(r"^CapabilityBoundingSet=(.+)$", unit, re.MULTILINE)
    assert granted
    bounds = ",".join(["-all", *(f"+{name[4:].lower()}" for name in granted[1].split())])
    look = Look(machine, "setpriv", "--bounding-set", bounds, "--no-new-privs")
    assert look.unread == {}
    for name, rows in look.tables.items():
        assert _still(rows) == _still(root_look.tables[name])


def test_a_proc_that_hides_processes_is_named(machine: Machine) -> None:
    machine.run("mount", "-o", "remount,hidepid=2", "/proc")
    try:
        quick = ("env", "VEDETTE_AGENT_SUID_SLOW_ENTRIES=1")
        found = json.loads(machine.snapshot(*NOBODY, *quick).stdout)
    finally:
        machine.run("mount", "-o", "remount,hidepid=0", "/proc")
    assert all(_own(row) for row in found["tables"]["processes"])
    assert "hidepid" in found["unread"]["processes"]
