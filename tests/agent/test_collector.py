"""One look: nothing is guessed, no failure spreads, all bounds hold."""

from tests.agent.tree import Tree

from vedette.agent import Collector, Limits
from vedette.core import HostId, ManualClock, decode_snapshot, encode_snapshot

TABLES = frozenset({
    "processes", "listening_ports", "process_open_sockets", "users", "logged_in_users",
    "authorized_keys", "sudoers", "crontab", "systemd_units", "kernel_modules", "suid_bin", "hash",
    "mounts", "deb_packages", "osquery_info",
})  # fmt: skip


def test_a_whole_host_is_read_in_full_and_described(tree: Tree) -> None:
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 5, {"role": "web"})
    assert frozenset(taken.tables) == TABLES
    assert taken.unread == {}
    assert taken.seq == 5
    assert taken.host.hostname == "made-1"
    assert (taken.host.os.name, taken.host.os.version) == ("Made Linux", "7")
    assert taken.host.boot_time == 1_700_000_000.0
    assert taken.host.cohort == "web"


def test_what_can_not_be_read_is_left_out_and_named_with_its_reason(tree: Tree) -> None:
    tree.path("/etc/passwd").unlink()
    tree.path("/proc/loadavg").unlink()
    tree.write("/proc/meminfo", "garbage")
    tree.write("/proc/net/tcp", "head\n 0: 0:0 0:0 0A 0 0 0 0 0 7\n 1: XYZ:1 0:0 0A 0 0 0 0 0 7\n")
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    assert frozenset(taken.tables) == TABLES - {
        "users", "authorized_keys", "suid_bin", "listening_ports", "process_open_sockets",
    }  # fmt: skip
    assert "passwd" in taken.unread["users"]
    assert "loadavg" in taken.unread["system.load"]
    assert "KeyError" in taken.unread["system.memory"]
    assert "collector failed" in taken.unread["listening_ports"]
    assert "system.uptime" not in taken.metrics
    assert "system.network.connections.listen" not in taken.metrics
    assert taken.metrics["system.processes.count"] == 1.0


def test_a_proc_without_processes_blinds_three_tables_only(tree: Tree) -> None:
    tree.path("/proc/1/stat").unlink()
    tree.path("/proc/1").rename(tree.path("/proc/one"))
    tree.write("/proc/self/mounts", "")
    tree.write("/proc/self/mountinfo", "")
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    assert set(taken.unread) == {"processes", "listening_ports", "process_open_sockets"}
    assert "system.processes.count" not in taken.metrics


def test_rows_over_a_bound_are_cut_and_the_cut_is_named(tree: Tree) -> None:
    tree.tcp(*(f"0100007F:{1000 + n:04X} 0100007F:0050 01 {100 + n}" for n in range(9)))
    collector = Collector(tree.source, ManualClock(), Limits(open_sockets=4))
    taken = collector.snapshot(HostId("h"), 1, {})
    assert len(taken.tables["process_open_sockets"]) == 4
    assert taken.unread == {"process_open_sockets": "cut: 4 of 9 rows kept"}
    assert taken.metrics["system.network.connections.established"] == 9.0


def test_strange_bytes_everywhere_still_give_a_valid_snapshot(tree: Tree) -> None:
    bad = b"\xff\xfe\x00\x80"
    tree.write("/etc/passwd", b"r\xff:x:0:0::/root:/bin/sh\n")
    tree.write("/etc/crontab", b"* * * * * " + bad + b"\n")
    tree.write("/etc/sudoers", bad + b" " + bad)
    tree.write("/proc/sys/kernel/hostname", bad)
    tree.write("/var/lib/dpkg/status", b"Package: " + bad + b"\nStatus: a ok installed\n")
    tree.write("/etc/cron.d/\udcff\udcfe", "* * * * * root x\n")
    tree.process(5, comm=bad.replace(b"\0", b""), cmdline=bad, exe="/opt/\udcff")
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    for content_type in ("application/json", "application/msgpack"):
        assert decode_snapshot(encode_snapshot(taken, content_type), content_type) == taken


def test_a_thousand_processes_fit(tree: Tree) -> None:
    for pid in range(2, 1000):
        tree.process(pid)
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    assert taken.metrics["system.processes.count"] == 999.0
    assert taken.metrics["system.threads.count"] == 2.0 * 999


def test_time_is_kept_to_the_millisecond_as_on_the_wire(tree: Tree) -> None:
    clock = ManualClock()
    clock.advance(0.123456)
    taken = Collector(tree.source, clock).snapshot(HostId("h"), 1, {})
    assert taken.taken_at.microsecond == 123_000
