"""Processes, ports and connections against a made /proc."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.tree import Tree

from vedette.agent.collect import listening_ports, process_open_sockets, processes
from vedette.agent.collect.sockets import Sockets
from vedette.agent.collect.source import Unreadable, text
from vedette.agent.collect.sweep import Sweep, steady_boot_time
from vedette.core import Row


def _sweep(tree: Tree, cmdline_limit: int = 4096) -> Sweep:
    return Sweep(tree.source, boot_time=1_700_000_000.0, cmdline_limit=cmdline_limit)


def _of(tree: Tree, pid: int) -> Row:
    return next(row for row in _sweep(tree).rows if row["pid"] == pid)


def test_every_column_of_a_process(tree: Tree) -> None:
    tree.process(
        42,
        comm="we ird) name",
        exe="/opt/x",
        cmdline=b"x\0--a b\0\0",
        uid=1000,
        euid=0,
        parent=1,
        ticks=(150, 7),
        start=500,
        state="R",
    )
    assert _of(tree, 42) == {
        "pid": 42,
        "parent": 1,
        "name": "we ird) name",
        "path": "/opt/x",
        "cmdline": "x --a b",
        "cwd": "/",
        "uid": 1000,
        "gid": 1000,
        "euid": 0,
        "state": "R",
        "start_time": 1_700_000_005,
        "resident_size": 100 * 1024,
        "total_size": 4096000,
        "user_time": 1500,
        "system_time": 70,
        "threads": 2,
        "on_disk": 1,
    }


def test_a_deleted_program_and_one_that_cannot_be_read(tree: Tree) -> None:
    tree.process(7, exe="/tmp/.x/miner (deleted)")
    tree.process(8, exe=None, cmdline=b"")
    assert (_of(tree, 7)["path"], _of(tree, 7)["on_disk"]) == ("/tmp/.x/miner", 0)
    assert (_of(tree, 8)["path"], _of(tree, 8)["on_disk"]) == ("", -1)


def test_names_that_are_not_utf_8_and_endless_command_lines(tree: Tree) -> None:
    tree.process(9, comm=b"caf\xe9", cmdline=b"\xff" + b"a" * 10_000)
    row = _of(tree, 9)
    assert row["name"] == "caf\\xe9"
    cmdline = row["cmdline"]
    assert isinstance(cmdline, str)
    assert cmdline.startswith("\\xffaaa")
    assert cmdline.endswith("a…")


def test_a_process_that_ends_while_being_read_is_left_out(tree: Tree) -> None:
    tree.mkdir("/proc/77")
    assert [row["pid"] for row in _sweep(tree).rows] == [1]


def test_hidden_processes_are_named(tree: Tree) -> None:
    assert processes.collect(_sweep(tree)).partly == ""
    tree.process(30)
    tree.path("/proc/1").rename(tree.path("/proc/gone"))
    assert "hidepid" in processes.collect(_sweep(tree)).partly


def test_an_empty_proc_is_unreadable_and_not_a_host_without_processes(tree: Tree) -> None:
    tree.path("/proc/1").rename(tree.path("/proc/gone"))
    with pytest.raises(Unreadable, match="mounted"):
        _sweep(tree)


def test_start_times_do_not_tremble_with_the_kernels_boot_time() -> None:
    assert steady_boot_time(None, 100.0) == 100.0
    assert steady_boot_time(100.0, 101.0) == 100.0
    assert steady_boot_time(100.0, 3700.0) == 3700.0


def test_ports_and_connections_with_their_owners(tree: Tree) -> None:
    tree.process(50, sockets=(11, 12))
    tree.process(51, sockets=(12,))
    tree.tcp(
        "0100007F:1F90 00000000:0000 0A 11",
        "0B014D0A:0050 0A094D0A:8456 01 12",
        "0B014D0A:0050 0A094D0A:8457 06 0",
        "0B014D0A:0050 0A094D0A:8458 02 99",
    )
    tree.tcp("00000000000000000000000000000000:0016 " + "0" * 32 + ":0000 0A 13", name="tcp6")
    tree.tcp("00000000:0044 00000000:0000 07 14", "0100007F:C000 0100007F:0035 01 15", name="udp")
    sweep, sockets = _sweep(tree), Sockets(tree.source)
    ports = listening_ports.collect(sockets, sweep)
    assert ports.rows == [
        {"pid": 50, "port": 8080, "protocol": 6, "family": 2, "address": "127.0.0.1"},
        {"pid": -1, "port": 68, "protocol": 17, "family": 2, "address": "0.0.0.0"},
        {"pid": -1, "port": 22, "protocol": 6, "family": 10, "address": "::"},
    ]
    opened = process_open_sockets.collect(sockets, sweep).rows
    assert opened[0] == {
        "pid": 50,
        "family": 2,
        "protocol": 6,
        "local_address": "10.77.1.11",
        "local_port": 80,
        "remote_address": "10.77.9.10",
        "remote_port": 33878,
        "state": "ESTABLISHED",
    }
    assert [(row["pid"], row["protocol"], row["state"]) for row in opened] == [
        (50, 6, "ESTABLISHED"),
        (-1, 6, "SYN_SENT"),
        (-1, 17, ""),
    ]
    assert sockets.states == {"LISTEN": 2, "ESTABLISHED": 1, "TIME_WAIT": 1, "SYN_SENT": 1}
    assert ports.partly == ""


def test_owners_that_may_not_be_seen_leave_the_tables_partly_read(tree: Tree) -> None:
    tree.tcp("0100007F:1F90 00000000:0000 0A 11")
    sweep = _sweep(tree)
    sweep.denied = 3
    sockets = Sockets(tree.source)
    for table in (
        listening_ports.collect(sockets, sweep),
        process_open_sockets.collect(sockets, sweep),
    ):
        assert table.partly == "the sockets of 3 processes can't be told"


@given(st.binary(max_size=200))
def test_any_bytes_become_text_that_can_be_encoded(raw: bytes) -> None:
    text(raw).encode("utf-8")


@given(st.lists(st.text(alphabet="0123456789ABCDEFabcdef: ", max_size=60), max_size=6))
def test_a_strange_socket_table_raises_value_error_at_worst(lines: list[str]) -> None:
    class _Fixed:
        @staticmethod
        def read_if_there(path: str) -> bytes | None:
            return ("head\n" + "\n".join(lines)).encode() if path.endswith("/tcp") else None

    try:
        Sockets(_Fixed())  # type: ignore[arg-type] # only this method is used
    except (ValueError, OSError):
        return
