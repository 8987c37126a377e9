"""Recordings: snapshots in gzip JSON lines, one file for each session of a host."""

import gzip
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from vedette.core import InvalidInput, Snapshot, decode_snapshot

__all__ = ["Recording", "file_digest", "group_by_host", "read_recording"]


class Recording:
    """The sessions of one host, oldest first. Can be read again and again; holds no snapshot in memory."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)

    def __iter__(self) -> Iterator[Snapshot]:
        for path in self.paths:
            yield from read_recording(path)


def read_recording(path: Path) -> Iterator[Snapshot]:
    """The snapshots of one file, in its order. Empty lines are passed over.

    Raises:
        InvalidInput: the file is missing, not gzip, or a line is not a snapshot; names the line.
    """
    number = 0
    try:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):  # noqa: B007 - the error names it
                if line.strip():
                    yield decode_snapshot(line)
    except (OSError, EOFError, zlib.error, InvalidInput) as error:
        raise InvalidInput(f"{path}, after line {number}: {error}", kind="bad-recording") from error


def group_by_host(paths: Sequence[Path]) -> dict[str, Recording]:
    """One recording for each host name, its files by the time of their first snapshot.

    Raises:
        InvalidInput: a file is empty or can't be read.
    """
    sessions: dict[str, list[tuple[float, str, Path]]] = {}
    for path in paths:
        first = next(read_recording(path), None)
        if first is None:
            raise InvalidInput(f"{path} has no snapshot", kind="bad-recording")
        at = first.taken_at.timestamp()
        sessions.setdefault(first.host.hostname, []).append((at, path.name, path))
    return {
        host: Recording([path for *_, path in sorted(files)])
        for host, files in sorted(sessions.items())
    }


def file_digest(path: Path) -> str:
    """SHA-256 of the file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
