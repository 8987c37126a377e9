"""A recording as the views of one host's life, for making bundles."""

from collections.abc import Iterable, Iterator

from vedette.core import Row, Snapshot
from vedette.detect.view import View

__all__ = ["views"]


def views(recording: Iterable[Snapshot]) -> Iterator[View]:
    """One view per snapshot, in order, without gaps."""
    before: dict[str, list[Row]] = {}
    last = None
    for count, snapshot in enumerate(recording):
        seen = frozenset(snapshot.tables) - frozenset(snapshot.unread)
        same = {name for name in seen if before.get(name) == snapshot.tables[name]}
        yield View(
            snapshot=snapshot,
            count=count,
            elapsed=None if last is None else (snapshot.taken_at - last).total_seconds(),
            seen=seen,
            unchanged=frozenset(same),
        )
        before |= {name: snapshot.tables[name] for name in seen}
        last = snapshot.taken_at
