"""Each table against made files: what is in them, what is not, and what can't be read."""

import hashlib
import os
from base64 import b64encode

import pytest
from tests.agent.tree import Tree

from vedette.agent.collect import authorized_keys, crontab, kernel_modules, mounts, sudoers, users
from vedette.agent.collect.collector import Collector
from vedette.agent.collect.deb_packages import DebPackages
from vedette.agent.collect.hash import Hash
from vedette.agent.collect.logged_in_users import LoggedInUsers
from vedette.agent.collect.source import Unreadable
from vedette.agent.collect.systemd_units import SystemdUnits
from vedette.core import HostId, ManualClock, decode_snapshot, encode_snapshot


def test_users_are_the_lines_libc_would_take(tree: Tree) -> None:
    tree.write(
        "/etc/passwd",
        b"root:x:0:0::/root:/bin/sh\n# note\n+::::::\nbad line\nno:x:one:1::/:/\n\xffodd:x:5:5::/:/bin/sh\n",
    )
    rows = users.collect(tree.source).rows
    assert rows == [
        {"username": "root", "uid": 0, "gid": 0, "shell": "/bin/sh", "directory": "/root"},
        {"username": "\\xffodd", "uid": 5, "gid": 5, "shell": "/bin/sh", "directory": "/"},
    ]


@pytest.mark.parametrize("number", [2**32, 2**63, 2**64, 10**20, "9" * 5000])
def test_a_user_number_that_no_system_has_spoils_no_snapshot(tree: Tree, number: int | str) -> None:
    tree.write(
        "/etc/passwd",
        f"root:x:0:0::/root:/bin/sh\nbig:x:{number}:1::/:/bin/sh\nmost:x:{2**32 - 1}:007::/:/\nno:x:\u0663:1::/:/\n",
    )
    taken = Collector(tree.source, ManualClock()).snapshot(HostId("h"), 1, {})
    sent = decode_snapshot(encode_snapshot(taken), "application/msgpack")
    rows = sent.tables["users"]
    assert [row["username"] for row in rows] == ["root", "most"]
    assert (rows[1]["uid"], rows[1]["gid"]) == (2**32 - 1, 7)
    assert (
        sent.unread["users"]
        == "1 could not be read: /etc/passwd: big (a uid or gid beyond 32 bits)"
    )


@pytest.mark.parametrize("time", ["9" * 30, "soon", "-1"])
def test_a_session_of_a_time_that_can_not_be_is_left_out_and_told(tree: Tree, time: str) -> None:
    tree.write("/run/systemd/sessions/4", f"USER=ana\nCLASS=user\nREALTIME={time}\n")
    tree.write("/run/systemd/sessions/5", "USER=bob\nCLASS=user\n")
    found = LoggedInUsers(tree.source).collect()
    assert [row["user"] for row in found.rows] == ["bob"]
    assert "its time can't be" in found.partly


def test_a_missing_passwd_is_an_error_and_not_an_empty_table(tree: Tree) -> None:
    tree.path("/etc/passwd").unlink()
    with pytest.raises(FileNotFoundError):
        users.collect(tree.source)


def test_authorized_keys_leave_the_host_as_digests_only(tree: Tree) -> None:
    blob = b64encode(b"the key itself").decode()
    tree.write(
        "/root/.ssh/authorized_keys",
        f'# comment\nssh-ed25519 {blob} root@x\nfrom="10.0.0.1",command="echo \\"a b\\"" ssh-rsa not*base64\nnonsense\nssh-dss\n',
    )
    tree.write("/home/ana/.ssh/authorized_keys2", f"ecdsa-sha2-nistp256 {blob}\n")
    table = authorized_keys.collect(tree.source)
    assert table.partly == ""
    assert [(row["uid"], row["algorithm"], row["key_file"]) for row in table.rows] == [
        (0, "ssh-ed25519", "/root/.ssh/authorized_keys"),
        (0, "ssh-rsa", "/root/.ssh/authorized_keys"),
        (1000, "ecdsa-sha2-nistp256", "/home/ana/.ssh/authorized_keys2"),
    ]
    assert table.rows[0]["key"] == hashlib.sha256(b"the key itself").hexdigest()
    assert table.rows[1]["key"] == hashlib.sha256(b"not*base64").hexdigest()


def test_sudoers_follow_includes_and_pass_over_what_sudo_passes_over(tree: Tree) -> None:
    tree.write(
        "/etc/sudoers",
        "# comment\nDefaults\tenv_reset\nroot\tALL=(ALL:ALL) \\\n  ALL\n#1000 ALL=ALL\n@includedir /etc/sudoers.d\n#include local\n",
    )
    tree.write("/etc/sudoers.d/ops", "ana ALL=(root) NOPASSWD: /usr/bin/id\n")
    tree.write("/etc/sudoers.d/ops.bak", "eve ALL=ALL\n")
    tree.write("/etc/sudoers.d/ops~", "eve ALL=ALL\n")
    tree.mkdir("/etc/sudoers.d/folder")
    tree.write("/etc/local", "%wheel ALL=ALL\n")
    table = sudoers.collect(tree.source)
    assert [(row["source"], row["header"], row["rule_details"]) for row in table.rows] == [
        ("/etc/sudoers", "Defaults", "env_reset"),
        ("/etc/sudoers", "root", "ALL=(ALL:ALL)  ALL"),
        ("/etc/sudoers", "#1000", "ALL=ALL"),
        ("/etc/sudoers", "@includedir", "/etc/sudoers.d"),
        ("/etc/sudoers.d/ops", "ana", "ALL=(root) NOPASSWD: /usr/bin/id"),
        ("/etc/sudoers", "#include", "local"),
        ("/etc/local", "%wheel", "ALL=ALL"),
    ]
    assert table.partly == ""


def test_sudoers_that_include_themselves_end_and_say_so(tree: Tree) -> None:
    tree.write("/etc/sudoers", "@include /etc/sudoers\n")
    assert "too deeply" in sudoers.collect(tree.source).partly


def test_a_host_without_sudo_has_no_rules(tree: Tree) -> None:
    table = sudoers.collect(tree.source)
    assert (table.rows, table.partly) == ([], "")


def test_crontabs_of_system_and_users_with_their_odd_lines(tree: Tree) -> None:
    tree.write(
        "/etc/crontab",
        "SHELL=/bin/sh\n# x\n17 *\t* * *\troot\tcd / && run\n* * * *\n@reboot root /bin/go now\n",
    )
    tree.write("/etc/cron.d/job", b"*/5 * * * * root /bin/caf\xe9\n")
    tree.write("/etc/cron.d/.placeholder", "* * * * * root /bin/no\n")
    tree.write("/etc/cron.d/job~", "* * * * * root /bin/no\n")
    tree.write("/var/spool/cron/crontabs/ana", "0 3 * * 1 /home/ana/backup >/dev/null 2>&1\n")
    tree.mkdir("/var/spool/cron/atjobs")
    table = crontab.collect(tree.source)
    assert table.partly == ""
    assert [(row["path"], row["minute"], row["command"]) for row in table.rows] == [
        ("/etc/crontab", "17", "root\tcd / && run"),
        ("/etc/crontab", "", "root /bin/go now"),
        ("/etc/cron.d/job", "*/5", "root /bin/caf\\xe9"),
        ("/var/spool/cron/crontabs/ana", "0", "/home/ana/backup >/dev/null 2>&1"),
    ]
    assert table.rows[1]["event"] == "@reboot"


def test_a_fifo_in_place_of_a_file_does_not_hang_the_agent(tree: Tree) -> None:
    tree.mkdir("/etc/cron.d")
    os.mkfifo(tree.path("/etc/cron.d/trap"))
    tree.write("/etc/crontab", "* * * * * root /bin/x\n")
    table = crontab.collect(tree.source)
    assert len(table.rows) == 1
    assert "/etc/cron.d/trap (/etc/cron.d/trap is not a regular file)" in table.partly


def test_unit_files_tell_their_state_as_systemctl_words_it(tree: Tree) -> None:
    lib, etc = "/usr/lib/systemd/system", "/etc/systemd/system"
    install = "[Unit]\n[Install]\nWantedBy=multi-user.target\n"
    for name in ("on.service", "off.service", "tpl@.service", "shadow.service"):
        tree.write(f"{lib}/{name}", install)
    tree.write(f"{lib}/plain.service", "[Service]\nExecStart=/bin/x\n")
    tree.write(f"{lib}/commented.service", "[Install]\n#WantedBy=x\n")
    tree.write(f"{lib}/along.service", "[Install]\nAlso=on.service\n")
    tree.write(f"{lib}/empty.service", "")
    tree.write(f"{lib}/README", "not a unit")
    tree.write(f"{lib}/weird.service", b"\xff\xfe[Install\nWantedBy=\n")
    tree.mkdir(f"{lib}/folder.service")
    tree.write(f"{etc}/shadow.service", "[Service]\n")
    tree.link(f"{etc}/gone.service", "/dev/null")
    tree.link(f"{etc}/other.service", f"{lib}/on.service")
    tree.link(f"{etc}/dangling.service", "/opt/none.service")
    tree.link(f"{etc}/multi-user.target.wants/on.service", f"{lib}/on.service")
    tree.link(f"{etc}/multi-user.target.wants/tpl@a.b.service", f"{lib}/tpl@.service")
    tree.link("/lib", "usr/lib")
    rows = SystemdUnits(tree.source).collect().rows
    states = {row["id"]: row["unit_file_state"] for row in rows}
    assert states == {
        "on.service": "enabled",
        "off.service": "disabled",
        "tpl@.service": "indirect",
        "shadow.service": "static",
        "plain.service": "static",
        "commented.service": "static",
        "along.service": "indirect",
        "empty.service": "masked",
        "weird.service": "static",
        "gone.service": "masked",
        "other.service": "alias",
        "dangling.service": "linked",
    }
    paths = {row["id"]: row["fragment_path"] for row in rows}
    assert paths["shadow.service"] == f"{etc}/shadow.service"
    assert paths["on.service"] == "/lib/systemd/system/on.service"
    assert len(rows) == len(states)


def test_a_unit_file_that_changed_is_read_again(tree: Tree) -> None:
    path = tree.write("/etc/systemd/system/a.service", "[Service]\n")
    units = SystemdUnits(tree.source)
    assert units.collect().rows[0]["unit_file_state"] == "static"
    path.write_text("[Install]\nWantedBy=x.target\n")
    assert units.collect().rows[0]["unit_file_state"] == "disabled"


def test_modules_without_the_columns_that_tremble(tree: Tree) -> None:
    assert kernel_modules.collect(tree.source).rows == []
    tree.write("/proc/modules", "nf_tables 356352 7 nft_ct, Live 0xffff\nbroken line\n")
    assert kernel_modules.collect(tree.source).rows == [
        {"name": "nf_tables", "size": 356352, "status": "Live"}
    ]
    tree.path("/proc/modules").unlink()
    tree.path("/proc/stat").unlink()
    with pytest.raises(FileNotFoundError):
        kernel_modules.collect(tree.source)


def test_mounts_decode_their_escapes_and_fall_back_to_the_agents_own(tree: Tree) -> None:
    tree.write(
        "/proc/1/mounts",
        b"/dev/sdb /mnt/my\\040disk\\134x xfs rw 0 0\n//srv/\xff /c cifs\n"
        b"x /tmp tmpfs rw,noexec,nosuid,size=9k,user=ana,pass=secret 0 0\n",
    )
    assert mounts.collect(tree.source).rows == [
        {"path": "/mnt/my disk\\x", "device": "/dev/sdb", "type": "xfs", "flags": "rw"},
        {"path": "/c", "device": "//srv/\\xff", "type": "cifs"},
        {"path": "/tmp", "device": "x", "type": "tmpfs", "flags": "rw,nosuid,noexec"},
    ]
    tree.path("/proc/1/mounts").unlink()
    tree.write("/proc/self/mounts", "proc /proc proc rw 0 0\n")
    assert mounts.collect(tree.source).rows == [
        {"path": "/proc", "device": "proc", "type": "proc", "flags": "rw"}
    ]


_STATUS = """Package: zlib
Status: install ok installed
Version: 1.2
Description: x
 Package: inner

Package: gone
Status: deinstall ok config-files
Version: 1

Package: adduser
Version: 3.1
Status: hold ok installed"""


def test_packages_are_the_installed_ones_and_read_again_only_after_a_change(tree: Tree) -> None:
    assert DebPackages(tree.source).collect().rows == []
    path = tree.write("/var/lib/dpkg/status", _STATUS)
    packages = DebPackages(tree.source)
    rows = packages.collect().rows
    assert rows == [{"name": "adduser", "version": "3.1"}, {"name": "zlib", "version": "1.2"}]
    assert packages.collect().rows is rows
    path.write_text(_STATUS.replace("1.2", "1.3"))
    assert packages.collect().rows[1] == {"name": "zlib", "version": "1.3"}


def test_a_hundred_thousand_packages_are_read(tree: Tree) -> None:
    entries = (
        f"Package: p{n}\nStatus: install ok installed\nVersion: {n}\n" for n in range(100_000)
    )
    tree.write("/var/lib/dpkg/status", "\n".join(entries))
    assert len(DebPackages(tree.source).collect().rows) == 100_000


def test_sessions_come_from_utmp(tree: Tree) -> None:
    tree.utmp((2, "~", "reboot", "", 1), (7, "pts/0", "ana", "10.0.0.9", 1_700_000_500))
    sessions = LoggedInUsers(tree.source, machine="x86_64")
    assert sessions.collect().rows == [
        {"user": "ana", "tty": "pts/0", "host": "10.0.0.9", "time": 1_700_000_500}
    ]
    tree.path("/run/utmp").unlink()
    with pytest.raises(Unreadable, match="is gone"):
        sessions.collect()


def test_a_utmp_of_odd_length_is_not_guessed_at(tree: Tree) -> None:
    tree.write("/run/utmp", b"x" * 400)
    with pytest.raises(Unreadable, match="384"):
        LoggedInUsers(tree.source, machine="x86_64").collect()


def test_sessions_come_from_logind_where_there_is_no_utmp(tree: Tree) -> None:
    assert LoggedInUsers(tree.source).collect().rows == []
    tree.write(
        "/run/systemd/sessions/4",
        "# comment\nUSER=ana\nCLASS=user\nTTY=pts/1\nREMOTE_HOST=10.1.1.1\nREALTIME=1700000000000000\n",
    )
    tree.write("/run/systemd/sessions/5", "USER=ana\nCLASS=manager\n")
    tree.write("/run/systemd/sessions/4.ref", "")
    assert LoggedInUsers(tree.source).collect().rows == [
        {"user": "ana", "tty": "pts/1", "host": "10.1.1.1", "time": 1_700_000_000}
    ]


def test_hashes_are_of_content_and_taken_again_only_after_a_change(tree: Tree) -> None:
    tree.write("/etc/hosts", "127.0.0.1 localhost\n")
    tree.write("/etc/cron.d/job", "x")
    tree.mkdir("/etc/pam.d/folder")
    tree.link("/etc/resolv.conf", "hosts")
    hashes = Hash(tree.source)
    found = {row["path"]: row["sha256"] for row in hashes.collect().rows}
    assert set(found) == {"/etc/hosts", "/etc/passwd", "/etc/resolv.conf", "/etc/cron.d/job"}
    assert found["/etc/hosts"] == hashlib.sha256(b"127.0.0.1 localhost\n").hexdigest()
    assert found["/etc/resolv.conf"] == found["/etc/hosts"]
    path = tree.path("/etc/hosts")
    before = path.stat()
    path.write_text("127.0.0.2 localhost\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    again = {row["path"]: row["sha256"] for row in hashes.collect().rows}
    assert again["/etc/hosts"] == hashlib.sha256(b"127.0.0.2 localhost\n").hexdigest()


def test_what_a_shell_or_sshd_reads_of_people_is_watched_and_homes_afar_are_left_alone(
    tree: Tree,
) -> None:
    tree.write(
        "/etc/passwd",
        "root:x:0:0::/root:/bin/sh\nana:x:7:7::/home/ana:/bin/bash\nben:x:8:8::/afar/ben:/bin/bash\n"
        "web:x:9:9::/srv/web:/usr/sbin/nologin\n",
    )
    for home in ("/home/ana", "/afar/ben", "/srv/web"):
        tree.write(f"{home}/.bashrc", "x")
        tree.write(f"{home}/.ssh/rc", "x")
    tree.write("/proc/1/mountinfo", "9 1 0:99 / /afar rw - nfs4 host:/x rw\n")
    found = {row["path"] for row in Hash(tree.source).collect().rows}
    assert found == {"/etc/passwd", "/home/ana/.bashrc", "/home/ana/.ssh/rc"}


def test_what_changes_a_unit_is_watched(tree: Tree) -> None:
    tree.write("/etc/systemd/system/app.service", "x")
    tree.write("/etc/systemd/system/ssh.service.d/x.conf", "x")
    tree.mkdir("/etc/systemd/system/multi-user.target.wants")
    found = {row["path"] for row in Hash(tree.source).collect().rows}
    assert found >= {
        "/etc/systemd/system/app.service",
        "/etc/systemd/system/ssh.service.d/x.conf",
    }


def test_the_largest_look_is_one_that_the_server_takes() -> None:
    from vedette.agent.collect.collector import _BOUNDS
    from vedette.core import MAX_LIVE_ROWS, MAX_ROWS

    largest_open_sockets = 20_000
    assert sum(_BOUNDS.values()) + largest_open_sockets <= MAX_ROWS
    assert max(_BOUNDS["processes"], _BOUNDS["listening_ports"]) <= MAX_LIVE_ROWS
