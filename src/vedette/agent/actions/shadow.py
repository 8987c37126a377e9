"""Accounts of this host as /etc/passwd, shadow and group tell them, and usermod(8) to lock and expire one."""

import subprocess

from vedette.agent.actions.kind import CannotDo
from vedette.agent.actions.scene import Scene
from vedette.agent.collect.source import Unreadable
from vedette.core import Record, SystemClock

__all__ = [
    "Account",
    "accounts",
    "administrators",
    "can_enter",
    "end_sessions",
    "standing",
    "usermod",
    "usermod_words",
]

_MOST_WORDS = 500
_NO_SESSION = "not logged in"
_ADMIN_GROUPS = frozenset({"sudo", "wheel", "admin"})
_NO_LOGIN = frozenset({"", "nologin", "false", "sync", "halt", "shutdown"})
_KEYS = (".ssh/authorized_keys", ".ssh/authorized_keys2")
_DAY = 86_400


class Account(Record, frozen=True, kw_only=True):
    """One account. `expires` is shadow(5)'s field in days, as text; empty for never. `shell` is its login program.

    `locked` says that a lock stands before the password; `password` that there is one that lets in, `blank` that none is asked.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    locked: bool
    password: bool
    blank: bool
    expires: str

    @property
    def logs_in(self) -> bool:
        """Whether it has a shell that lets anyone in."""
        return self.shell.rpartition("/")[2] not in _NO_LOGIN


def accounts(scene: Scene) -> dict[str, Account]:
    """All that have a row in both files. Raises CannotDo."""
    shadow = {row[0]: row for row in _rows("/etc/shadow", 9, scene)}
    found: dict[str, Account] = {}
    for name, _, uid, gid, _, home, shell in (row[:7] for row in _rows("/etc/passwd", 7, scene)):
        if name not in shadow or not uid.isdecimal() or not gid.isdecimal():
            continue
        kept = shadow[name][1]
        found[name] = Account(
            name=name,
            uid=int(uid),
            gid=int(gid),
            home=home,
            shell=shell,
            locked=kept.startswith("!"),
            password=not kept.startswith(("!", "*")),
            blank=not kept,
            expires=shadow[name][7],
        )
    return found


def administrators(known: dict[str, Account], scene: Scene) -> frozenset[str]:
    """Who may become root once logged in: members of sudo, wheel or admin, by group(5) or as their first group.

    One whose password is locked is among them: keys let in all the same.
    """
    names: set[str] = set()
    for group, _, gid, members in (row[:4] for row in _rows("/etc/group", 4, scene)):
        if group in _ADMIN_GROUPS:
            names.update(members.split(","))
            names.update(one.name for one in known.values() if str(one.gid) == gid)
    return frozenset(name for name in names if name in known and known[name].logs_in)


def can_enter(one: Account, scene: Scene) -> bool:
    """Whether it has not expired, and there is a password or a key that lets it in."""
    today = SystemClock().now().timestamp() // _DAY
    if one.expires.isdecimal() and today >= int(one.expires):
        return False
    return one.password or any(_has_keys(f"{one.home}/{name}", scene) for name in _KEYS)


def _has_keys(path: str, scene: Scene) -> bool:
    try:
        lines = scene.source.lines(path)
    except (OSError, Unreadable):
        return False
    return any(line.strip() and not line.startswith("#") for line in lines)


def standing(scene: Scene) -> str:
    """Lock and expiry of every account, one a line; no hash of a password is in it. Raises CannotDo."""
    return "\n".join(
        f"{one.name} {'locked' if one.locked else 'open'} expires={one.expires or 'never'}"
        for one in accounts(scene).values()
    )


def usermod_words(scene: Scene) -> list[str]:
    """The program, with the root that it is to work on where that is not the agent's own. Raises CannotDo."""
    program = scene.system.find("usermod")
    if program is None:
        raise CannotDo("usermod is not installed")
    root = scene.source.at("")
    return [program, "--prefix", root] if root else [program]


def usermod(words: list[str], scene: Scene) -> None:
    """Changes one account. Raises CannotDo."""
    try:
        ran = scene.system.run([*usermod_words(scene), *words], "")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotDo(f"usermod can't be run: {error}") from error
    if ran.status != 0:
        told = ran.stderr.strip()[:_MOST_WORDS]
        raise CannotDo(f"usermod failed: {told or f'status {ran.status}'}")


def end_sessions(name: str, scene: Scene) -> None:
    """Ends all that the account runs in its sessions. One without any is not an error. Raises CannotDo."""
    program = scene.system.find("loginctl")
    if program is None:
        raise CannotDo("loginctl is not installed")
    try:
        ran = scene.system.run([program, "terminate-user", name], "")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotDo(f"loginctl can't be run: {error}") from error
    if ran.status != 0 and _NO_SESSION not in ran.stderr:
        raise CannotDo(f"loginctl failed: {ran.stderr.strip()[:_MOST_WORDS]}")


def _rows(path: str, fields: int, scene: Scene) -> list[list[str]]:
    try:
        lines = scene.source.lines(path)
    except (OSError, Unreadable) as error:
        raise CannotDo(f"{path} can't be read: {error}") from error
    rows = (line.split(":") for line in lines)
    return [row for row in rows if len(row) >= fields and row[0] and row[0][0] not in "#+-"]
