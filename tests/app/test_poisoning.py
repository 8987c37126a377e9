"""Poisoning: bad states that come in small steps are told all the same."""

from collections.abc import Callable

import pytest

from vedette.app.bench.poisoning import SCENARIOS, Poisoned, calm_days, poison
from vedette.detect import Bundle, Detector

Poison = Callable[[str, int], Poisoned]


@pytest.fixture(scope="module")
def poisoned() -> Poison:
    """What becomes of a scenario by name in so many steps, after quiet days that all of them have alike."""
    detector = Detector(Bundle.shipped())
    calm = calm_days(detector, 600)

    def run(name: str, steps: int) -> Poisoned:
        (scenario,) = (one for one in SCENARIOS if one.name == name)
        assert scenario.quiet == calm.count
        return poison(detector, calm, scenario, steps)

    return run


@pytest.mark.parametrize("steps", [1, 100])
@pytest.mark.parametrize(
    "name",
    [
        "memory fills up",
        "connections leak",
        "a hostile job after harmless ones",
        "a crowd of one program grows",
        "a back door's port after new peers",
    ],
)
def test_a_bad_state_is_told_in_however_many_steps_it_comes(
    poisoned: Poison, name: str, steps: int
) -> None:
    done = poisoned(name, steps)
    assert done.before == 0
    assert done.found is not None


@pytest.mark.parametrize("name", ["memory fills up", "a crowd of one program grows"])
def test_a_thousand_steps_are_told_while_most_is_still_to_come(poisoned: Poison, name: str) -> None:
    done = poisoned(name, 1_000)
    assert done.found is not None
    assert done.share < 0.5
