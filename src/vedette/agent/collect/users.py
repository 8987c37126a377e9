"""osquery's `users`, from /etc/passwd."""

from vedette.agent.collect.source import Source
from vedette.agent.collect.table import Misses, Table
from vedette.core import Record, Row

__all__ = ["User", "collect", "users"]

_MOST = 2**32 - 1


class User(Record, frozen=True, kw_only=True):
    """One line of passwd(5)."""

    username: str
    uid: int
    gid: int
    directory: str
    shell: str


def users(source: Source, misses: Misses | None = None) -> list[User]:
    """The local users in file order. A line that libc would not take as a user is none here either.

    One whose number is beyond 32 bits is none too, but other readers of the file may differ: it is noted.
    """
    found = []
    for line in source.lines("/etc/passwd"):
        fields = line.split(":")
        if len(fields) != 7 or line.startswith(("#", "+", "-")):
            continue
        name, _, uid, gid, _, directory, shell = fields
        if not (name and _is_number(uid) and _is_number(gid)):
            continue
        numbers = _number(uid), _number(gid)
        if numbers[0] is not None and numbers[1] is not None:
            found.append(
                User(
                    username=name, uid=numbers[0], gid=numbers[1], directory=directory, shell=shell
                )
            )
        elif misses is not None:
            misses.add(f"/etc/passwd: {name[:64]}", "a uid or gid beyond 32 bits")
    return found


def collect(source: Source) -> Table:
    """One row per local user."""
    misses = Misses()
    rows: list[Row] = [
        {
            "username": user.username,
            "uid": user.uid,
            "gid": user.gid,
            "shell": user.shell,
            "directory": user.directory,
        }
        for user in users(source, misses)
    ]
    return Table(rows=rows, partly=str(misses))


def _is_number(field: str) -> bool:
    return field.isascii() and field.isdecimal()


def _number(field: str) -> int | None:
    """None for one beyond 32 bits. Judged by its length first: Python makes no number of thousands of digits."""
    digits = field.lstrip("0") or "0"
    return int(digits) if len(digits) <= 10 and int(digits) <= _MOST else None
