"""People and managing tools at work, and what of it is one act: an account with its key, a service with its program."""

import re
from collections.abc import Collection, Iterator, Mapping

from vedette.core import Row
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number, text
from vedette.detect.place import dropped, hidden, place
from vedette.detect.view import View

__all__ = ["acts", "person_is_root", "someone_works"]

_SESSION = re.compile(r"^sshd(?:-session)?: ([\w.-]+)@(?:pts/|notty)")
# A run of what manages a machine, not the daemon that waits for its hour.
_RUN = re.compile(
    r"AnsiballZ_|/\.ansible/tmp/|\bpuppet agent\b.*(?:--onetime|--test|-t\b|applying)|\bchef-client\b.*(?:--once|worker)"
    r"|\bcinc-client\b.*--once|\bsalt-call\b|\bcloud-init (?:init|modules|single)|\bansible-pull\b"
)
_ASKS_RIGHTS = frozenset({"sudo", "su", "doas"})
_MANAGED_SECONDS = 3_600  # a run that lasts for longer is a daemon
_LETTERS = 400  # of a command that are read
_WORDS = 4
_LEAST_NAME = 3
_ENDS = re.compile(r"(?:\.(?:service|timer|socket|path|py|rb|js|jar|sh|bin|pl)|[-_.]?\d[\d.]*)+$")
_PUNCTUATION = re.compile(r"[-_.@]")
_LOWEST_PERSON, _HIGHEST_PERSON = 1_000, 60_000


def _person_is_here(view: View, closed: Collection[str]) -> bool:
    """Whether a person who may log in is logged in."""
    return any(
        text(row, "user") and text(row, "user") not in closed and text(row, "type") in {"", "user"}
        for row in view.rows("logged_in_users")
    )


def person_is_root(view: View, closed: Collection[str]) -> bool:
    """Whether a person is logged in, and works with root's rights."""
    return _person_is_here(view, closed) and not _ASKS_RIGHTS.isdisjoint(view.names)


def someone_works(view: View, closed: Collection[str]) -> bool:
    """Whether a person is logged in or has a session without a terminal, or a managing tool is in the middle of a run."""
    if _person_is_here(view, closed):
        return True
    now = view.snapshot.taken_at.timestamp()
    for row in view.by_pid.values():
        command = text(row, "cmdline")[:_LETTERS]
        session = _SESSION.match(command)
        if session is not None and session[1] not in closed:
            return True
        if _RUN.search(command) and now - number(row, "start_time", 0) < _MANAGED_SECONDS:
            return True
    return False


def acts(view: View, known_users: Mapping[int, object]) -> Iterator[str]:
    """The subjects of facts that belong to an act whose parts fit each other.

    A new account of a person in a home of its own name, with the key in it; a unit of this host whose name is that of a
    program that runs from /opt, /usr/local or /srv under an account of that name or a known one, with its ports.
    `known_users` are the fingerprints of accounts that were here before.
    """
    newcomers = [
        row for row in view.rows("users") if fingerprint(text(row, "username")) not in known_users
    ]
    files = {text(row, "key_file") for row in view.rows("authorized_keys")}
    for row in newcomers:
        name, home = text(row, "username"), text(row, "directory")
        person = _LOWEST_PERSON <= number(row, "uid") < _HIGHEST_PERSON
        file = f"{home}/.ssh/authorized_keys"
        # Colleagues come with a key. An account with a password alone asks, whoever is there.
        if person and home == f"/home/{name}" and file in files:
            yield f"user:{name}"
            yield f"key:{file}"
    yield from _services(view, {number(row, "uid"): text(row, "username") for row in newcomers})


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
    for pid, row in view.by_pid.items():
        stem = next((one for one in _own_names(row) if one in names), "")
        uid = number(row, "uid", 65_534)
        if not stem or (uid in newcomers and not _akin(_stem(newcomers[uid]), stem)):
            continue
        yield f"unit:{names[stem]}"
        yield f"file:/etc/systemd/system/{names[stem]}"
        if uid in newcomers:
            yield f"user:{newcomers[uid]}"
        for port in view.rows("listening_ports"):
            if str(port.get("pid")) == pid:
                yield f"port:tcp/{number(port, 'port', 0)}"


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
