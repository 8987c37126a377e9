"""Who bears a name is looked through once, however many programs lie aside; and whom nobody can reach is asked of ports that were seen."""

from collections import UserDict
from typing import TYPE_CHECKING

import pytest
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.detect.behaviour.bearers import Bearers
from vedette.detect.inventory.atwork import managing_run
from vedette.detect.signature import deed
from vedette.detect.view import View

if TYPE_CHECKING:
    from collections.abc import ItemsView

    from vedette.core import Row


def test_programs_and_scripts_of_the_system_bear_their_names() -> None:
    rows: dict[str, Row] = {
        "1": {"path": "/usr/sbin/nginx", "cmdline": "nginx: worker process"},
        "2": {"path": "/usr/bin/dash", "cmdline": "/bin/sh /usr/bin/tool"},
        "3": {"path": "/opt/x/nginx", "cmdline": "/opt/x/nginx /opt/x/tool"},
        "4": {"path": None, "cmdline": 7},
        "5": {},
    }
    bearers = Bearers(rows)
    assert bearers.of("nginx") == {"1"}
    assert bearers.of("tool") == {"2"}
    assert bearers.of("dash") == {"2"}
    assert not bearers.of("x")


class _Counted(UserDict[str, "Row"]):
    looks = 0

    def items(self) -> "ItemsView[str, Row]":
        self.looks += 1
        return super().items()


def test_thousands_of_names_are_asked_for_in_one_look_at_the_rows() -> None:
    rows = _Counted({str(n): {"path": f"/usr/bin/p{n}", "cmdline": f"p{n}"} for n in range(500)})
    bearers = Bearers(rows)
    assert all(bearers.of(f"p{n}") for n in range(500))
    assert rows.looks == 1


def test_a_command_of_blanks_is_read_as_one_without() -> None:
    assert not deed("sh -c " + "\t" * 3_900 + "x")
    assert deed("sh -c  ( id; uname -a )") == deed(" id;") == "recon"


@pytest.mark.parametrize(("seen", "manages"), [(True, True), (False, False)])
def test_a_nameless_daemon_manages_only_where_the_ports_were_seen(
    *, seen: bool, manages: bool
) -> None:
    first = next(iter(quiet_snapshots(1)))
    now = int(first.taken_at.timestamp())
    daemon: Row = {
        "pid": 4_000, "parent": 1, "name": "agent", "path": "/opt/cm/agent", "cmdline": "/opt/cm/agent",
        "uid": 0, "start_time": now - 20_000, "on_disk": 1,
    }  # fmt: skip
    step: Row = {
        "pid": 4_001, "parent": 4_000, "name": "install", "path": "/usr/bin/install",
        "cmdline": "install -m 600 /var/lib/cm/a /etc/a", "uid": 0, "start_time": now - 5, "on_disk": 1,
    }  # fmt: skip
    snapshot = changed(first, tables={"processes": [daemon, step], "listening_ports": []})
    tables = {"processes", "listening_ports"} if seen else {"processes"}
    assert managing_run(View(snapshot=snapshot, count=1, seen=frozenset(tables))) is manages
