"""osquery's `crontab`: the jobs of system and user crontabs."""

import re

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.core import Row

__all__ = ["collect"]

_MAIN = "/etc/crontab"
_SYSTEM = "/etc/cron.d"
# Debian keeps users' crontabs in a folder of its own, others right in the spool.
_USERS = ("/var/spool/cron/crontabs", "/var/spool/cron")
_VARIABLE = re.compile(r"[\"']?[A-Za-z_]\w*[\"']?\s*=")
_COLUMNS = ("minute", "hour", "day_of_month", "month", "day_of_week")


def collect(source: Source) -> Table:
    """One row per job: the five time columns, command, path. In system crontabs the command begins with the user's name.

    `@reboot` and its like stand in `event`, with empty time columns.
    """
    rows: list[Row] = []
    misses = Misses()
    paths = [_MAIN]
    for directory in (_SYSTEM, *_USERS):
        with misses.noting(directory):
            paths.extend(f"{directory}/{name}" for name in source.names(directory) if _is_tab(name))
    for path in paths:
        # The spool has folders too: users' crontabs on Debian, and at(1)'s jobs.
        if source.is_dir(path):
            continue
        with misses.noting(path):
            rows.extend(_jobs(source.read(path), path))
    return Table(rows=rows, partly=str(misses))


def _is_tab(name: str) -> bool:
    """cron(8) passes over hidden files and editors' backups."""
    return not name.startswith(".") and not name.endswith("~")


def _jobs(raw: bytes, path: str) -> list[Row]:
    rows: list[Row] = []
    for part in raw.split(b"\n"):
        line = text(part).strip()
        if not line or line.startswith("#") or _VARIABLE.match(line):
            continue
        if line.startswith("@"):
            event, *command = line.split(None, 1)
            times = dict.fromkeys(_COLUMNS, "")
            rows.append({"event": event, **times, "command": "".join(command), "path": text(path)})
            continue
        fields = line.split(None, 5)
        if len(fields) == 6:
            times = dict(zip(_COLUMNS, fields[:5], strict=True))
            rows.append({**times, "command": fields[5], "path": text(path)})
    return rows
