"""Train and evaluate: from recordings to a model bundle, and from a bundle to figures."""

from vedette.learn.build import build_bundle
from vedette.learn.evaluate import Episode, Figures, FoundSegment, Progress, evaluate, replay
from vedette.learn.recording import Recording, file_digest, group_by_host, read_recording
from vedette.learn.segment import GRACE, Segment, read_segments

__all__ = [
    "GRACE",
    "Episode",
    "Figures",
    "FoundSegment",
    "Progress",
    "Recording",
    "Segment",
    "build_bundle",
    "evaluate",
    "file_digest",
    "group_by_host",
    "read_recording",
    "read_segments",
    "replay",
]
