"""What is hidden among the changes of a package that does not bring it, and what packages do bring."""

from functools import partial

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.stage import (
    Change,
    Stage,
    added,
    job,
    nothing,
    proc,
    suid,
    together,
    unit,
    upgraded,
    user,
    written,
)

__all__ = ["ENTRIES"]

_OWN = "/etc/systemd/system"
_TIME = upgraded("tzdata", "libssl3")


def _apt(stage: Stage) -> None:
    stage.add("processes", proc(980, 1, "apt-get", "/usr/bin/apt-get", "apt-get -y install"))
    stage.add("processes", proc(981, 980, "dpkg", "/usr/bin/dpkg", "/usr/bin/dpkg --unpack x.deb"))


def _found(
    technique: str,
    name: str,
    evidence: str,
    subject: str,
    *steps: Change,
    within: int = 0,
    role: str = "web",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence=f"{evidence}, `deb_packages`",
        steps=steps,
        expect=Found(expert="inventory", subject=subject, within=within),
        role=role,
        needs="" if not evidence.startswith("`hash`: a drop-in") else "more watched files",
    )


_silent = partial(silent, least=12, lasting=True)


def _linked(stage: Stage) -> None:
    stage.write(f"{_OWN}/sshd.service", "of the package")


def _override(stage: Stage) -> None:
    stage.edit("systemd_units", {"id": "cron.service"}, fragment_path=f"{_OWN}/cron.service")


_UNIT = added("systemd_units", unit("sysupd.service", folder=_OWN))
_PERSON = together(
    added("users", user("mallory", 1_002, "/bin/bash")), written("/etc/passwd", "/etc/shadow")
)
_POSTGRES = together(
    added("users", user("postgres", 117, "/bin/bash", "/var/lib/postgresql")),
    written("/etc/passwd", "/etc/shadow"),
)

# fmt: off
_HOSTILE = (
    _found("T1543.002", "a service of one's own under cover of a package", "`systemd_units`: a new service in /etc/systemd/system", "unit:sysupd.service", together(_TIME, _UNIT)),
    _found("T1543.002", "a service of one's own while a package manager works, whose package never comes", "`systemd_units`: a new service in /etc/systemd/system", "unit:sysupd.service", together(_apt, _UNIT), _TIME, nothing, within=3),
    _found("T1053.006", "a timer of one's own under cover of a package", "`systemd_units`: a new timer in /etc/systemd/system", "unit:sysupd.timer", together(_TIME, added("systemd_units", unit("sysupd.timer", folder=_OWN)))),
    _found("T1543.002", "a packaged service is overridden under cover of a package", "`systemd_units`: a unit's file moves from /lib to /etc", "unit:cron.service", together(_TIME, _override)),
    _found("T1543.002", "a service changed by a drop-in under cover of a package", "`hash`: a drop-in is new", "file:/etc/systemd/system/ssh.service.d/x.conf", together(_TIME, written("/etc/systemd/system/ssh.service.d/x.conf"))),
    _found("T1136.001", "a person's account under cover of a package", "`users`: a new row with a login shell", "user:mallory", together(_TIME, _PERSON)),
    _found("T1556.003", "the rules of who may log in, under cover of a package", "`hash`: /etc/pam.d/sshd changes", "file:/etc/pam.d/sshd", together(_TIME, written("/etc/pam.d/sshd"))),
    _found("T1556.003", "a new set of rules of who may log in, under cover of a package", "`hash`: /etc/pam.d/su-x is new", "file:/etc/pam.d/su-x", together(_TIME, written("/etc/pam.d/su-x")), role="database"),
    _found("T1098.004", "the SSH server's settings under cover of a package", "`hash`: /etc/ssh/sshd_config changes", "file:/etc/ssh/sshd_config", together(_TIME, written("/etc/ssh/sshd_config"))),
    _found("T1546.004", "root's shell start under cover of a package", "`hash`: /root/.bashrc changes", "file:/root/.bashrc", together(_TIME, written("/root/.bashrc"))),
    _found("T1548.001", "a program with root's rights under cover of a package", "`suid_bin`: a new program", "suid:/usr/bin/mtr2", together(_TIME, added("suid_bin", suid("/usr/bin/mtr2")))),
)

_HARMLESS = (
    _silent("install", "a vendor's package makes its own service where administrators do", together(upgraded("acme-monitor-agent"), added("systemd_units", unit("acme-monitor.service", folder=_OWN)))),
    _silent("install", "the same, before the list of packages has it", together(_apt, added("systemd_units", unit("acme-monitor.service", folder=_OWN))), _apt, together(_apt, upgraded("acme-monitor-agent"))),
    _silent("install", "a vendor's package with a program of its name that has root's rights", together(upgraded("virtualbox-7.0"), added("suid_bin", suid("/usr/lib/virtualbox/VBoxHeadless"))), role="build"),
    _silent("install", "packet capture with a program that has root's rights", together(upgraded("wireshark-common"), added("suid_bin", suid("/usr/bin/dumpcap"))), role="admin"),
    _silent("install", "a second factor at logins", together(upgraded("libpam-google-authenticator"), written("/etc/pam.d/common-auth", "/etc/pam.d/sshd"))),
    _silent("install", "a package's own rules of who may log in", together(upgraded("cockpit-ws"), written("/etc/pam.d/cockpit"))),
    _silent("install", "a database whose account can log in", together(upgraded("postgresql-common"), _POSTGRES)),
    _silent("upgrade", "the SSH server with its settings and its rules", together(upgraded("openssh-server", "tzdata"), written("/etc/ssh/sshd_config", "/etc/pam.d/sshd", "/usr/sbin/sshd")), role="admin"),
    _silent("upgrade", "a unit that has a second name among those made here", upgraded("openssh-server"), written("/etc/systemd/system/sshd.service"), before=_linked),
    _silent("upgrade", "the tools of accounts with their rules", together(upgraded("passwd", "login", "util-linux"), written("/etc/pam.d/login", "/etc/pam.d/su", "/usr/bin/passwd", "/usr/bin/login", "/usr/bin/su"))),
    _silent("upgrade", "more packages than are counted by name", together(upgraded(*(f"lib{at}" for at in range(80))), written("/etc/pam.d/login"))),
    _silent("operator", "an operator's job is in no package's way", together(_TIME, added("crontab", job("/var/spool/cron/crontabs/ana", "/home/ana/bin/report.sh", "5 * * * *"))), role="database"),
)
# fmt: on

ENTRIES: tuple[Entry, ...] = (*_HOSTILE, *_HARMLESS)
