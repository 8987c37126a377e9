"""Looks for damage in the SQLite files of a data folder, before a server uses them."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import make_url

from vedette.app.damage.log import damaged_log
from vedette.app.settings import Settings
from vedette.core import DataFile, Unavailable

__all__ = ["data_files", "problems_of", "refuse_damage"]

_log = structlog.get_logger()
_AT_EACH_START: Final = 512 * 1024 * 1024
_MOST_PROBLEMS: Final = 20


def data_files(settings: Settings) -> dict[str, Path]:
    """The SQLite files of these settings that are there, by what they hold: `queue`, `store`."""
    found = {}
    for name, text in (("queue", settings.queue_url), ("store", settings.store_url)):
        url = make_url(text)
        if url.get_backend_name() == "sqlite" and url.database:
            path = Path(url.database)
            if path.is_file() and path.stat().st_size:
                found[name] = path
    return found


def problems_of(path: Path) -> list[str]:
    """What is wrong with a file that nobody has open: its log, its pages, its indexes. Reads all of it."""
    # The log first: SQLite folds what it takes of it into the file.
    if (found := damaged_log(path)) is not None:
        return [found]
    try:
        with closing(sqlite3.connect(path, timeout=10.0)) as connection:
            rows = connection.execute(f"PRAGMA integrity_check({_MOST_PROBLEMS})").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    said = [line for row in rows for line in str(row[0]).splitlines()]
    return [] if said == ["ok"] else said


def refuse_damage(settings: Settings) -> None:
    """Lets a server start only on files that are whole; a mark on one that is whole after all is taken away.

    Files above 512 MiB are read only where there is a mark: `vedette data check` reads them always.

    Raises:
        Unavailable: (damaged-data) one of them is damaged, and what to do. A mark is left beside it.
    """
    for name, path in data_files(settings).items():
        file = DataFile(path)
        if path.stat().st_size > _AT_EACH_START and not file.mark.exists():
            _log.info("data.not_checked", file=str(path), bytes=path.stat().st_size)
            problems = [found] if (found := damaged_log(path)) is not None else []
        else:
            problems = problems_of(path)
        if problems:
            file.mark_damaged(problems[0])
            raise Unavailable(
                f"the {name}'s file {path} is damaged: {'; '.join(problems[:3])}. Nothing was changed. Put back a "
                "copy, or run `vedette data salvage`, which saves what can be read",
                kind="damaged-data",
            )
        if file.mark.exists():
            file.mark.unlink()
            _log.warning("data.whole_after_all", file=str(path))
