"""What is said of a program that takes the processors, whatever the size of the machine and of the numbers."""

import pytest
from tests.fixtures.quiet_host import quiet_snapshots

from vedette.detect.behaviour.burning import Burn, Burning
from vedette.detect.behaviour.faults import Faults
from vedette.detect.behaviour.faulty import told_of
from vedette.detect.behaviour.growth import Growth
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.case import Case
from vedette.detect.view import View


def said(now: float, part: float, before: float) -> Case:
    view = View(
        snapshot=next(quiet_snapshots(1)), count=40, seen=frozenset({"processes"}), elapsed=60.0
    )
    burning = (Burning("401", now, part, before, 1.0),)
    found = Faults((), (), (), Growth(), {}, {}, burning, Burn(), {})
    (case,) = told_of(found, view, BehaviourState())
    return case


@pytest.mark.parametrize(
    ("now", "part", "before", "takes", "took"),
    [
        (3.84, 0.97, 0.02, "3.8 processors, 97 percent", "2 percent of a processor"),
        (1.0, 0.99, 0.25, "1 processor, 99 percent", "25 percent of a processor"),
        (0.5, 0.8, 0.004, "50 percent of a processor, 80 percent", "0.4 percent of a processor"),
        (0.013, 0.93, 0.0, "1 percent of a processor, 93 percent", "next to nothing"),
        (0.0004, 0.6, 0.0, "next to nothing of a processor, 60 percent", "next to nothing"),
    ],
)
def test_small_values_are_said_in_percent(
    now: float, part: float, before: float, takes: str, took: str
) -> None:
    case = said(now, part, before)
    assert f"takes {takes} of what all processes take" in case.text
    assert f"in its life it took {took}" in case.text
    assert took in (case.expected or "")
    assert " 0.0 " not in f"{case.text} {case.observed} {case.expected} "
