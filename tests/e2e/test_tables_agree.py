"""Every table that the installed agent prints, row by row against an independent program, on a machine that stands still."""

import base64
import binascii
import json
import re
from typing import Any

import pytest
from tests.fixtures.looks import Look
from tests.fixtures.machine import Machine

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

Rows = list[dict[str, Any]]
_STATES = {
    "ESTAB": "ESTABLISHED",
    "FIN-WAIT-1": "FIN_WAIT1",
    "FIN-WAIT-2": "FIN_WAIT2",
    "CLOSE-WAIT": "CLOSE_WAIT",
    "LISTEN": "LISTEN",
    "UNCONN": "",
}


@pytest.fixture
def tables(root_look: Look) -> dict[str, Rows]:
    # Root, on a machine with nothing strange about it, reads all of it.
    assert root_look.unread == {}
    return root_look.tables


def _still(rows: Rows) -> dict[int, dict[str, Any]]:
    """Processes without the agent's own."""
    return {row["pid"]: row for row in rows if " agent snapshot " not in row["cmdline"]}


def test_processes_agree_with_ps(machine: Machine, tables: dict[str, Rows]) -> None:
    columns = "pid=,ppid=,ruid=,rgid=,euid=,s=,nlwp=,vsz=,comm="
    theirs = {}
    for line in machine.run("ps", "-ewwo", columns).splitlines():
        *fields, name = line.split(None, 8)
        if name != "ps":
            pid, parent, uid, gid, euid = map(int, fields[:5])
            size = int(fields[7]) * 1024
            name = name.removesuffix(" <defunct>")
            theirs[pid] = (parent, uid, gid, euid, fields[5], int(fields[6]), size, name)
    ours = {
        pid: tuple(
            row[column]
            for column in (
                "parent", "uid", "gid", "euid", "state", "threads", "total_size", "name",
            )
        )
        for pid, row in _still(tables["processes"]).items()
    }  # fmt: skip
    assert ours == theirs
    assert len(theirs) >= 10
    assert {"Z", "S"} <= {row[4] for row in theirs.values()}


def test_processes_sizes_and_times_agree_with_ps(machine: Machine, tables: dict[str, Rows]) -> None:
    rows = _still(tables["processes"])
    columns = "pid=,rss=,cputimes=,lstart="
    for line in machine.run("ps", "-eo", columns).splitlines():
        pid, resident, cpu, started = line.split(None, 3)
        if int(pid) not in rows:
            continue
        row = rows[int(pid)]
        assert row["resident_size"] == int(resident) * 1024
        assert (row["user_time"] + row["system_time"]) // 1000 == int(cpu)
        at = int(machine.run("date", "-d", started, "+%s"))
        assert abs(row["start_time"] - at) <= 1
    assert any(row["user_time"] + row["system_time"] > 1000 for row in rows.values())


def test_programs_and_command_lines_agree_with_the_kernels_links(
    machine: Machine, tables: dict[str, Rows]
) -> None:
    for pid, row in _still(tables["processes"]).items():
        program = machine.run("readlink", f"/proc/{pid}/exe", check=False).rstrip("\n")
        gone = program.endswith(" (deleted)")
        assert row["path"] == program.removesuffix(" (deleted)")
        assert row["on_disk"] == (-1 if not program else 0 if gone else 1)
        assert row["cwd"] == machine.run("readlink", f"/proc/{pid}/cwd", check=False).rstrip("\n")
        words = machine.run("ps", "-wwo", "args=", "-p", str(pid)).split()
        ours = row["cmdline"].split()
        if row["state"] == "Z":
            assert ours == []
        elif row["cmdline"].endswith("…"):
            assert len(row["cmdline"]) == 4097
            assert words[: len(ours) - 1] == ours[:-1]
        else:
            assert ours == words
    assert {row["on_disk"] for row in tables["processes"]} == {-1, 0, 1}


def _ends(line: str) -> tuple[str, str, str, str, set[int]]:
    """Of a line of ss: protocol, state, local and remote end, pids."""
    protocol, state, _, _, local, remote, *users = line.split(None, 6)
    pids = {int(pid) for pid in re.findall(r"pid=(\d+)", " ".join(users))}
    return protocol, state, local, remote, pids


def _end(text: str) -> tuple[str, int]:
    address, _, port = text.rpartition(":")
    return address.strip("[]"), 0 if port == "*" else int(port)


def test_listening_ports_agree_with_ss(machine: Machine, tables: dict[str, Rows]) -> None:
    theirs = set()
    for line in machine.run("ss", "-tulnpH").splitlines():
        protocol, _, local, _, pids = _ends(line)
        address, port = _end(local)
        family = 10 if ":" in address else 2
        theirs.add((min(pids), port, {"tcp": 6, "udp": 17}[protocol], family, address))
    ours = [
        (row["pid"], row["port"], row["protocol"], row["family"], row["address"])
        for row in tables["listening_ports"]
    ]
    assert set(ours) == theirs
    assert len(ours) == len(theirs) == 5


def test_process_open_sockets_agree_with_ss(machine: Machine, tables: dict[str, Rows]) -> None:
    theirs = set()
    for line in machine.run("ss", "-tunapH").splitlines():
        protocol, state, local, remote, pids = _ends(line)
        if state in {"LISTEN", "UNCONN", "TIME-WAIT"}:
            continue
        tcp = protocol == "tcp"
        word = _STATES[state] if tcp else ""
        theirs.add((min(pids), 6 if tcp else 17, *_end(local), *_end(remote), word))
    ours = [
        (
            row["pid"], row["protocol"], row["local_address"], row["local_port"],
            row["remote_address"], row["remote_port"], row["state"],
        )
        for row in tables["process_open_sockets"]
    ]  # fmt: skip
    assert set(ours) == theirs
    assert len(ours) == len(theirs) == 7


def test_users_agree_with_getent(machine: Machine, tables: dict[str, Rows]) -> None:
    # Of the files alone: other sources of users are not this host's.
    lines = machine.run("getent", "-s", "files", "passwd").splitlines()
    theirs = [
        (name, int(uid), int(gid), shell, home)
        for name, _, uid, gid, _, home, shell in (line.split(":") for line in lines)
    ]
    ours = [
        (row["username"], row["uid"], row["gid"], row["shell"], row["directory"])
        for row in tables["users"]
    ]
    assert ours == theirs
    assert {"root", "valma", "vreports"} <= {row[0] for row in ours}


def test_logged_in_users_agree_with_who(
    machine: Machine, root_look: Look, tables: dict[str, Rows]
) -> None:
    theirs = set()
    for line in machine.run("who").splitlines():
        found = re.fullmatch(r"(\S+) +(\S+) +(\w+ +\d+ [\d:]+)(?: \((.*)\))?", line)
        assert found, line
        theirs.add((found[1], found[2], found[4] or "", found[3]))
    ours = set()
    for row in tables["logged_in_users"]:
        at = machine.run("date", "-d", f"@{row['time']}", "+%b %e %H:%M").strip()
        ours.add((row["user"], row["tty"], row["host"], at))
    assert ours == theirs
    assert root_look.metrics["system.users.logged_in"] == len(theirs) == 2


def test_authorized_keys_agree_with_ssh_keygen(machine: Machine, tables: dict[str, Rows]) -> None:
    names = {"ED25519": "ssh-ed25519", "RSA": "ssh-rsa", "ECDSA": "ecdsa-sha2-nistp256"}
    theirs = set()
    for user, home in (("root", "/root"), ("valma", "/home/valma")):
        uid = int(machine.run("id", "-u", user))
        path = f"{home}/.ssh/authorized_keys"
        for line in machine.run("ssh-keygen", "-lf", path).splitlines():
            found = re.search(r"SHA256:(\S+) .*\((\w+)\)$", line)
            assert found
            digest = binascii.hexlify(base64.b64decode(found[1] + "=")).decode()
            theirs.add((uid, names[found[2]], digest, path))
    ours = {
        (row["uid"], row["algorithm"], row["key"], row["key_file"])
        for row in tables["authorized_keys"]
    }
    assert ours == theirs
    assert len(ours) == 3


def test_sudoers_agree_with_sudos_own_parser(machine: Machine, tables: dict[str, Rows]) -> None:
    rows = tables["sudoers"]
    read = re.findall(r"^(/\S+): parsed OK$", machine.run("visudo", "-c"), re.MULTILINE)
    empty = {path for path in read if not machine.run("sh", "-c", f"grep -v '^#' {path} || :")}
    assert {row["source"] for row in rows} == set(read) - empty
    parsed = machine.run("cvtsudoers", "-f", "sudoers", "/etc/sudoers")
    theirs = {"".join(line.split()) for line in parsed.replace("\\\n", "").splitlines() if line}
    ours = {
        "".join((row["header"] + row["rule_details"]).split())
        for row in rows
        if not row["header"].startswith(("@include", "#include"))
    }
    assert ours == theirs
    assert any(line.startswith("valmaALL=") for line in ours)


def test_crontabs_agree_with_crontab_and_with_the_files(
    machine: Machine, tables: dict[str, Rows]
) -> None:
    jobs = re.compile(r"^(?!\s*#)(?!\s*\w+\s*=)\s*\S.*$", re.MULTILINE)
    texts = {"/var/spool/cron/crontabs/valma": machine.run("crontab", "-l", "-u", "valma")}
    found = machine.run("find", "/etc/crontab", "/etc/cron.d", "-type", "f", "-not", "-name", ".*")
    texts |= {path: machine.run("cat", path) for path in found.splitlines()}
    theirs = {
        (path, " ".join(line.split()))
        for path, content in texts.items()
        for line in jobs.findall(content)
    }
    times = ("event", "minute", "hour", "day_of_month", "month", "day_of_week", "command")
    ours = {
        (row["path"], " ".join(" ".join(row.get(name, "") for name in times).split()))
        for row in tables["crontab"]
    }
    assert ours == theirs
    assert ("/var/spool/cron/crontabs/valma", "@daily date") in ours
    kept = next(row for row in tables["crontab"] if row["minute"] == "5")
    assert kept["command"] == 'echo "five  after" four'


def test_systemd_units_agree_with_systemctl(machine: Machine, tables: dict[str, Rows]) -> None:
    lines = machine.run("systemctl", "--root=/", "list-unit-files", "--no-legend", "--no-pager")
    theirs = dict(line.split()[:2] for line in lines.splitlines())
    ours = {row["id"]: row["unit_file_state"] for row in tables["systemd_units"]}
    assert ours == theirs
    assert {
        "alias", "disabled", "enabled", "enabled-runtime", "indirect", "linked", "masked",
        "masked-runtime", "static",
    } == set(ours.values())  # fmt: skip


def test_kernel_modules_agree_with_lsmod(machine: Machine, tables: dict[str, Rows]) -> None:
    rows = tables["kernel_modules"]
    if not machine.run("sh", "-c", "ls /proc/modules 2> /dev/null || :"):
        # This kernel has no modules, and lsmod itself fails.
        assert rows == []
        return
    theirs = {tuple(line.split()[:2]) for line in machine.run("lsmod").splitlines()[1:]}
    assert {(row["name"], str(row["size"])) for row in rows} == theirs
    assert {row["status"] for row in rows} <= {"Live", "Loading", "Unloading"}


def test_marked_programs_agree_with_find(machine: Machine, tables: dict[str, Rows]) -> None:
    tops = (
        "/tmp /var/tmp /dev/shm /root /usr/bin /usr/sbin /usr/lib* /usr/local /usr/games /opt /home"
    )
    command = f"find {tops} -xdev -type f -perm /6000 -printf '%m\\t%u\\t%p\\n' 2> /dev/null || :"
    theirs = set()
    for line in machine.run("sh", "-c", command).splitlines():
        mode, owner, path = line.split("\t")
        marks = "S" * bool(int(mode, 8) & 0o4000) + "G" * bool(int(mode, 8) & 0o2000)
        theirs.add((path, owner, marks))
    ours = {(row["path"], row["username"], row["permissions"]) for row in tables["suid_bin"]}
    assert ours == theirs
    assert ("/var/tmp/.hid/a b", "vreports", "S") in ours
    assert ("/home/valma/.cache/.x/sh", "root", "SG") in ours


def test_hashes_agree_with_sha256sum(machine: Machine, tables: dict[str, Rows]) -> None:
    paths = [row["path"] for row in tables["hash"]]
    lines = machine.run("sha256sum", *paths).splitlines()
    theirs = {line.partition("  ")[2]: line.partition("  ")[0] for line in lines}
    assert {row["path"]: row["sha256"] for row in tables["hash"]} == theirs
    assert {
        "/etc/passwd", "/etc/shadow", "/etc/sudoers", "/etc/sudoers.d/10-valma", "/etc/crontab",
        "/root/.ssh/authorized_keys", "/usr/bin/bash",
    } <= set(paths)  # fmt: skip


def test_mounts_agree_with_findmnt(machine: Machine, tables: dict[str, Rows]) -> None:
    listed = machine.run("findmnt", "--json", "--list", "-o", "TARGET,FSTYPE,SOURCE")
    theirs = [
        # findmnt adds the folder to the source of a bind mount.
        (one["target"], one["fstype"], re.sub(r"\[.*\]$", "", one["source"]))
        for one in json.loads(listed)["filesystems"]
    ]
    ours = [(row["path"], row["type"], row["device"]) for row in tables["mounts"]]
    assert sorted(ours) == sorted(theirs)
    assert ("/mnt/a place", "tmpfs", "from here") in ours


def test_packages_agree_with_dpkg(machine: Machine, tables: dict[str, Rows]) -> None:
    form = "${db:Status-Status} ${Package} ${Version}\\n"
    lines = machine.run("dpkg-query", "-W", "-f", form).splitlines()
    theirs = [tuple(line.split()[1:]) for line in lines if line.startswith("installed ")]
    ours = [(row["name"], row["version"]) for row in tables["deb_packages"]]
    assert sorted(ours) == sorted(theirs)
    assert len(ours) > 50
