"""Who started a process: the ids of those above it, as far as a snapshot shows them."""

from collections.abc import Iterator, Mapping

from vedette.core import Row

__all__ = ["lineage"]

_MOST = 12  # further up nobody is looked for; what a host sends may also go round in a circle


def lineage(parent: str, rows: Mapping[str, Row]) -> Iterator[str]:
    """The process of this id, the one that started it, and so on, the nearest first."""
    for _ in range(_MOST):
        row = rows.get(parent)
        if row is None:
            return
        yield parent
        above = str(row.get("parent"))
        if above == parent:
            return
        parent = above
