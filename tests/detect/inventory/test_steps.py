"""What counts as a step of a nameless daemon of root's that manages the machine, and what only looks."""

from typing import TYPE_CHECKING

import pytest
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.detect.inventory.atwork import managing_run
from vedette.detect.view import View

if TYPE_CHECKING:
    from vedette.core import Row


def _manages(command: str, path: str) -> bool:
    first = next(iter(quiet_snapshots(1)))
    now = int(first.taken_at.timestamp())
    daemon: Row = {
        "pid": 4_000, "parent": 1, "name": "agent", "path": "/opt/cm/agent", "cmdline": "/opt/cm/agent",
        "uid": 0, "start_time": now - 20_000, "on_disk": 1,
    }  # fmt: skip
    step: Row = {
        "pid": 4_001, "parent": 4_000, "name": path.rsplit("/", 1)[-1], "path": path,
        "cmdline": command, "uid": 0, "start_time": now - 5, "on_disk": 1,
    }  # fmt: skip
    snapshot = changed(first, tables={"processes": [daemon, step], "listening_ports": []})
    seen = frozenset({"processes", "listening_ports"})
    return managing_run(View(snapshot=snapshot, count=1, seen=seen))


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/bin/ps", "ps aux"),
        ("/usr/bin/ss", "ss -tlnp"),
        ("/usr/bin/dash", "sh -c df -k 2>/dev/null | tail -n 1"),
        ("/usr/bin/bash", "/bin/bash -c '/usr/bin/lsblk -J' 2>&1"),
    ],
)
def test_who_looks_around_changes_nothing(path: str, command: str) -> None:
    assert not _manages(command, path)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/bin/install", "install -m 600 /var/lib/cm/a /etc/a"),
        ("/usr/bin/dash", "sh -c cat /var/lib/cm/a > /etc/a"),
        ("/usr/bin/dash", "sh -c id && install -m 600 /var/lib/cm/a /etc/a"),
        ("/opt/cm/python", "/opt/cm/python /opt/cm/module.py"),
    ],
)
def test_who_may_change_something_does(path: str, command: str) -> None:
    assert _manages(command, path)
