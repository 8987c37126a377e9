"""Makes the behaviour expert's part of a model bundle from recordings of normal activity."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import msgspec

from vedette.core import Snapshot
from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.hostile import tally
from vedette.detect.behaviour.part import BehaviourPart
from vedette.detect.odds import DAY
from vedette.detect.recording import views

__all__ = ["fit"]


def fit(recordings: Iterable[Iterable[Snapshot]]) -> Any:
    """One recording for each host, all of it normal. Each (host, shape) counts once, so idle daemons don't drown it."""
    days, hosts = 0.0, 0
    marks: Counter[str] = Counter()
    holders: Counter[int] = Counter()
    counts: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for recording in recordings:
        expert = BehaviourExpert()
        state = expert.fresh()
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
            days += 1.0 / DAY
        hosts += 1
        holders.update(shapes)
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
