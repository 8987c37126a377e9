"""What files show: SUID programs, watched files that change, come or go."""

from tests.detect.coverage.entry import Entry, fact
from tests.detect.coverage.stage import Change, Stage, suid, together, upgraded, written

__all__ = ["ENTRIES"]


def _file(
    technique: str,
    name: str,
    path: str,
    evidence: str = "changes without a package",
    role: str = "web",
    needs: str = "",
    told_as: str = "",
) -> Entry:
    def write(stage: Stage) -> None:
        stage.write(path)

    return fact(
        technique,
        name,
        f"`hash`: {path} {evidence}",
        write,
        f"file:{path}",
        role=role,
        needs=needs,
        told_as=told_as,
    )


def _there(*paths: str) -> Change:
    def before(stage: Stage) -> None:
        for path in paths:
            stage.write(path, "as it always was")

    return before


def _new(
    technique: str,
    name: str,
    path: str,
    role: str = "web",
    beside: str = "",
    needs: str = "more watched files",
) -> Entry:
    """A file in a watched place; `beside` is one that always was there."""
    entry = _file(technique, name, path, "is new", role=role, needs=needs)
    return Entry(
        id=entry.id,
        name=entry.name,
        evidence=entry.evidence,
        steps=entry.steps,
        expect=entry.expect,
        role=entry.role,
        needs=entry.needs,
        before=_there(beside) if beside else None,
    )


def _changed(technique: str, name: str, path: str, role: str = "web", told_as: str = "") -> Entry:
    entry = _file(technique, name, path, role=role)
    return Entry(
        id=entry.id,
        name=entry.name,
        evidence=entry.evidence,
        steps=entry.steps,
        expect=entry.expect,
        role=entry.role,
        needs="more watched files",
        before=_there(path),
        told_as=told_as,
    )


def _gone(technique: str, name: str, path: str, role: str = "web", told_as: str = "") -> Entry:
    return fact(
        technique,
        name,
        f"`hash`: {path} is gone",
        lambda stage: stage.drop("hash", path=path),
        f"file:{path}",
        within=2,
        role=role,
        told_as=told_as,
    )


def _suid(name: str, path: str, evidence: str, bits: str = "S", role: str = "web") -> Entry:
    return fact(
        "T1548.001",
        name,
        f"`suid_bin`: {evidence}",
        lambda stage: stage.add("suid_bin", suid(path, bits)),
        f"suid:{path}",
        role=role,
    )


_SUID = (
    _suid("a shell in a temporary directory", "/var/tmp/sh", "a program in /var/tmp"),
    _suid("a program in shared memory", "/dev/shm/x", "a program in /dev/shm", role="database"),
    _suid("a hidden program", "/usr/lib/.x/sh", "a hidden program"),
    _suid("a program in a home", "/home/ben/up", "a program in a home"),
    _suid("a program in root's home", "/root/up", "a program in /root", role="admin"),
    _suid("bash itself", "/usr/bin/bash", "a shell"),
    _suid("find", "/usr/bin/find", "a program that runs others"),
    _suid("an editor", "/usr/bin/vim.basic", "an editor"),
    _suid("an interpreter", "/usr/bin/python3.11", "an interpreter", role="build"),
    _suid("cp", "/usr/bin/cp", "a program that writes any file"),
    _suid("nmap", "/usr/bin/nmap", "a program that runs others"),
    _suid("a debugger", "/usr/bin/gdb", "a program that runs others"),
    _suid("a program in /usr/local", "/usr/local/bin/x", "a program of no package"),
    _suid("a program with a name of its own among the system's", "/usr/bin/mtr2", "a new program"),
    _suid("a program with a group's rights", "/usr/bin/wall2", "a new SGID program", "G"),
    fact(
        "T1222.002",
        "sudo loses its bit",
        "`suid_bin`: the row of a usual program is gone",
        lambda stage: stage.drop("suid_bin", path="/usr/bin/sudo"),
        "suid:/usr/bin/sudo",
        within=2,
    ),
)

_FILES = (
    _file("T1554", "a trojan in place of ps", "/usr/bin/ps"),
    _file("T1554", "a trojan in place of ls", "/usr/bin/ls", role="database"),
    _file("T1554", "a trojan in place of the SSH server", "/usr/sbin/sshd", role="admin"),
    _file("T1554", "a trojan in place of the SSH client", "/usr/bin/ssh", role="admin"),
    _file("T1554", "a trojan in place of sudo", "/usr/bin/sudo", role="build"),
    fact(
        "T1554",
        "a trojan under cover of another package",
        "`hash`: /usr/bin/ls changes while a package that does not own it is upgraded",
        together(upgraded("tzdata"), written("/usr/bin/ls")),
        "file:/usr/bin/ls",
    ),
    _file("T1574.006", "a library loaded into every program", "/etc/ld.so.preload", "is new"),
    _file("T1556.003", "the rules of who may log in", "/etc/pam.d/sshd"),
    _file(
        "T1556.003", "the common rules of who may log in", "/etc/pam.d/common-auth", role="database"
    ),
    _file("T1556.003", "a new set of rules of who may log in", "/etc/pam.d/su-x", "is new"),
    _file("T1546.004", "root's shell start", "/root/.bashrc"),
    _file("T1546.004", "the start of every login shell", "/etc/profile"),
    _file("T1546.004", "a new script for every login shell", "/etc/profile.d/x.sh", "is new"),
    _file("T1546.004", "the start of every bash", "/etc/bash.bashrc", role="admin"),
    _file("T1574.007", "the environment of every login", "/etc/environment", told_as="T1546.004"),
    _file("T1037.004", "a script at every start", "/etc/rc.local", "is new"),
    _file("T1098.004", "the SSH server's settings", "/etc/ssh/sshd_config"),
    _file(
        "T1098.004", "more settings of the SSH server", "/etc/ssh/sshd_config.d/x.conf", "is new"
    ),
    _file("T1565.001", "the table of host names", "/etc/hosts"),
    _file("T1557", "the name servers", "/etc/resolv.conf"),
    _file(
        "T1546.004", "a script at every SSH login", "/root/.ssh/rc", "is new", told_as="T1098.004"
    ),
    _new("T1546.004", "an operator's shell start", "/home/ana/.bash_profile"),
    _new("T1574.006", "a directory of libraries for every program", "/etc/ld.so.conf.d/x.conf"),
    _new("T1037.004", "a start script of the old kind", "/etc/init.d/upd"),
    _new("T1547.013", "a program at every desktop login", "/etc/xdg/autostart/x.desktop", "admin"),
    _new("T1546", "a script in the greeting", "/etc/update-motd.d/99-x"),
    _new("T1546.017", "a rule that runs a program with a device", "/etc/udev/rules.d/99-x.rules"),
    _new("T1546.016", "a command with every package", "/etc/apt/apt.conf.d/99x"),
    _new("T1195", "a foreign source of packages", "/etc/apt/sources.list.d/x.list"),
    _new("T1546", "a script whenever a network comes up", "/etc/network/if-up.d/x"),
    _new("T1547.006", "a module loaded at every start", "/etc/modules-load.d/x.conf"),
    _new(
        "T1553.004",
        "a certificate authority of one's own",
        "/usr/local/share/ca-certificates/x.crt",
    ),
    _new("T1543.002", "a generator of services", "/etc/systemd/system-generators/x"),
    _new("T1543.002", "a service changed by a drop-in", "/etc/systemd/system/ssh.service.d/x.conf"),
    _new(
        "T1548", "a rule of who may do what without a password", "/etc/polkit-1/rules.d/10-x.rules"
    ),
    _changed("T1543.002", "the content of a service made here", "/etc/systemd/system/app.service"),
    _changed("T1546", "a command with every log rotation", "/etc/logrotate.d/nginx"),
    _changed("T1556.003", "where names are looked up", "/etc/nsswitch.conf"),
    _changed(
        "T1556.003",
        "the library that checks passwords",
        "/usr/lib/x86_64-linux-gnu/security/pam_unix.so",
        told_as="T1554",
    ),
    _changed("T1562.012", "the rules of what is audited", "/etc/audit/rules.d/audit.rules"),
    _changed("T1562.006", "what is logged, and where to", "/etc/rsyslog.conf"),
    _changed("T1562.004", "the rules of the firewall", "/etc/nftables.conf"),
    _changed("T1562.001", "the kernel's own guard", "/etc/selinux/config"),
    _changed(
        "T1562.003",
        "what the shell's history keeps",
        "/etc/profile.d/history.sh",
        told_as="T1546.004",
    ),
    _changed("T1553.004", "the trusted certificates", "/etc/ssl/certs/ca-certificates.crt"),
    _changed("T1554", "a trojan in place of netstat", "/usr/bin/netstat"),
    _changed("T1554", "a trojan in place of the package manager", "/usr/bin/dpkg"),
    _changed(
        "T1021.004",
        "the SSH client's settings",
        "/etc/ssh/ssh_config",
        role="admin",
        told_as="T1098.004",
    ),
    _changed("T1610", "what containers may do", "/etc/docker/daemon.json", role="build"),
    _changed("ops.mounts-changed", "the table of mounts", "/etc/fstab"),
    _changed("ops.kernel-settings", "settings of the kernel", "/etc/sysctl.conf"),
    _changed("ops.time-settings", "where the time comes from", "/etc/chrony/chrony.conf"),
    _gone("T1070.004", "ps is gone", "/usr/bin/ps"),
    _gone("T1485", "the rules of sudo are gone", "/etc/sudoers", role="admin"),
    _gone("T1485", "the list of accounts is gone", "/etc/passwd"),
    _gone("T1556.003", "the rules of who may log in are gone", "/etc/pam.d/sshd", told_as="T1485"),
    _gone("ops.resolver-lost", "the list of name servers is gone", "/etc/resolv.conf"),
    _gone("ops.settings-lost", "the SSH server's settings are gone", "/etc/ssh/sshd_config"),
)

ENTRIES = (*_SUID, *_FILES)
