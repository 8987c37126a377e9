"""Several recordings as one stream, merged by time."""

import gzip
import heapq
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from vedette.core import InvalidInput, Snapshot
from vedette.learn import read_recording

__all__ = ["count_lines", "merged", "merged_with_file"]


def merged(paths: Sequence[Path]) -> Iterator[Snapshot]:
    """All files as one stream by `taken_at`; each file's order is kept, ties go by the order of the files."""
    for _path, snapshot in merged_with_file(paths):
        yield snapshot


def merged_with_file(paths: Sequence[Path]) -> Iterator[tuple[Path, Snapshot]]:
    """The same, each snapshot with the file that it comes from."""

    def keyed(index: int, path: Path) -> Iterator[tuple[tuple[float, int, int], Snapshot]]:
        latest = float("-inf")
        for position, snapshot in enumerate(read_recording(path)):
            latest = max(latest, snapshot.taken_at.timestamp())
            yield (latest, index, position), snapshot

    streams = [keyed(index, path) for index, path in enumerate(paths)]
    for (_latest, index, _position), snapshot in heapq.merge(*streams, key=lambda item: item[0]):
        yield paths[index], snapshot


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
