"""What a collector gives: rows, and what it could not read of them."""

from collections.abc import Iterator
from contextlib import contextmanager

from vedette.agent.collect.source import Unreadable, text
from vedette.core import Record, Row

__all__ = ["Misses", "Table"]

_NAMED = 3


class Table(Record, frozen=True, kw_only=True):
    """`partly` says what is missing; it is empty when the rows are all there is."""

    rows: list[Row]
    partly: str = ""


class Misses:
    """Counts what could not be read, and names the first few."""

    def __init__(self) -> None:
        self._count = 0
        self._named: list[str] = []

    def add(self, what: str, why: str) -> None:
        """One more thing that could not be read."""
        self._count += 1
        if len(self._named) < _NAMED:
            self._named.append(f"{text(what)} ({why})")

    @contextmanager
    def noting(self, what: str) -> Iterator[None]:
        """Runs a block; if it can't read its file, that is noted and not raised. A file that is gone is no miss."""
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self.add(what, error.strerror or type(error).__name__)
        except Unreadable as error:
            self.add(what, error.detail)

    def __str__(self) -> str:
        """Empty when nothing was missed."""
        if not self._count:
            return ""
        return f"{self._count} could not be read: {', '.join(self._named)}"
