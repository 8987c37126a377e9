"""A trained classifier in the product's place: what is new on a host is judged by what was labelled on hosts of other roles."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import Any, Literal, NamedTuple

from vedette.app.bench.hosts.judged import Opinion
from vedette.app.bench.hosts.sessions import Recordings
from vedette.app.bench.hosts.things import Thing, things
from vedette.core import HostId, Reason, Snapshot

__all__ = ["TrainedOnOthers"]

Kind = Literal["logistic", "trees"]
_FEATURES = 4_096  # words are hashed to so many columns
_SURE = 0.5
_SEED, _TOLD = 7, 5


class _Case(NamedTuple):
    """What was new on a host, and whether it came while something abnormal was labelled."""

    role: str
    words: list[str]
    hostile: bool


class TrainedOnOthers:
    """Facts and shapes that a host's baseline had not are abnormal while they are there, if the classifier calls them hostile.

    It learns from all that was new on hosts of the other roles, labelled sessions and all, so it has seen most techniques;
    what is harmless and came beside a labelled segment it takes for hostile, as nobody has labelled single rows.
    """

    def __init__(self, recordings: Recordings, kind: Kind) -> None:
        self._recordings, self._kind = recordings, kind
        self._known: dict[HostId, set[str]] = {}
        self._roles: dict[HostId, str] = {}
        self._models: dict[str, Callable[[Sequence[Thing]], Iterable[float]]] = {}
        self._said: dict[tuple[str, str], float] = {}

    @property
    def note(self) -> str:
        """What it does."""
        how = "logistic regression" if self._kind == "logistic" else "gradient-boosted trees"
        return f"scikit-learn's {how} on the words of what is new, trained on the labelled sessions of the other roles"

    def look(self, snapshot: Snapshot, *, learning: bool) -> Opinion:
        """Looks at a host's next snapshot."""
        known = self._known.setdefault(snapshot.host.id, set())
        new = {one.subject: one for one in things(snapshot) if one.subject not in known}
        if learning or not known:
            known.update(new)
            return Opinion(alarm=False)
        shares = self._shares(snapshot.host.id, list(new.values()))
        sure = sorted((-share, name) for name, share in shares.items() if share > _SURE)
        reasons = tuple(
            Reason(expert="trained", subject=name, text=f"New: {name}", share=1.0 / len(sure))
            for _, name in sure[:_TOLD]
        )
        return Opinion(alarm=bool(sure), reasons=reasons)

    def _shares(self, host: HostId, new: Sequence[Thing]) -> dict[str, float]:
        """By subject, how likely it is hostile."""
        cases, role = self._cases, self._roles[host]
        fresh = [one for one in new if (role, one.subject) not in self._said]
        if fresh:
            if role not in self._models:
                self._models[role] = self._fitted([one for one in cases if one.role != role])
            for one, share in zip(fresh, self._models[role](fresh), strict=True):
                self._said[role, one.subject] = float(share)
        return {one.subject: self._said[role, one.subject] for one in new}

    def _fitted(self, cases: Sequence[_Case]) -> Callable[[Sequence[Thing]], Iterable[float]]:
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression

        if len({one.hostile for one in cases}) < len((True, False)):
            return lambda new: [0.0] * len(new)  # nothing to tell apart
        model: Any = (
            LogisticRegression(max_iter=2_000)
            if self._kind == "logistic"
            else HistGradientBoostingClassifier(random_state=_SEED)
        )
        model.fit(_matrix([one.words for one in cases]), [one.hostile for one in cases])
        return lambda new: model.predict_proba(_matrix([one.words() for one in new]))[:, 1]

    @cached_property
    def _cases(self) -> list[_Case]:
        """All that no earlier snapshot of its host had, but for what the very first one shows."""
        hostile = [one for one in self._recordings.segments if one.kind == "abnormal"]
        known: dict[HostId, set[str]] = {}
        cases = []
        for session, snapshot in self._recordings.stream():
            host, file, seq = snapshot.host.id, session.path.name, snapshot.seq
            marked = any(one.file == file and one.from_seq <= seq <= one.to_seq for one in hostile)
            self._roles[host] = session.role
            shown = {one.subject: one for one in things(snapshot)}
            if host in known:
                new = shown.keys() - known[host]
                cases += [_Case(session.role, shown[name].words(), marked) for name in sorted(new)]
            known.setdefault(host, set()).update(shown)
        return cases


def _matrix(words: Sequence[Sequence[str]]) -> Any:
    from sklearn.feature_extraction import FeatureHasher

    hasher = FeatureHasher(_FEATURES, input_type="string", alternate_sign=False)
    return hasher.transform(words).toarray()
