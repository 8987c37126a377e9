"""osquery's `logged_in_users`: people's sessions, from utmp(5), or from systemd-logind where there is no utmp."""

import platform
import struct

from vedette.agent.collect.source import Source, Unreadable, text
from vedette.agent.collect.table import Misses, Table
from vedette.core import Row

__all__ = ["LoggedInUsers"]

_UTMP = ("/run/utmp", "/var/run/utmp")
_SESSIONS = "/run/systemd/sessions"
_USER_PROCESS = 7
# glibc's struct utmp: type, pid, line, id, user, host, exit, session, seconds, microseconds, address, reserved.
_COMPACT = struct.Struct("=h2xi32s4s32s256s2hiii16s20s")
_WIDE = struct.Struct("=h2xi32s4s32s256s2hqqq16s20s4x")
_WIDE_MACHINES = frozenset({"aarch64", "arm64"})


class LoggedInUsers:
    """Remembers whether there was a utmp file, so that deleting it hides nobody."""

    def __init__(self, source: Source, *, machine: str = "") -> None:
        self._source = source
        self._layout = _WIDE if (machine or platform.machine()) in _WIDE_MACHINES else _COMPACT
        self._had_utmp = False

    def collect(self) -> Table:
        """One row per session: user, tty, host (where from; empty at the machine itself), time (Unix seconds).

        Where neither utmp nor logind keeps sessions there are no rows, as `who` shows none.
        """
        for path in _UTMP:
            raw = self._source.read_if_there(path)
            if raw is not None:
                self._had_utmp = True
                return Table(rows=self._parse(raw, path))
        if self._had_utmp:
            raise Unreadable(f"{_UTMP[0]} was there and is gone")
        return self._sessions()

    def _parse(self, raw: bytes, path: str) -> list[Row]:
        if len(raw) % self._layout.size:
            raise Unreadable(f"{path} is not made of records of {self._layout.size} bytes")
        return [
            {
                "user": _string(record[4]),
                "tty": _string(record[2]),
                "host": _string(record[5]),
                "time": record[9],
            }
            for record in self._layout.iter_unpack(raw)
            if record[0] == _USER_PROCESS
        ]

    def _sessions(self) -> Table:
        rows: list[Row] = []
        misses = Misses()
        for name in self._source.names(_SESSIONS):
            if name.endswith(".ref"):
                continue
            with misses.noting(f"{_SESSIONS}/{name}"):
                fields = dict(
                    line.partition("=")[::2] for line in self._source.lines(f"{_SESSIONS}/{name}")
                )
                if fields.get("CLASS", "").startswith("user") and "USER" in fields:
                    rows.append(
                        {
                            "user": fields["USER"],
                            "tty": fields.get("TTY", ""),
                            "host": fields.get("REMOTE_HOST", ""),
                            "time": _seconds(fields.get("REALTIME", "")),
                        }
                    )
        return Table(rows=rows, partly=str(misses))


def _string(field: bytes) -> str:
    return text(field.split(b"\0", 1)[0])


def _seconds(microseconds: str) -> int:
    if not microseconds:
        return 0
    if not (microseconds.isascii() and microseconds.isdecimal() and len(microseconds) <= 18):
        raise Unreadable("its time can't be")
    return int(microseconds) // 1_000_000
