"""osquery's `users`, from /etc/passwd."""

from vedette.agent.collect.source import Source
from vedette.agent.collect.table import Table
from vedette.core import Record, Row

__all__ = ["User", "collect", "users"]


class User(Record, frozen=True, kw_only=True):
    """One line of passwd(5)."""

    username: str
    uid: int
    gid: int
    directory: str
    shell: str


def users(source: Source) -> list[User]:
    """The local users in file order. A line that libc would not take as a user is none here either."""
    found = []
    for line in source.lines("/etc/passwd"):
        fields = line.split(":")
        if len(fields) != 7 or line.startswith(("#", "+", "-")):
            continue
        name, _, uid, gid, _, directory, shell = fields
        if name and uid.isdecimal() and gid.isdecimal():
            found.append(
                User(username=name, uid=int(uid), gid=int(gid), directory=directory, shell=shell)
            )
    return found


def collect(source: Source) -> Table:
    """One row per local user."""
    rows: list[Row] = [
        {
            "username": user.username,
            "uid": user.uid,
            "gid": user.gid,
            "shell": user.shell,
            "directory": user.directory,
        }
        for user in users(source)
    ]
    return Table(rows=rows)
