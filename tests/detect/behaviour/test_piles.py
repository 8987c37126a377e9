"""Piles that stay are told for a day, and are the host's way from then on."""

import pytest
from tests.detect.scene import proc, scene, tables, watch

from vedette.detect import View
from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.state import BehaviourState

_MINUTE, _DAY = 60.0, 86_400.0


def _told(state: BehaviourState, many: int) -> bool:
    rows = tables()
    dead = [proc(700 + at, 30, "resize", "", "", state="Z") for at in range(many)]
    rows["processes"] += dead
    snapshot = scene(2, rows)
    seen = frozenset(snapshot.tables)
    view = View(snapshot=snapshot, count=500, seen=seen, elapsed=60.0)
    (cases,) = BehaviourExpert().judge([view], [state])
    return any(case.subject == "crowd:resize" for case in cases)


def _after(seconds: float) -> BehaviourState:
    """A host on which twelve ended processes have stood for so long."""
    state: BehaviourState
    _, state = watch(BehaviourExpert(), [scene(1, tables())])
    state.heights["zombies"] = (0, scene(2, tables()).taken_at.timestamp() - seconds)
    return state


@pytest.mark.parametrize(
    ("seconds", "told"), [(_MINUTE, True), (_DAY - _MINUTE, True), (_DAY + _MINUTE, False)]
)
def test_a_pile_that_stays_is_told_for_a_day(seconds: float, *, told: bool) -> None:
    assert _told(_after(seconds), 12) is told
