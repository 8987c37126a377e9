"""What is always there, so that it is missed when it is gone."""

__all__ = ["AFTER_START", "is_lasting"]

AFTER_START = 10
"""Snapshots after a start of the machine in which services may still come up."""

_SNAPSHOTS, _SECONDS = 60, 7_200.0


def is_lasting(snapshots: int, seconds: float) -> bool:
    """Whether what was seen in so many snapshots, over so much time, counts as always there."""
    return snapshots >= _SNAPSHOTS and seconds >= _SECONDS
