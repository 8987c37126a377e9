"""The tables of this very machine against independent programs. What comes and goes meanwhile is left aside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.fixtures.services import require

from vedette.agent import Collector, Limits, Source
from vedette.core import HostId, Snapshot, SystemClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the agent reads Linux")


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        require(command[0], f"the program {command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


def _snapshot() -> Snapshot:
    # Few files of the thorough walk: this machine may have millions, and only program folders are compared.
    collector = Collector(Source(), SystemClock(), Limits(suid_slow_entries=2_000))
    return collector.snapshot(HostId("here"), 1, {})


@pytest.fixture(scope="module")
def taken() -> Snapshot:
    return _snapshot()


def _stable(*command: str) -> tuple[set[str], Snapshot, set[str]]:
    """A program's lines before and after a look: those in both must be in the look, and no others in neither."""
    before = set(_run(*command).splitlines())
    look = _snapshot()
    after = set(_run(*command).splitlines())
    return before & after, look, before | after


def _shown_by_ps(lines: set[str]) -> set[tuple[object, ...]]:
    fields = (line.removesuffix(" <defunct>").split(None, 5) for line in lines)
    # A kernel worker's name says what it does at the moment.
    return {
        (*map(int, one[:5]), one[5].strip()) for one in fields if not one[5].startswith("kworker")
    }


def _processes() -> tuple[set[tuple[object, ...]], set[tuple[object, ...]], set[int]]:
    """What ps shows before and after a look, what the look has, and which pids ps showed at all."""
    both, look, either = _stable("ps", "-eo", "pid=,ppid=,ruid=,rgid=,euid=,comm=")
    ours: set[tuple[object, ...]] = {
        (row["pid"], row["parent"], row["uid"], row["gid"], row["euid"], row["name"])
        for row in look.tables["processes"]
    }
    return _shown_by_ps(both), ours, {int(line.split()[0]) for line in either}


def test_processes_agree_with_ps() -> None:
    theirs, ours, shown = _processes()
    if not theirs <= ours:
        # Who is somebody else, or bears another name, for just that moment is not so each time.
        theirs, ours, shown = _processes()
    assert theirs <= ours
    for pid in {row[0] for row in ours} - shown:
        assert not Path(f"/proc/{pid}").exists(), "ps did not show a process that lives"


def test_this_process_agrees_with_psutil(taken: Snapshot) -> None:
    row = next(row for row in taken.tables["processes"] if row["pid"] == os.getpid())
    me = psutil.Process()
    assert row["path"] == str(Path(me.exe()).resolve())
    assert row["cmdline"] == " ".join(me.cmdline())[:4096].rstrip()
    assert row["cwd"] == me.cwd()
    assert isinstance(row["start_time"], int)
    assert abs(row["start_time"] - me.create_time()) <= 2
    assert row["on_disk"] == 1


def test_ports_agree_with_ss() -> None:
    lines, look, _ = _stable("ss", "-Hltn")
    theirs = set()
    for line in lines:
        address, _, port = line.split()[3].rpartition(":")
        address = address.strip("[]").partition("%")[0]
        theirs.add((int(port), "::" if address == "*" else address))
    ours = {
        (row["port"], row["address"])
        for row in look.tables["listening_ports"]
        if row["protocol"] == 6
    }
    assert theirs <= ours


def test_users_agree_with_getent(taken: Snapshot) -> None:
    local = {line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
    theirs = {
        (name, int(uid), int(gid), shell, home)
        for name, _, uid, gid, _, home, shell in (
            line.split(":") for line in _run("getent", "passwd").splitlines()
        )
        if name in local
    }
    ours = {
        (row["username"], row["uid"], row["gid"], row["shell"], row["directory"])
        for row in taken.tables["users"]
    }
    assert ours == theirs


def test_packages_agree_with_dpkg(taken: Snapshot) -> None:
    lines = _run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n")
    theirs = {
        tuple(line.split()[1:]) for line in lines.splitlines() if line.startswith("installed")
    }
    assert {(row["name"], row["version"]) for row in taken.tables["deb_packages"]} == theirs


def test_mounts_agree_with_findmnt() -> None:
    both, look, either = _stable("findmnt", "-rn", "-o", "TARGET,FSTYPE", "-N", "1")
    ours = {f"{row['path']} {row['type']}" for row in look.tables["mounts"]}
    assert both <= ours <= either


def test_hashes_agree_with_sha256sum(taken: Snapshot) -> None:
    paths = [str(row["path"]) for row in taken.tables["hash"]]
    theirs = {
        line.partition("  ")[2]: line.partition("  ")[0]
        for line in _run("sha256sum", *paths).splitlines()
    }
    assert {row["path"]: row["sha256"] for row in taken.tables["hash"]} == theirs
    assert "/etc/passwd" in theirs


def test_sessions_agree_with_who(taken: Snapshot) -> None:
    theirs = {tuple(line.split()[:2]) for line in _run("who").splitlines()}
    ours = {(row["user"], row["tty"]) for row in taken.tables["logged_in_users"]}
    if Path("/run/utmp").exists():
        assert ours == theirs
    else:
        assert theirs <= ours


def test_modules_agree_with_lsmod(taken: Snapshot) -> None:
    if Path("/proc/modules").exists():
        theirs = {line.split()[0] for line in _run("lsmod").splitlines()[1:]}
        assert {row["name"] for row in taken.tables["kernel_modules"]} == theirs
    else:
        assert taken.tables["kernel_modules"] == []


def test_marked_programs_agree_with_find() -> None:
    collector = Collector(Source(), SystemClock(), Limits(suid_slow_entries=20_000))
    taken = collector.snapshot(HostId("here"), 1, {})
    theirs = set(_run("find", "/usr/bin", "-maxdepth", "1", "-perm", "/6000", "-type", "f").split())
    ours = {str(row["path"]) for row in taken.tables["suid_bin"]}
    assert {path for path in ours if re.fullmatch(r"/usr/bin/[^/]+", path)} == theirs


def test_units_are_those_whose_files_are_there(taken: Snapshot) -> None:
    for row in taken.tables["systemd_units"]:
        path = str(row["fragment_path"])
        assert os.path.lexists(path)
        assert Path(path).name == row["id"]
