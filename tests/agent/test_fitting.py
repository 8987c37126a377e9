"""Whatever a host has, what the agent takes of it is a snapshot that the server takes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent.tree import Tree

from vedette.agent import Collector
from vedette.agent.collect.fitting import fitting
from vedette.agent.collect.sweep import _share
from vedette.core import HostId, ManualClock, Snapshot, decode_snapshot, encode_snapshot


def look(tree: Tree) -> Snapshot:
    """A snapshot, decoded as the server does, in both its forms."""
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    for content_type in ("application/json", "application/msgpack"):
        assert decode_snapshot(encode_snapshot(taken, content_type), content_type) == taken
    return taken


def test_a_line_of_twenty_megabytes_is_cut_and_the_rest_is_seen(tree: Tree) -> None:
    tree.write("/etc/crontab", "* * * * * root echo 1\n* * * * * root echo " + "x" * 20_000_000)
    taken = look(tree)
    commands = [str(row["command"]) for row in taken.tables["crontab"]]
    assert sorted(map(len, commands)) == [11, 4097]
    assert taken.unread["crontab"].startswith("cut: 1 values")
    assert len(taken.tables["processes"]) == 1


def test_ten_thousand_long_lines_leave_some_of_them_and_every_other_table(tree: Tree) -> None:
    line = "* * * * * root echo " + "x" * 3_000 + "\n"
    tree.write("/etc/crontab", line * 9_000)
    taken = look(tree)
    assert taken.unread["crontab"] == "cut: 2250 of 9000 rows kept"
    assert len(taken.tables["crontab"]) == 2250
    assert set(taken.unread) == {"crontab"}


def test_what_was_cut_once_can_be_cut_again_and_is_told_once(tree: Tree) -> None:
    tree.write("/etc/crontab", "* * * * * root echo " + "x" * 20_000_000)
    taken = look(tree)
    again = fitting(taken, 1_000)
    assert again.unread["crontab"] == f"cut: 0 of 1 rows kept; {taken.unread['crontab'][5:]}"
    assert "crontab" not in again.tables


@pytest.mark.parametrize(
    ("count", "letters"),
    [(1, 4096), (2048, 4096), (2049, 2048), (5000, 1024), (20_000, 256), (10**6, 256)],
)
def test_command_lines_share_eight_megabytes(count: int, letters: int) -> None:
    assert _share(4096, count) == letters


def test_names_beyond_their_bounds_are_cut(tree: Tree) -> None:
    tree.write("/etc/os-release", f'NAME="{"n" * 3000}"\nVERSION_ID="{"7" * 3000}"\n')
    tree.write("/proc/sys/kernel/hostname", "h" * 300)
    taken = look(tree)
    assert (len(taken.host.os.name), len(taken.host.hostname)) == (256, 255)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    passwd=st.binary(max_size=300),
    crontab=st.binary(max_size=300),
    status=st.binary(max_size=300),
    release=st.binary(max_size=200),
    comm=st.binary(max_size=15),
    cmdline=st.binary(max_size=200),
)
def test_any_bytes_in_files_make_a_snapshot_that_is_taken(
    tree: Tree,
    passwd: bytes,
    crontab: bytes,
    status: bytes,
    release: bytes,
    comm: bytes,
    cmdline: bytes,
) -> None:
    tree.write("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n" + passwd)
    tree.write("/etc/crontab", b"* * * * * root true\n" + crontab)
    tree.write("/var/lib/dpkg/status", b"Package: a\nStatus: install ok installed\n" + status)
    tree.write("/etc/os-release", release)
    tree.write("/proc/1/cmdline", cmdline)
    stat = tree.path("/proc/1/stat").read_bytes()
    after = stat[stat.rindex(b")") :]
    tree.write("/proc/1/stat", b"1 (" + comm + after)
    look(tree)
