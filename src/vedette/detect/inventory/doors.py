"""Facts about network doors (listening ports) and about packages that matter to an intruder or against one."""

import re
from collections.abc import Iterable, Iterator

from vedette.core import Row
from vedette.detect.inventory.fact import Fact, number, text
from vedette.detect.place import hidden, place, risky
from vedette.detect.view import View

__all__ = ["deb_packages", "ports", "rpm_packages"]

_BACKDOOR_PORTS = frozenset(
    {
        1337,
        4242,
        4443,
        4444,
        4445,
        4446,
        5555,
        6666,
        6667,
        6697,
        9001,
        9999,
        12345,
        13337,
        31337,
        54321,
        65535,
    }
)
_EPHEMERAL = 32768  # where Linux begins to hand out ports by itself
_DOORS = re.compile(r"^(nc|ncat|netcat|nc\.\w+|socat|(ba|da|z|k|a)?sh|telnet|pwncat\S*)$")
_CODE = re.compile(
    r"^(\S*/)?(python|perl|ruby|php|node|lua)[\d.]*(\s+-[a-zA-Z]+)*?\s+-\w*[cer](\s|$)"
)
_SCRIPT = re.compile(r"^\S*(?:python|perl|ruby|php|node|sh)[\d.]*(?:\s+-\S+)*\s+(/\S+)")
_LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
_PROTOCOLS = {6: "tcp", 17: "udp"}

_GUARDS = frozenset(
    [
        "auditd",
        "rsyslog",
        "syslog-ng",
        "osquery",
        "falco",
        "clamav",
        "clamav-daemon",
        "fail2ban",
        "apparmor",
        "ufw",
        "firewalld",
        "nftables",
        "wazuh-agent",
        "auditbeat",
        "filebeat",
        "aide",
        "rkhunter",
        "chkrootkit",
        "crowdsec",
        "selinux-policy",
        "audit",
        "tripwire",
    ]
)
_DUAL = frozenset(
    [
        "nmap",
        "masscan",
        "hydra",
        "john",
        "hashcat",
        "sqlmap",
        "nikto",
        "netcat-traditional",
        "netcat-openbsd",
        "ncat",
        "nmap-ncat",
        "socat",
        "tcpdump",
        "tshark",
        "wireshark",
        "ettercap-common",
        "dsniff",
        "aircrack-ng",
        "proxychains",
        "proxychains4",
        "tor",
        "hping3",
        "medusa",
        "arp-scan",
        "xmrig",
        "sshpass",
        "autossh",
        "iodine",
        "stunnel4",
        "gdb",
        "cryptominer",
        "zmap",
        "ngrep",
        "bettercap",
    ]
)


_TOLD = _GUARDS | _DUAL


def ports(view: View) -> Iterator[Fact]:
    """Of `listening_ports`: one per program name, port and reach; the program's place is the value.

    Needs `processes` for the names: without them nothing is said.
    """
    if "processes" not in view.seen:
        return
    listening = [row for row in view.rows("listening_ports") if number(row, "port", 0) > 0]
    pids = {text(row, "pid") for row in listening}
    owners = {text(row, "pid"): row for row in view.rows("processes") if text(row, "pid") in pids}
    for row in listening:
        yield _port(row, owners.get(text(row, "pid")))


def _port(row: Row, owner: Row | None) -> Fact:
    port, address = number(row, "port", 0), text(row, "address")
    protocol = _PROTOCOLS.get(number(row, "protocol", 6), text(row, "protocol"))
    name, path = (text(owner, "name"), text(owner, "path")) if owner is not None else ("", "")
    command = text(owner, "cmdline") if owner is not None else ""
    local = address.startswith(_LOOPBACK)
    door = "any" if port >= _EPHEMERAL else str(port)
    marks = _port_marks(owner, name, path, command, local=local)
    if port in _BACKDOOR_PORTS and not local:
        marks.append("listen.port")
    marks.append("listen.loopback" if local else "listen.open")
    reach = "this machine only" if local else "the network"
    shown = f"{name or 'an unknown program'} on {protocol} port {port}, open to {reach}"
    return Fact(
        "listen",
        f"{name}\0{protocol}\0{door}\0{local}",
        place(path),
        tuple(marks),
        f"port:{protocol}/{door}" if door != "any" else f"port:{protocol}/{name}",
        f"{shown} ({path})" if path else shown,
        watch="port" if door != "any" and protocol == "tcp" else "",
    )


def _port_marks(owner: Row | None, name: str, path: str, command: str, *, local: bool) -> list[str]:
    marks = []
    gone = owner is not None and number(owner, "on_disk", 1) == 0
    script = _SCRIPT.match(command)
    lost = gone and place(path) not in {"system", "local", "app"}
    if risky(path) or lost or (script is not None and risky(script[1])):
        marks.append("listen.local" if local else "listen.risky")
    if hidden(path):
        marks.append("listen.hidden")
    if _DOORS.match(name) or _DOORS.match(path.rsplit("/", 1)[-1]):
        marks.append("listen.shell")
    if _CODE.match(command) and not local:
        # Test workers and spawned helpers run code from their command line and listen on the loopback address.
        marks.append("listen.code")
    return marks


def deb_packages(view: View) -> Iterator[Fact]:
    """Of `deb_packages`: those that guard a host, and those that serve both sides."""
    return _packages("tool", view.rows("deb_packages"))


def rpm_packages(view: View) -> Iterator[Fact]:
    """Of `rpm_packages`, likewise. A kind of its own, as one table may change while the other comes by digest."""
    return _packages("tool.rpm", view.rows("rpm_packages"))


def _packages(kind: str, rows: Iterable[Row]) -> Iterator[Fact]:
    for name in _told(rows):
        subject = f"package:{name}"
        if name in _GUARDS:
            yield Fact(kind, name, "", ("tool.guard",), subject, name, watch="guard-package")
        elif name in _DUAL:
            yield Fact(kind, name, "", ("tool.dual",), subject, name)


def _told(rows: Iterable[Row]) -> Iterator[str]:
    names = (row.get("name") for row in rows)
    return (name for name in names if isinstance(name, str) and name in _TOLD)
