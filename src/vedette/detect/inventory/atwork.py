"""People and managing tools at work, and what of it is one act: an account with its key, a service with its program."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TypeGuard

from vedette.core import Row
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.accounts import network_of
from vedette.detect.inventory.fact import number, text
from vedette.detect.lineage import lineage
from vedette.detect.managing import manages, runs
from vedette.detect.place import dropped, hidden, place, risky
from vedette.detect.session import session_of
from vedette.detect.view import View

__all__ = [
    "acts",
    "asks_rights",
    "awaited",
    "in_session",
    "managing_run",
    "may_be_managed",
    "person_is_here",
    "somebody_strays",
    "someone_works",
]

Networks = Mapping[int, Collection[int]]

_ASKS_RIGHTS = frozenset({"sudo", "su", "doas"})
_TERMINAL = re.compile(
    r"^(?:login|tmux|screen|zellij|mosh-server|gnome-terminal|konsole|xterm|kitty|alacritty|cockpit-|code-server)",
    re.IGNORECASE,
)
_MANAGED_SECONDS = 3_600  # a run that lasts for longer is a daemon
_SETTLED_SECONDS = 900  # and a daemon that is younger is not trusted yet
_OLD_SECONDS = 14_400  # nor for as long as this one that goes by no known name
_STEP = 300  # seconds that a step of such a daemon takes at the most
# Trees of one's own, where only root writes.
_TREE = re.compile(r"^/(?:opt|usr/local/(?:lib|libexec|share))/[\w.-]+/")
_WAITS = frozenset({"sleep", "timeout", "flock"})  # a daemon's child that only waits is no step
# Nor is one that only looks: what watches a machine asks all day for what is there.
_LOOKS = re.compile(
    r"^(?:ps|pgrep|pidof|top|free|uptime|vmstat|iostat|mpstat|pidstat|sar|df|du|lsblk|blkid|findmnt|stat|ls|find|cat|head|tail|e?grep|cut"
    r"|sort|wc|tr|[gm]?awk|id|who|w|last|uname|hostname|hostnamectl|nproc|lscpu|lspci|lsusb|lsmod|dmidecode|smartctl|nvme|sensors"
    r"|ipmitool|ss|netstat|ip|ifconfig|ethtool|ping6?|dig|host|nslookup|getent|lsof|journalctl|dpkg-query|rpm)$"
)
_DOES_MORE = re.compile(r"(?:;|(?<!>)&)\s*[\w/]|>(?!\s*(?:/dev/null|&))")  # of a shell's code
_CODE = re.compile(r"^\S*sh\s+-\w*c\s+[\s\"'({]*(?:\S*/)?([\w.+-]+)")
# Names without which no run of a tool is under way, so that most snapshots need not be looked through.
_TOOLS = frozenset(
    [
        "puppet",
        "puppet agent",
        "chef-client",
        "cinc-client",
        "salt-call",
        "ansible-pull",
        "cloud-init",
        "ruby",
    ]
)
_LETTERS = 400  # of a command that are read
_WORDS = 4
_LEAST_NAME = 3
_ENDS = re.compile(r"(?:\.(?:service|timer|socket|path|py|rb|js|jar|sh|bin|pl)|[-_.]?\d[\d.]*)+$")
_PUNCTUATION = re.compile(r"[-_.@]")
_LOWEST_PERSON, _HIGHEST_PERSON = 1_000, 60_000


def person_is_here(view: View, closed: Collection[str], networks: Networks) -> bool:
    """Whether a person who may log in is logged in, and not from a network that they never came from.

    `networks` are those that people came from, by the fingerprint of their name.
    """
    return any(
        text(row, "user")
        and text(row, "user") not in closed
        and text(row, "type") in {"", "user"}
        and not _strays(row, networks)
        for row in view.rows("logged_in_users")
    )


def somebody_strays(view: View, networks: Networks) -> bool:
    """Whether anybody is logged in from another network inside than they always came from."""
    return any(_strays(row, networks) for row in view.rows("logged_in_users"))


def _strays(row: Row, networks: Networks) -> bool:
    """Whether this person always came from one network inside, and now does from another."""
    usual = networks.get(fingerprint(text(row, "user")))
    if not usual:
        return False
    network = network_of(text(row, "host")[:_LETTERS])
    return bool(network) and fingerprint(network) not in usual


def asks_rights(view: View) -> bool:
    """Whether somebody works with another's rights, as a rule root's. Services and jobs that change their account so are nobody."""
    if _ASKS_RIGHTS.isdisjoint(view.names):
        return False
    rows = view.by_pid
    return any(
        text(row, "name") in _ASKS_RIGHTS and _is_of_a_person(text(row, "parent"), rows)
        for row in rows.values()
    )


def _is_of_a_person(parent: str, rows: Mapping[str, Row]) -> bool:
    """Whether a session or a terminal is above."""
    return any(
        session_of(text(rows[pid], "cmdline")) or _TERMINAL.match(text(rows[pid], "name"))
        for pid in lineage(parent, rows)
    )


def in_session(view: View, closed: Collection[str]) -> bool:
    """Whether somebody who may log in has a session over SSH, be it without a terminal."""
    people = (session_of(text(row, "cmdline")) for row in view.by_pid.values())
    return any(person and person not in closed for person in people)


def someone_works(view: View, closed: Collection[str], networks: Networks) -> bool:
    """Whether a person is logged in or has a session without a terminal, or a managing tool is in the middle of a run."""
    here = person_is_here(view, closed, networks) or in_session(view, closed)
    return here or managing_run(view)


def may_be_managed(view: View) -> bool:
    """Whether it is worth to look for a run: by the names of processes alone."""
    return not (_TOOLS.isdisjoint(view.names) and _ASKS_RIGHTS.isdisjoint(view.names))


def managing_run(view: View) -> bool:
    """Whether root is in the middle of a managing tool's run, or of a step of the daemon that manages this machine.

    What comes over the network comes through a login; a daemon has run for a while, and none but root wrote its program.
    """
    now, rows = view.snapshot.taken_at.timestamp(), view.by_pid
    doors = _doors(view)
    for row in rows.values():
        if number(row, "uid", -1) or now - number(row, "start_time", 0) >= _MANAGED_SECONDS:
            continue
        command = text(row, "cmdline")[:_LETTERS]
        if runs(command) and not any(
            map(_is_planted, (text(row, "path"), *command.split()[:_WORDS]))
        ):
            if "ansible" not in command.lower() and "BECOME" not in command:
                return True
            if "ansible-pull" in command or _through_login(row, rows):
                return True
        if text(row, "name") not in _WAITS:
            above = rows.get(text(row, "parent"))
            if _is_manager(above, now):
                return True
            if _is_keeper(above, now, doors) and _is_step(row, now):
                return True
    return False


def _is_planted(path: str) -> bool:
    return risky(path) or (hidden(path) and place(path) not in {"home", "roothome"})


def _through_login(row: Row, rows: Mapping[str, Row]) -> bool:
    above = lineage(text(row, "parent"), rows)
    return any(session_of(text(rows[pid], "cmdline")) for pid in above)


def _is_manager(row: Row | None, now: float) -> bool:
    """Whether it is root's own daemon that manages this machine, by the tree that it lies in."""
    if not _is_daemon(row, now, _SETTLED_SECONDS):
        return False
    return any(manages(path) for path in _things(row))


def _is_keeper(row: Row | None, now: float, doors: Collection[str] | None) -> bool:
    """Whether it may manage this machine, whatever it is called.

    It is root's daemon, from a tree of its own where only root writes, as old as half a day's work, and nobody can reach it: what
    manages a machine asks for its orders, and what waits for connections may be talked into anything.
    """
    if doors is None or not _is_daemon(row, now, _OLD_SECONDS) or text(row, "pid") in doors:
        return False
    paths = _things(row)
    return any(map(_TREE.match, paths)) and not any(
        hidden(path) or risky(path) or dropped(path) for path in paths
    )


def _is_step(row: Row, now: float) -> bool:
    """Whether such a daemon's child may change something: it has just begun, and does not only look."""
    command = text(row, "cmdline")[:_LETTERS]
    code = _CODE.match(command)
    tool = code[1] if code is not None else text(row, "name")
    looks = _LOOKS.match(tool) and (code is None or not _DOES_MORE.search(command))
    return now - number(row, "start_time", 0) < _STEP and not looks


def _is_daemon(row: Row | None, now: float, age: float) -> TypeGuard[Row]:
    if row is None or number(row, "uid", -1) or text(row, "parent") not in {"0", "1"}:
        return False
    return now - number(row, "start_time", int(now)) > age and number(row, "on_disk", 1) != 0


def _things(row: Row) -> tuple[str, ...]:
    """The program, and what it was given: of an interpreter that is the script."""
    return (text(row, "path"), *text(row, "cmdline")[:_LETTERS].split()[:_WORDS])


def _doors(view: View) -> frozenset[str] | None:
    """The ids of processes that wait for connections from the network; None where the ports were not seen."""
    if "listening_ports" not in view.seen:
        return None
    return frozenset(
        text(row, "pid")
        for row in view.rows("listening_ports")
        if not text(row, "address").startswith(("127.", "::1"))
    )


def acts(view: View, known_users: Mapping[int, object]) -> Iterator[str]:
    """The subjects of facts that belong to an act whose parts fit each other.

    A new account of a person in a home of its own name, with the key in it; a unit of this host whose name is that of a
    program that runs from /opt, /usr/local or /srv under an account of that name or a known one, with its ports.
    `known_users` are the fingerprints of accounts that were here before.
    """
    newcomers = [
        row for row in view.rows("users") if fingerprint(text(row, "username")) not in known_users
    ]
    for row, file, held in _colleagues(view, newcomers):
        # Colleagues come with a key. An account with a password alone asks, whoever is there.
        if held:
            yield f"user:{text(row, 'username')}"
            yield f"key:{file}"
    yield from _services(view, {number(row, "uid"): text(row, "username") for row in newcomers})


def awaited(view: View, known_users: Mapping[int, object]) -> Iterator[str]:
    """The subjects of new accounts that lack only their key: who makes one by hand gives it the key in the next minutes."""
    newcomers = (
        row for row in view.rows("users") if fingerprint(text(row, "username")) not in known_users
    )
    for row, _, held in _colleagues(view, newcomers):
        if not held:
            yield f"user:{text(row, 'username')}"


def _colleagues(view: View, newcomers: Iterable[Row]) -> Iterator[tuple[Row, str, bool]]:
    """Of new accounts those of people with a home of their name, where the account's keys lie, and whether there are any."""
    files = {text(row, "key_file") for row in view.rows("authorized_keys")}
    for row in newcomers:
        name, home = text(row, "username"), text(row, "directory")
        file = f"{home}/.ssh/authorized_keys"
        if _LOWEST_PERSON <= number(row, "uid") < _HIGHEST_PERSON and home == f"/home/{name}":
            yield row, file, file in files


def _services(view: View, newcomers: Mapping[int, str]) -> Iterator[str]:
    names = {
        stem: text(row, "id")
        for row in view.rows("systemd_units")
        if text(row, "fragment_path").startswith(
            ("/etc/systemd/system/", "/usr/local/lib/systemd/")
        )
        and len(stem := _stem(text(row, "id"))) >= _LEAST_NAME
    }
    if not names:
        return
    ports: dict[str, list[int]] = {}
    for row in view.rows("listening_ports"):
        ports.setdefault(text(row, "pid"), []).append(number(row, "port", 0))
    for pid, row in view.by_pid.items():
        stem = next((one for one in _own_names(row) if one in names), "")
        uid = number(row, "uid", 65_534)
        if not stem or (uid in newcomers and not _akin(_stem(newcomers[uid]), stem)):
            continue
        yield f"unit:{names[stem]}"
        yield f"file:/etc/systemd/system/{names[stem]}"
        if uid in newcomers:
            yield f"user:{newcomers[uid]}"
        yield from (f"port:tcp/{port}" for port in ports.get(pid, ()))


def _own_names(row: Row) -> Iterator[str]:
    """The stems of a program's own name and of its directories, where it lies in the open, where services of one's own lie."""
    words = text(row, "cmdline")[:_LETTERS].split()[:_WORDS]
    for path in (text(row, "path"), *words):
        honest = place(path) in {"local", "app"} and not hidden(path) and not dropped(path)
        if honest and number(row, "on_disk", 1) != 0:
            yield from (_stem(part) for part in path.split("/")[2:] if part)


def _stem(name: str) -> str:
    return _PUNCTUATION.sub("", _ENDS.sub("", name)).lower()


def _akin(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)
