"""Makes the behaviour expert's part of a model bundle from recordings of normal activity."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from vedette.core import Snapshot
from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.hostile import tally
from vedette.detect.behaviour.part import BehaviourPart
from vedette.detect.odds import DAY
from vedette.detect.recording import views

__all__ = ["Study", "fit", "study"]

Counts = dict[str, dict[str, Counter[str]]]


class Study(NamedTuple):
    """What one host's recording holds: its snapshots, the marks of what was new, and by attribute and account the values.

    `shapes` are those of its processes.
    """

    snapshots: int
    marks: Counter[str]
    counts: Counts
    shapes: frozenset[int]


def study(recording: Iterable[Snapshot]) -> Study:
    """One host's recording, all of it normal. Each shape counts once, so idle daemons don't drown the rest."""
    expert, snapshots = BehaviourExpert(), 0
    state = expert.fresh()
    marks: Counter[str] = Counter()
    counts = _nothing()
    shapes: set[int] = set()
    for view in views(recording):
        seen = expert.look(view, state)
        for shape, novel in seen.novel.items():
            if shape in shapes:
                continue
            shapes.add(shape)
            if view.count:
                marks[tally(novel.mark, novel.behind)] += 1
            for attribute, value in novel.leans.items():
                counts[attribute][novel.process.account][value] += 1
        (state,) = expert.learn([view], [state], [False])
        snapshots += 1
    return Study(snapshots, marks, counts, frozenset(shapes))


def fit(studies: Iterable[Study]) -> Any:
    """The part that comes of these hosts' recordings."""
    days, hosts = 0.0, 0
    marks: Counter[str] = Counter()
    holders: Counter[int] = Counter()
    counts = _nothing()
    for one in studies:
        for _ in range(one.snapshots):
            days += 1.0 / DAY
        hosts += 1
        marks.update(one.marks)
        holders.update(one.shapes)
        for attribute, accounts in one.counts.items():
            for account, values in accounts.items():
                counts[attribute][account].update(values)
    part = BehaviourPart(
        days=days,
        hosts=hosts,
        marks=dict(sorted(marks.items())),
        counts={
            name: {who: dict(sorted(values.items())) for who, values in sorted(tree.items())}
            for name, tree in sorted(counts.items())
        },
        holders={shape: many for shape, many in sorted(holders.items()) if many > 1},
    )
    return msgspec.to_builtins(part)


def _nothing() -> Counts:
    return defaultdict(lambda: defaultdict(Counter))
