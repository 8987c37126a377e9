"""Recordings in a folder: each host's sessions, what was labelled in them, and all of them as one stream by time."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from vedette.app.recording import merged_with_file
from vedette.core import InvalidInput, Record, Snapshot
from vedette.learn import Segment, read_recording, read_segments

__all__ = ["Recordings", "Session", "read_recordings"]

_ENDING = ".jsonl.gz"
_BASELINE = "baseline"


class Session(Record, frozen=True, kw_only=True):
    """One file: `HOST.<name>.jsonl.gz`. `role` is the host's label; the baseline's snapshots warm the detector up, and don't count."""

    path: Path
    host: str
    name: str
    role: str
    begins: datetime

    @property
    def is_baseline(self) -> bool:
        """Whether it is for learning alone."""
        return self.name == _BASELINE


class Recordings:
    """Sessions and their labels. With `first`, only so many snapshots of each baseline are there, its first."""

    def __init__(
        self, sessions: Sequence[Session], segments: Sequence[Segment], *, first: int | None = None
    ) -> None:
        self.sessions, self.segments, self.first = tuple(sessions), tuple(segments), first

    @property
    def roles(self) -> list[str]:
        """The roles of the hosts, sorted."""
        return sorted({session.role for session in self.sessions})

    @property
    def missing(self) -> list[str]:
        """Files that the labels speak of and that are not there."""
        names = {session.path.name for session in self.sessions}
        return sorted({segment.file for segment in self.segments} - names)

    @property
    def baselines(self) -> list[Path]:
        """The files to learn from."""
        return [session.path for session in self.sessions if session.is_baseline]

    def by_time(self) -> list[Session]:
        """The sessions by their hosts and beginnings; a baseline comes first."""
        return sorted(
            self.sessions, key=lambda one: (one.host, not one.is_baseline, one.begins, one.name)
        )

    def only(self, role: str) -> "Recordings":
        """Those of the hosts with this role."""
        kept = [session for session in self.sessions if session.role == role]
        return Recordings(kept, self.segments, first=self.first)

    def without(self, role: str) -> "Recordings":
        """Those of the other hosts."""
        kept = [session for session in self.sessions if session.role != role]
        return Recordings(kept, self.segments, first=self.first)

    def stream(self) -> Iterator[tuple[Session, Snapshot]]:
        """Every snapshot with its session, by time."""
        by_path = {session.path: session for session in self.sessions}
        taken: dict[Path, int] = {}
        for path, snapshot in merged_with_file([session.path for session in self.sessions]):
            session = by_path[path]
            taken[path] = taken.get(path, 0) + 1
            if session.is_baseline and self.first is not None and taken[path] > self.first:
                continue
            yield session, snapshot


def read_recordings(folder: Path, *, first: int | None = None) -> Recordings:
    """The folder's recordings and its `labels.jsonl`.

    Raises:
        InvalidInput: there is none, a file is no recording, or the labels can't be read.
    """
    paths = sorted(folder.glob(f"*{_ENDING}"))
    if not paths:
        raise InvalidInput(f"{folder} has no recording; they are named HOST.SESSION{_ENDING}")
    segments = read_segments(folder / "labels.jsonl")
    sessions = [_session(path) for path in paths]
    if all(session.is_baseline for session in sessions):
        raise InvalidInput(f"{folder} has baselines alone: nothing can be measured on them")
    return Recordings(sessions, segments, first=first)


def _session(path: Path) -> Session:
    stem = path.name.removesuffix(_ENDING)
    host, _, name = stem.rpartition(".")
    snapshot = next(read_recording(path), None)
    if snapshot is None:
        raise InvalidInput(f"{path} has no snapshot", kind="bad-recording")
    role = snapshot.host.labels.get("role", host)
    return Session(
        path=path, host=host, name=name or "session", role=role, begins=snapshot.taken_at
    )
