"""Network doors, and packages that matter to an intruder or against one."""

from tests.detect.coverage.entry import Entry, fact
from tests.detect.coverage.installed import ANA, WORKER
from tests.detect.coverage.stage import Change, Stage, proc

from vedette.core import Row

__all__ = ["ENTRIES"]


def _listen(row: Row, port: int, address: str = "0.0.0.0") -> Change:
    return lambda stage: stage.listen(dict(row), port, address)


def _port(
    technique: str,
    name: str,
    evidence: str,
    row: Row,
    number: int,
    subject: str = "",
    role: str = "web",
    told_as: str = "",
) -> Entry:
    return fact(
        technique,
        name,
        f"`listening_ports`: {evidence}",
        _listen(row, number),
        subject or f"port:tcp/{number}",
        role=role,
        told_as=told_as,
    )


def _program(name: str, path: str, command: str = "", uid: int = 0, **more: int) -> Row:
    return proc(990, 1, name, path, command or path, uid, **more)


def _install(name: str) -> Change:
    return lambda stage: stage.upgrade(name, "1.0-1")


def _taken(stage: Stage) -> None:
    stage.drop("listening_ports", port=443)
    stage.listen(_program("edged", "/usr/local/sbin/edged"), 443)


def _expose(port: int) -> Change:
    return lambda stage: stage.edit("listening_ports", {"port": port}, address="0.0.0.0")


def _orphan(stage: Stage) -> None:
    row: Row = {"pid": -1, "port": 2201, "protocol": 6, "family": 2, "address": "0.0.0.0"}
    stage.add("listening_ports", row)


def _close(port: int) -> Change:
    return lambda stage: stage.drop("listening_ports", port=port)


_PORTS = (
    _port(
        "T1571",
        "a server in a temporary directory",
        "its program is in /var/tmp",
        _program("pgsync", "/var/tmp/pgsync", uid=101),
        9_191,
        role="database",
    ),
    _port(
        "T1571",
        "a server whose program is deleted",
        "its program is deleted, in no system directory",
        _program("kdevd", "/root/kdevd", on_disk=0),
        8_022,
    ),
    _port(
        "T1571",
        "a hidden server",
        "its program is hidden",
        _program("sshd", "/usr/lib/.x/sshd"),
        2_222,
    ),
    _port(
        "T1059.004",
        "netcat that waits for its master",
        "its program is netcat",
        _program("nc", "/usr/bin/nc.openbsd", "nc -lp 8081", 33),
        8_081,
        told_as="T1571",
    ),
    _port(
        "T1059.004",
        "a shell behind socat",
        "its program is socat",
        _program("socat", "/usr/bin/socat", "socat TCP-LISTEN:7000,fork EXEC:/bin/sh"),
        7_000,
        role="database",
        told_as="T1571",
    ),
    _port(
        "T1059.006",
        "an interpreter that waits, its code in the command line",
        "an interpreter with -c",
        _program("python3", "/usr/bin/python3.11", "python3 -c import_socket", 33),
        8_899,
        told_as="T1571",
    ),
    _port(
        "T1571",
        "a program on a port that back doors like",
        "port 31337",
        _program("agentd", "/usr/sbin/agentd"),
        31_337,
    ),
    _port(
        "T1048.003",
        "files given away by a web server of one line",
        "an interpreter with -m http.server",
        _program("python3", "/usr/bin/python3.11", "python3 -m http.server 8088", ANA),
        8_088,
        role="database",
    ),
    _port(
        "T1571",
        "a server in a home",
        "its program is in a home",
        _program("srv", "/home/ben/srv", uid=1001),
        8_444,
    ),
    _port(
        "T1021.005",
        "a remote desktop",
        "a server of VNC",
        _program("x11vnc", "/usr/bin/x11vnc"),
        5_900,
        role="admin",
    ),
    _port(
        "T1021",
        "logins without encryption",
        "a server of telnet",
        _program("in.telnetd", "/usr/sbin/in.telnetd"),
        23,
    ),
    _port(
        "T1610",
        "containers for everybody",
        "docker's own door, open to the network",
        _program("dockerd", "/usr/bin/dockerd"),
        2_375,
        role="build",
        told_as="T1021",
    ),
    _port(
        "T1036.004",
        "a server named like a kernel thread",
        "its name is a kernel thread's, and it has a program",
        _program("kworker/1:2", "/usr/sbin/kw", "[kworker/1:2]"),
        8_123,
    ),
    _port(
        "T1090.001",
        "a proxy inside",
        "a proxy that anybody may use",
        _program("gost", "/usr/local/bin/gost", "gost -L=:1080", WORKER),
        1_080,
    ),
    _port(
        "T1021.004",
        "logins at a second port",
        "the SSH server at a port of no use before",
        _program("sshd", "/usr/sbin/sshd", "/usr/sbin/sshd -p 2200"),
        2_200,
        role="admin",
    ),
    _port(
        "T1505.003",
        "a server among uploaded files",
        "its program is in a folder of uploads",
        _program("x", "/srv/app/uploads/x", uid=33),
        8_081,
    ),
    fact(
        "T1036",
        "a known port taken by another program",
        "`listening_ports`: the port of a server has another owner",
        _taken,
        "port:tcp/443",
        told_as="T1133",
    ),
    fact(
        "T1133",
        "the cache opened to the network",
        "`listening_ports`: a port of the loopback address becomes one of all",
        _expose(6379),
        "port:tcp/6379",
        role="database",
    ),
    fact(
        "T1133",
        "an application's inner door opened to the network",
        "`listening_ports`: a port of the loopback address becomes one of all",
        _expose(8000),
        "port:tcp/8000",
    ),
    fact(
        "T1014",
        "a port whose owner is hidden",
        "`listening_ports`: no process owns it, while all others have one",
        _orphan,
        "port:tcp/2201",
    ),
    fact(
        "T1489",
        "a service no longer accepts connections",
        "`listening_ports`: a row that was always there is gone",
        _close(80),
        "port:tcp/80",
        within=3,
    ),
    fact(
        "T1489",
        "the database no longer accepts connections",
        "`listening_ports`: a row that was always there is gone",
        _close(5432),
        "port:tcp/5432",
        within=3,
        role="database",
    ),
)
# fmt: off
_PACKAGES = (
    fact("T1562.001", "the audit package is removed", "`deb_packages`: auditd is gone", lambda stage: stage.drop("deb_packages", name="auditd"), "package:auditd", within=2),
    fact("T1562.001", "the logger's package is removed", "`deb_packages`: rsyslog is gone", lambda stage: stage.drop("deb_packages", name="rsyslog"), "package:rsyslog", within=2, role="database"),
    fact("T1588.002", "a tool for guessing passwords is installed", "`deb_packages`: hydra is new", _install("hydra"), "package:hydra"),
    fact("T1090.003", "an anonymising network is installed", "`deb_packages`: tor is new", _install("tor"), "package:tor", role="database"),
    fact("T1219", "a tool for remote desktops is installed", "`deb_packages`: x11vnc is new", _install("x11vnc"), "package:x11vnc", role="build"),
    fact("T1496.001", "a miner is installed", "`deb_packages`: xmrig is new", _install("xmrig"), "package:xmrig", told_as="T1588.002"),
    fact("T1562.010", "the SSH server is set back to an older version", "`deb_packages`: a security-relevant package has a lower version", lambda stage: stage.upgrade("openssh-server", "0.9-1"), "package:openssh-server", role="admin"),
    fact("ops.package-lost", "the SSH server's package is removed", "`deb_packages`: openssh-server is gone", lambda stage: stage.drop("deb_packages", name="openssh-server"), "package:openssh-server", within=2),
)
# fmt: on

ENTRIES = (*_PORTS, *_PACKAGES)
