"""Several recordings as one stream, merged by time."""

import gzip
import heapq
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from vedette.app.unread_line import UnreadLine, read_all
from vedette.core import InvalidInput, Snapshot
from vedette.learn import read_recording

__all__ = ["count_lines", "merged", "merged_with_file"]

Line = TypeVar("Line", bound=Snapshot | UnreadLine)


def merged(paths: Sequence[Path]) -> Iterator[Snapshot | UnreadLine]:
    """All files as one stream by `taken_at`; each file's order is kept, ties go by the order of the files.

    A line that is no snapshot has its place in it, as an unreadable one has online.
    """
    for _path, line in _merged(paths, read_all):
        yield line


def merged_with_file(paths: Sequence[Path]) -> Iterator[tuple[Path, Snapshot]]:
    """The same, each snapshot with the file that it comes from; a line that is none is an error."""
    return _merged(paths, read_recording)


def _merged(
    paths: Sequence[Path], read: Callable[[Path], Iterator[Line]]
) -> Iterator[tuple[Path, Line]]:
    def keyed(index: int, path: Path) -> Iterator[tuple[tuple[float, int, int], Line]]:
        latest = float("-inf")
        for position, line in enumerate(read(path)):
            latest = max(latest, line.taken_at.timestamp())
            yield (latest, index, position), line

    streams = [keyed(index, path) for index, path in enumerate(paths)]
    for (_latest, index, _position), line in heapq.merge(*streams, key=lambda item: item[0]):
        yield paths[index], line


def count_lines(paths: Sequence[Path]) -> int:
    """How many snapshots the files hold, by their lines.

    Raises:
        InvalidInput: a file is not gzip, or holds none.
    """
    count = 0
    for path in paths:
        try:
            with gzip.open(path, "rb") as lines:
                found = sum(1 for line in lines if line.strip())
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidInput(f"{path} is not gzip JSON lines: {error}") from error
        if not found:
            raise InvalidInput(f"{path} has no snapshot", kind="bad-recording")
        count += found
    return count
