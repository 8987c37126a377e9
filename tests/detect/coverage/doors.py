"""Network doors, and packages that matter to an intruder or against one."""

from tests.detect.coverage.entry import Entry, Found
from tests.detect.coverage.hosts import ANA, WORKER
from tests.detect.coverage.stage import Change, Stage, proc

from vedette.core import Row

__all__ = ["ENTRIES"]


def _found(subject: str, within: int = 0, expert: str = "inventory") -> Found:
    return Found(expert=expert, subject=subject, within=within)


def _listen(row: Row, port: int, address: str = "0.0.0.0") -> Change:  # noqa: S104 - a row
    return lambda stage: stage.listen(dict(row), port, address)


def _port(
    technique: str,
    name: str,
    evidence: str,
    row: Row,
    number: int,
    subject: str = "",
    role: str = "web",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence=f"`listening_ports`: {evidence}",
        steps=(_listen(row, number),),
        expect=_found(subject or f"port:tcp/{number}"),
        role=role,
    )


def _program(name: str, path: str, command: str = "", uid: int = 0, **more: int) -> Row:
    return proc(990, 1, name, path, command or path, uid, **more)


def _install(name: str) -> Change:
    return lambda stage: stage.upgrade(name, "1.0-1")


def _taken(stage: Stage) -> None:
    stage.drop("listening_ports", port=443)
    stage.listen(_program("edged", "/usr/local/sbin/edged"), 443)


def _expose(port: int) -> Change:
    return lambda stage: stage.edit("listening_ports", {"port": port}, address="0.0.0.0")  # noqa: S104 - a row


def _orphan(stage: Stage) -> None:
    row: Row = {"pid": -1, "port": 2201, "protocol": 6, "family": 2, "address": "0.0.0.0"}  # noqa: S104 - a row
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
    ),
    _port(
        "T1059.004",
        "a shell behind socat",
        "its program is socat",
        _program("socat", "/usr/bin/socat", "socat TCP-LISTEN:7000,fork EXEC:/bin/sh"),
        7_000,
        role="database",
    ),
    _port(
        "T1059.006",
        "an interpreter that waits, its code in the command line",
        "an interpreter with -c",
        _program("python3", "/usr/bin/python3.11", "python3 -c import_socket", 33),
        8_899,
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
    Entry(
        id="T1036",
        name="a known port taken by another program",
        evidence="`listening_ports`: the port of a server has another owner",
        steps=(_taken,),
        expect=_found("port:tcp/443"),
    ),
    Entry(
        id="T1133",
        name="the cache opened to the network",
        evidence="`listening_ports`: a port of the loopback address becomes one of all",
        steps=(_expose(6379),),
        expect=_found("port:tcp/6379"),
        role="database",
    ),
    Entry(
        id="T1133",
        name="an application's inner door opened to the network",
        evidence="`listening_ports`: a port of the loopback address becomes one of all",
        steps=(_expose(8000),),
        expect=_found("port:tcp/8000"),
    ),
    Entry(
        id="T1014",
        name="a port whose owner is hidden",
        evidence="`listening_ports`: no process owns it, while all others have one",
        steps=(_orphan,),
        expect=_found("port:tcp/2201"),
    ),
    Entry(
        id="T1489",
        name="a service no longer accepts connections",
        evidence="`listening_ports`: a row that was always there is gone",
        steps=(_close(80),),
        expect=_found("port:tcp/80", within=3),
    ),
    Entry(
        id="T1489",
        name="the database no longer accepts connections",
        evidence="`listening_ports`: a row that was always there is gone",
        steps=(_close(5432),),
        expect=_found("port:tcp/5432", within=3),
        role="database",
    ),
)
_PACKAGES = (
    Entry(
        id="T1562.001",
        name="the audit package is removed",
        evidence="`deb_packages`: auditd is gone",
        steps=(lambda stage: stage.drop("deb_packages", name="auditd"),),
        expect=_found("package:auditd", within=2),
    ),
    Entry(
        id="T1562.001",
        name="the logger's package is removed",
        evidence="`deb_packages`: rsyslog is gone",
        steps=(lambda stage: stage.drop("deb_packages", name="rsyslog"),),
        expect=_found("package:rsyslog", within=2),
        role="database",
    ),
    Entry(
        id="T1588.002",
        name="a tool for guessing passwords is installed",
        evidence="`deb_packages`: hydra is new",
        steps=(_install("hydra"),),
        expect=_found("package:hydra"),
    ),
    Entry(
        id="T1090.003",
        name="an anonymising network is installed",
        evidence="`deb_packages`: tor is new",
        steps=(_install("tor"),),
        expect=_found("package:tor"),
        role="database",
    ),
    Entry(
        id="T1219",
        name="a tool for remote desktops is installed",
        evidence="`deb_packages`: x11vnc is new",
        steps=(_install("x11vnc"),),
        expect=_found("package:x11vnc"),
        role="build",
    ),
    Entry(
        id="T1496.001",
        name="a miner is installed",
        evidence="`deb_packages`: xmrig is new",
        steps=(_install("xmrig"),),
        expect=_found("package:xmrig"),
    ),
    Entry(
        id="T1562.010",
        name="the SSH server is set back to an older version",
        evidence="`deb_packages`: a security-relevant package has a lower version",
        steps=(lambda stage: stage.upgrade("openssh-server", "0.9-1"),),
        expect=_found("package:openssh-server"),
        role="admin",
    ),
    Entry(
        id="ops.package-lost",
        name="the SSH server's package is removed",
        evidence="`deb_packages`: openssh-server is gone",
        steps=(lambda stage: stage.drop("deb_packages", name="openssh-server"),),
        expect=_found("package:openssh-server", within=2),
    ),
)

ENTRIES = (*_PORTS, *_PACKAGES)
