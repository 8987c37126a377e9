"""Programs that run as their owner are found wherever they are, within bounds."""

import os

from tests.agent.tree import Tree

from vedette.agent.collect.suid_bin import SuidBin
from vedette.core import ManualClock


def _suid(tree: Tree, clock: ManualClock, **bounds: int) -> SuidBin:
    limits = {"fast_entries": 100, "slow_entries": 1000} | bounds
    return SuidBin(tree.source, clock, slow_seconds=600.0, **limits)


def test_marked_programs_are_found_wherever_they_hide(tree: Tree) -> None:
    tree.write("/usr/bin/su", "", 0o4755)
    tree.write("/usr/bin/plain", "", 0o755)
    tree.write("/home/ana/x", "", 0o2755)
    tree.write("/dev/shm/.d/\udcff", "", 0o6755)
    tree.link("/bin", "usr/bin")
    tree.link("/tmp/link", "/")
    owner = {0: "root"}.get(os.getuid(), str(os.getuid()))
    table = _suid(tree, ManualClock()).collect()
    assert [(row["path"], row["permissions"]) for row in table.rows] == [
        ("/dev/shm/.d/\\xff", "SG"),
        ("/home/ana/x", "G"),
        ("/usr/bin/su", "S"),
    ]
    assert {row["username"] for row in table.rows} == {owner}


def test_a_dropped_program_shows_at_once_and_a_removed_one_is_gone_at_once(tree: Tree) -> None:
    clock = ManualClock()
    tree.write("/usr/bin/su", "", 0o4755)
    suid = _suid(tree, clock)
    suid.collect()
    tree.write("/tmp/.x/sh", "", 0o4755)
    tree.write("/usr/bin/new", "", 0o4755)
    clock.advance(60)
    paths = [row["path"] for row in suid.collect().rows]
    assert paths == ["/tmp/.x/sh", "/usr/bin/su"]
    clock.advance(600)
    tree.path("/tmp/.x/sh").chmod(0o755)
    assert [row["path"] for row in suid.collect().rows] == ["/usr/bin/new", "/usr/bin/su"]


def test_a_deep_flood_of_files_neither_hides_nor_loses_what_the_thorough_walk_found(
    tree: Tree,
) -> None:
    clock = ManualClock()
    for number in range(30):
        tree.write(f"/tmp/flood/{number}", "")
    tree.write("/tmp/flood/deep/er/sh", "", 0o4755)
    suid = _suid(tree, clock, fast_entries=5)
    for _ in range(3):
        assert [row["path"] for row in suid.collect().rows] == ["/tmp/flood/deep/er/sh"]
        clock.advance(60)


def test_a_walk_that_hits_its_bound_says_so(tree: Tree) -> None:
    for number in range(30):
        tree.write(f"/usr/bin/a{number}", "")
    tree.write("/usr/lib/x/y", "")
    assert "more than 10 files" in _suid(tree, ManualClock(), slow_entries=10).collect().partly


def test_the_walk_stays_out_of_network_file_systems(tree: Tree) -> None:
    device = tree.root.stat().st_dev
    tree.write("/usr/bin/su", "", 0o4755)
    tree.write(
        "/proc/1/mountinfo",
        f"22 1 {os.major(device)}:{os.minor(device)} / / rw shared:1 - nfs4 srv:/x rw\n",
    )
    assert _suid(tree, ManualClock()).collect().rows == []
