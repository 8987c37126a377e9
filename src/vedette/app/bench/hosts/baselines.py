"""What people take instead: anything new is abnormal, an isolation forest on metrics and counts of rows, a trained classifier."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from vedette.app.bench.hosts.judged import Opinion, Stander
from vedette.app.bench.hosts.sessions import Recordings
from vedette.app.bench.hosts.things import things
from vedette.app.bench.hosts.trained import TrainedOnOthers
from vedette.core import HostId, Reason, Snapshot

__all__ = ["BASELINES", "is_installed"]

_SEED, _TOLD = 7, 5


class _AnythingNew:
    """Everything that a host's baseline did not show is abnormal: while it is there, or with `learns` when it first shows."""

    def __init__(self, *, learns: bool) -> None:
        self._learns = learns
        self._known: dict[HostId, set[str]] = {}

    @property
    def note(self) -> str:
        """What it does."""
        until = "the first time alone" if self._learns else "as long as it is there"
        return (
            f"facts and process shapes that the host's baseline did not have are abnormal, {until}"
        )

    def look(self, snapshot: Snapshot, *, learning: bool) -> Opinion:
        """Looks at a host's next snapshot."""
        known = self._known.setdefault(snapshot.host.id, set())
        new = sorted({one.subject for one in things(snapshot)} - known)
        if learning or self._learns or not known:
            known.update(new)
        alarm = bool(new) and not learning
        reasons = tuple(
            Reason(expert="new", subject=subject, text=f"New: {subject}", share=1.0 / len(new))
            for subject in new[:_TOLD]
        )
        return Opinion(alarm=alarm, reasons=reasons if alarm else ())


class _ForestOnCounts:
    """PyOD's IForest for each host, fitted on its baseline's metrics and counts of rows; above the baseline's most is abnormal."""

    note = "PyOD IForest for each host on metrics and row counts, fitted on its baseline, abnormal above the baseline's most"

    def __init__(self) -> None:
        self._rows: dict[HostId, list[dict[str, float]]] = {}
        self._fitted: dict[HostId, tuple[Any, list[str], float]] = {}

    def look(self, snapshot: Snapshot, *, learning: bool) -> Opinion:
        """Looks at a host's next snapshot."""
        host, row = snapshot.host.id, _counted(snapshot)
        if learning:
            self._rows.setdefault(host, []).append(row)
            return Opinion(alarm=False)
        if host not in self._fitted:
            if host not in self._rows:
                return Opinion(alarm=False)  # without a baseline it can say nothing
            self._fitted[host] = _fit(self._rows[host])
        model, names, most = self._fitted[host]
        score = float(model.decision_function(_matrix([row], names))[0])
        reason = Reason(
            expert="forest", subject="counts", text="Metrics and counts are unusual", share=1.0
        )
        return Opinion(alarm=score > most, reasons=(reason,) if score > most else ())


def _fit(rows: list[dict[str, float]]) -> tuple[Any, list[str], float]:
    from pyod.models.iforest import IForest

    names = sorted(rows[0])
    matrix = _matrix(rows, names)
    model = IForest(random_state=_SEED)
    model.fit(matrix)
    return model, names, float(np.max(model.decision_function(matrix)))


def _matrix(rows: list[dict[str, float]], names: list[str]) -> Any:
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def _counted(snapshot: Snapshot) -> dict[str, float]:
    counts = {f"rows of {name}": float(len(rows)) for name, rows in snapshot.tables.items()}
    return {name: x for name, x in snapshot.metrics.items() if name != "system.uptime"} | counts


BASELINES: Mapping[str, Callable[[Recordings], Stander]] = {
    "new": lambda _: _AnythingNew(learns=False),
    "new-once": lambda _: _AnythingNew(learns=True),
    "iforest": lambda _: _ForestOnCounts(),
    "logistic": lambda recordings: TrainedOnOthers(recordings, "logistic"),
    "trees": lambda recordings: TrainedOnOthers(recordings, "trees"),
}
_NEEDS = {"iforest": "pyod", "logistic": "sklearn", "trees": "sklearn"}


def is_installed(name: str) -> bool:
    """Whether a baseline has what it needs."""
    return name not in _NEEDS or find_spec(_NEEDS[name]) is not None
