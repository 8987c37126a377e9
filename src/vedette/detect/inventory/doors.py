"""Facts about network doors: who listens where, open to whom."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.inventory.fact import Fact, number, text
from vedette.detect.place import dropped, hidden, place, risky
from vedette.detect.ports import EPHEMERAL
from vedette.detect.signature import deed
from vedette.detect.view import View

__all__ = ["owners", "ports", "reaches"]

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
_DOORS = re.compile(r"^(nc|ncat|netcat|nc\.\w+|socat|(ba|da|z|k|a)?sh|telnet|pwncat\S*)$")
_CODE = re.compile(
    r"^(\S*/)?(python|perl|ruby|php|node|lua)[\d.]*(\s+-[a-zA-Z]+)*?\s+-\w*[cer](\s|$)"
)
_SCRIPT = re.compile(r"^\S*(?:python|perl|ruby|php|node|sh)[\d.]*(?:\s+-\S+)*\s+(/\S+)")
_LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")
_PROTOCOLS = {6: "tcp", 17: "udp"}
_ABOUT = ("name", "path", "cmdline")
_VERSION = re.compile(r"[-._]?\d[\d.]*$")
_MOSTLY = 0.8  # share of ports that have an owner where whoever looks may see them
_KERNEL = frozenset({111, 2049, 20048})
_THREAD = re.compile(
    r"^(kworker|ksoftirqd|kthreadd|migration|rcu_\w+|kswapd|watchdogd?|kdevtmpfs|jbd2|scsi_eh)\b"
)
_LOGINS = re.compile(r"^(sshd|dropbear|tinysshd|mosh-server|etserver)$")
_SHARE = re.compile(
    r"\s-m\s*(?:http\.server|SimpleHTTPServer|uploadserver|pyftpdlib)\b|\bphp[\d.]*\s.*-S\s|-run\s+-e\s*httpd"
    r"|\bbusybox\s+(?:httpd|ftpd|telnetd)|\btwistd\b.*\b(?:web|ftp)\b"
)
# Doors that let in whoever knocks, or send passwords in the clear: docker, X11, VNC, telnet, rsh, rlogin, rexec, tftp.
_BARE_PORTS = frozenset({23, 69, 512, 513, 514, 2375, 2376, 5900, 5901, 5902, 6000, 6001, 10255})
_REMOTE = re.compile(
    r"^(x11vnc|Xvnc\S*|Xtigervnc|vncserver|vino\S*|xrdp|in\.(telnet|rlogin|rsh|rexec|tftp)d|telnetd|shellinabox\S*|ttyd|anydesk|rustdesk|dropbear)$"
)
_PROXY = re.compile(
    r"^(microsocks|3proxy|gost|chisel|frps|frpc|ss-server|danted|sockd|redsocks|tinyproxy|goproxy|revsocks)$"
)


class _Door(NamedTuple):
    """A listening port with its owner, so far as it is known."""

    port: int
    protocol: str
    local: bool
    owner: Row | None
    name: str
    path: str
    command: str

    @property
    def number(self) -> str:
        """The port, or `any` for those that Linux hands out by itself."""
        return "any" if self.port >= EPHEMERAL else str(self.port)

    @property
    def subject(self) -> str:
        return f"port:{self.protocol}/{self.number if self.number != 'any' else self.name}"

    @property
    def program(self) -> str:
        """What listens, whatever its version: its program's name without digits, or its own."""
        return _VERSION.sub("", self.path.rpartition("/")[2] or self.name)


def _doors(view: View) -> Iterator[_Door]:
    """Of `listening_ports`. Needs `processes` for the names: without them nothing is said."""
    if "processes" not in view.seen:
        return
    listening = [row for row in view.rows("listening_ports") if number(row, "port", 0) > 0]
    for row in listening:
        owner = view.by_pid.get(text(row, "pid"))
        about = ("", "", "") if owner is None else tuple(text(owner, c) for c in _ABOUT)
        yield _Door(
            number(row, "port", 0),
            _PROTOCOLS.get(number(row, "protocol", 6), text(row, "protocol")),
            text(row, "address").startswith(_LOOPBACK),
            owner,
            *about,
        )


def ports(view: View) -> Iterator[Fact]:
    """One per program name, port and reach; the program's place is the value."""
    doors = list(_doors(view))
    known = sum(door.owner is not None for door in doors)
    for door in doors:
        # Where all others have an owner, one without hides. The kernel's own (nfs, tunnels) have none either.
        orphan = door.owner is None and known >= _MOSTLY * (len(doors) - 1) and known > 1
        yield _port(door, orphan=orphan and door.protocol == "tcp" and door.port not in _KERNEL)


def _port(door: _Door, *, orphan: bool) -> Fact:
    marks = _port_marks(door)
    if door.port in _BACKDOOR_PORTS and not door.local:
        marks.append("listen.port")
    if orphan and door.number != "any":
        marks.append("listen.orphan")
    marks.append("listen.loopback" if door.local else "listen.open")
    reach = "this machine only" if door.local else "the network"
    shown = (
        f"{door.name or 'an unknown program'} on {door.protocol} port {door.port}, open to {reach}"
    )
    return Fact(
        "port",
        f"{door.name}\0{door.protocol}\0{door.number}\0{door.local}",
        place(door.path),
        tuple(marks),
        door.subject,
        f"{shown} ({door.path})" if door.path else shown,
    )


def owners(view: View) -> Iterator[Fact]:
    """One per port and reach of those that servers choose: the program that listens is the value."""
    for door in _doors(view):
        if door.number == "any" or door.protocol != "tcp":
            continue
        reach = "this machine only" if door.local else "the network"
        shown = f"{door.name or 'a program'} on tcp port {door.port}, open to {reach}"
        yield Fact(
            "door",
            f"{door.protocol}\0{door.number}\0{door.local}",
            door.program,
            ("door.new",),
            door.subject,
            f"{shown} ({door.path})" if door.path else shown,
            "door.taken" if door.program else "door.new",
            "port",
        )


def reaches(view: View) -> Iterator[Fact]:
    """One per program and port: who may reach it is the value."""
    for door in _doors(view):
        if door.number != "any" and door.program:
            yield Fact(
                "reach",
                f"{door.program}\0{door.protocol}\0{door.number}",
                str(door.local),
                ("reach.new",),
                door.subject,
                f"{door.name} on {door.protocol} port {door.port}",
                "reach.new" if door.local else "reach.opened",
            )


def _port_marks(door: _Door) -> list[str]:
    owner, name, path, local = door.owner, door.name, door.path, door.local
    marks = []
    gone = owner is not None and number(owner, "on_disk", 1) == 0
    script = _SCRIPT.match(door.command)
    lost = gone and place(path) not in {"system", "local", "app"}
    if risky(path) or lost or (script is not None and risky(script[1])):
        marks.append("listen.local" if local else "listen.risky")
    if hidden(path):
        marks.append("listen.hidden")
    if _DOORS.match(name) or _DOORS.match(path.rsplit("/", 1)[-1]):
        marks.append("listen.shell")
    if path and (_THREAD.match(name) or door.command.startswith("[")):
        marks.append("listen.thread")
    if not local:
        marks += _open_marks(door)
    return marks


def _open_marks(door: _Door) -> list[str]:
    """Of a port that the network reaches. On the loopback address, tests and helpers do all of this."""
    marks = []
    rooted = door.owner is not None and number(door.owner, "uid") == 0
    if rooted and place(door.path) in {"local", "app"}:
        marks.append("listen.stray")
    if _LOGINS.match(door.name):
        marks.append("listen.login")
    if dropped(door.path):
        marks.append("listen.dropped")
    if _CODE.match(door.command):
        marks.append("listen.code")
    if _SHARE.search(door.command):
        marks.append("listen.share")
    if place(door.path) in {"home", "roothome"}:
        marks.append("listen.home")
    if door.port in _BARE_PORTS or _REMOTE.match(door.name):
        marks.append("listen.bare")
    if deed(door.command) == "tunnel" or _PROXY.match(door.name):
        marks.append("listen.proxy")
    return marks
