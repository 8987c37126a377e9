"""Rows with cells that are null or of another type are no facts: their table is in doubt, and nothing is told by them."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import changed, quiet_snapshots, quiet_tables

from vedette.core import Cell, HostId, Label, Row, Snapshot, table_digest
from vedette.detect import YOUNG, Detector
from vedette.detect.usable import _COLUMNS, usable

States = dict[HostId, bytes | None]
ROWS: dict[str, Row] = {
    "authorized_keys": {
        "uid": 0,
        "algorithm": "ssh-rsa",
        "key": "a" * 64,
        "key_file": "/root/.ssh/x",
    },
    "crontab": {"minute": "1", "hour": "2", "command": "root\ttrue", "path": "/etc/crontab"},
    "deb_packages": {"name": "nginx", "version": "1.22"},
    "hash": {"path": "/etc/passwd", "sha256": "0" * 64},
    "kernel_modules": {"name": "ext4"},
    "listening_ports": {"pid": 310, "port": 22, "protocol": 6, "family": 2, "address": "0.0.0.0"},
    "logged_in_users": {"user": "ana", "host": "10.0.0.7", "tty": "pts/0"},
    "mounts": {"path": "/", "device": "/dev/vda1", "type": "ext4"},
    "process_open_sockets": {"pid": 310, "remote_address": "10.0.0.9", "remote_port": 5},
    "rpm_packages": {"name": "nginx", "version": "1.22"},
    "sudoers": {"source": "/etc/sudoers", "header": "%sudo", "rule_details": "ALL=ALL"},
    "suid_bin": {"path": "/usr/bin/su", "username": "root", "permissions": "S"},
    "systemd_units": {"id": "ssh.service", "fragment_path": "/lib/x", "unit_file_state": "enabled"},
    "users": {"username": "root", "uid": 0, "gid": 0, "shell": "/bin/bash", "directory": "/root"},
}
BROKEN: list[tuple[str, str, Cell]] = [
    ("authorized_keys", "key", None),
    ("authorized_keys", "uid", "x"),
    ("authorized_keys", "key_file", 7),
    ("crontab", "command", None),
    ("crontab", "minute", 1.5),
    ("deb_packages", "version", None),
    ("hash", "sha256", None),
    ("hash", "sha256", ""),
    ("hash", "path", True),
    ("kernel_modules", "name", None),
    ("listening_ports", "port", None),
    ("listening_ports", "pid", "x"),
    ("listening_ports", "address", 3),
    ("logged_in_users", "user", None),
    ("mounts", "type", None),
    ("process_open_sockets", "pid", "x"),
    ("process_open_sockets", "remote_address", 9),
    ("rpm_packages", "name", 5),
    ("sudoers", "rule_details", None),
    ("suid_bin", "permissions", None),
    ("systemd_units", "id", None),
    ("users", "uid", None),
    ("users", "username", None),
]


def later(tables: dict[str, list[Row]], count: int = 5) -> list[Snapshot]:
    return [changed(taken, tables=tables) for taken in quiet_snapshots(count, first=YOUNG + 6)]


@pytest.fixture(scope="module")
def settled(detector: Detector) -> States:
    """A host with a row in every table."""
    tables = {name: [row] for name, row in ROWS.items()}
    some = [changed(taken, tables=tables) for taken in quiet_snapshots(YOUNG + 5)]
    return play(detector, arrivals(some), batch=YOUNG + 5)[1]


@pytest.mark.no_cover
@pytest.mark.parametrize(("table", "column", "cell"), BROKEN)
def test_a_table_with_such_a_row_is_blindness_and_makes_no_alarm(
    detector: Detector, settled: States, table: str, column: str, cell: Cell
) -> None:
    tables = {name: [row] for name, row in ROWS.items()}
    broken = {**ROWS[table], column: cell}
    answers, states = play(detector, arrivals(later(tables | {table: [broken]})), states=settled)
    assert {answer.label for answer in answers} == {Label.UNKNOWN}
    assert subjects(answers[0]) == {f"table:{table}"}
    assert f"no fit value in {column}" in answers[0].reasons[0].text
    assert not [c for a in answers for c in a.facts if c.table == table]
    well = [changed(taken, tables=tables) for taken in quiet_snapshots(2, first=YOUNG + 11)]
    answers, _ = play(detector, arrivals(well), states=states)
    assert [answer.label for answer in answers] == [Label.NORMAL] * 2


@pytest.mark.parametrize("column", ["pid", "parent", "uid", "name"])
@pytest.mark.parametrize("cell", [None, 1.5, True])
def test_so_is_a_row_of_processes(
    detector: Detector, settled: States, column: str, cell: Any
) -> None:
    """Null as the user id beside a real effective one is no shell with another's rights."""
    tables = {name: [row] for name, row in ROWS.items()}
    rows = [{**row, column: cell} for row in quiet_tables()["processes"]]
    answers, _ = play(detector, arrivals(later(tables | {"processes": rows})), states=settled)
    assert {answer.label for answer in answers} == {Label.UNKNOWN}
    assert "table:processes" in subjects(answers[0])


def test_what_is_beside_a_broken_row_is_judged_all_the_same(
    detector: Detector, settled: States
) -> None:
    tables = {name: [row] for name, row in ROWS.items()}
    toor: Row = {"username": "toor", "uid": 0, "gid": 0, "shell": "/bin/sh", "directory": "/"}
    tables["users"] = [*tables["users"], {"username": None, "uid": 7}, toor]
    answers, _ = play(detector, arrivals(later(tables)), states=settled)
    assert {answer.label for answer in answers} == {Label.ABNORMAL}
    assert {"user:toor", "table:users"} <= subjects(answers[0])


def test_a_broken_table_that_is_sent_as_unchanged_stays_blindness(
    detector: Detector, settled: States
) -> None:
    tables = {name: [row] for name, row in ROWS.items()}
    first, second = later(tables | {"users": [ROWS["users"], {"x": 1}]}, 2)
    digest = table_digest(first.tables["users"])
    second = changed(second, without=("users",), same={"users": digest})
    answers, _ = play(detector, arrivals([first, second]), states=settled)
    assert [answer.label for answer in answers] == [Label.UNKNOWN] * 2
    assert answers[1].needed == ("users",)


def test_a_broken_row_in_the_first_snapshot_makes_no_alarm_when_it_is_mended(
    detector: Detector,
) -> None:
    some = list(quiet_snapshots(YOUNG + 3))
    users = [{**row, "uid": None} for row in some[0].tables["users"]]
    some[0] = changed(some[0], tables={"users": [users[0], some[0].tables["users"][1]]})
    answers, _ = play(detector, arrivals(some))
    assert "table:users" in subjects(answers[0])
    assert {answer.label for answer in answers[:YOUNG]} == {Label.UNKNOWN}
    assert answers[-1].label is Label.NORMAL


def test_numbers_as_text_can_be_used(detector: Detector, settled: States) -> None:
    tables = {name: [row] for name, row in ROWS.items()}
    tables["users"] = [{**ROWS["users"], "uid": "0", "gid": "0"}]
    answers, _ = play(detector, arrivals(later(tables)), states=settled)
    assert {answer.label for answer in answers} == {Label.NORMAL}


CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "-", "-1", "12", "12\n", "²", "٣", "1.0", "nan", "/bin/sh"]),
)


@pytest.mark.no_cover
@pytest.mark.parametrize("table", sorted(_COLUMNS))
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_table_is_told_in_one_go_as_cell_by_cell(table: str, data: st.DataObject) -> None:
    columns = _COLUMNS[table]
    fit = {name: cell for name, cell in ROWS.get(table, {}).items() if data.draw(st.booleans())}
    odd = st.dictionaries(st.sampled_from([one.name for one in columns] + ["further"]), CELLS)
    rows: list[Row] = [fit | row for row in data.draw(st.lists(odd, max_size=3))]
    good, why = usable(table, rows)
    wanted = [row for row in rows if all(one.holds(row.get(one.name)) for one in columns)]
    assert good == wanted
    assert bool(why) == (len(wanted) < len(rows))
