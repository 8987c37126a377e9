"""Labelled stretches of recordings: what was abnormal, and what was a harmless change."""

from pathlib import Path
from typing import Literal

import msgspec

from vedette.core import InvalidInput, Record

__all__ = ["GRACE", "Segment", "read_segments"]

GRACE = 3
"""Snapshots after a segment in which its traces may still show."""


class Segment(Record, frozen=True, kw_only=True):
    """Snapshots `from_seq` to `to_seq` (both inclusive) of a host's file.

    `technique` is an ATT&CK id, `ops.*` for a fault, or a plain word for a harmless change.
    """

    file: str
    host: str
    from_seq: int
    to_seq: int
    kind: Literal["abnormal", "benign-change"]
    technique: str
    what: str = ""

    def covers(self, seq: int) -> bool:
        """Whether the snapshot falls in it or in its grace."""
        return self.from_seq <= seq <= self.to_seq + GRACE


def read_segments(path: Path) -> list[Segment]:
    """The labels of a file of JSON lines.

    Raises:
        InvalidInput: it is missing, or a line is not a label.
    """
    try:
        return msgspec.json.Decoder(Segment).decode_lines(path.read_bytes())
    except (OSError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"no labels can be read from {path}: {error}") from error
