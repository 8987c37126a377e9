"""A host whose clock stands still is blind, and its metrics are not learned: nobody knows how much time a look stands for."""

from datetime import timedelta

import pytest
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots

from vedette.core import HostId, Label, Snapshot
from vedette.detect import Detector
from vedette.detect.hoststate import decode_state

States = dict[HostId, bytes | None]


def stopped(count: int, creeps: float = 0.0) -> list[Snapshot]:
    """As many looks whose times are those of the fortieth, or hardly later."""
    (last,) = quiet_snapshots(1, first=40)
    return [
        changed(taken, taken_at=last.taken_at + timedelta(seconds=creeps * (at + 1)))
        for at, taken in enumerate(quiet_snapshots(count, first=41))
    ]


@pytest.mark.parametrize("creeps", [0.0, 0.001])
def test_it_is_blindness_while_it_lasts(detector: Detector, grown: States, creeps: float) -> None:
    answers, states = play(detector, arrivals(stopped(10, creeps)), states=grown)
    assert {answer.label for answer in answers} == {Label.UNKNOWN}
    assert subjects(answers[0]) == {"clock"}
    assert "stands still" in answers[0].reasons[0].text
    well = [
        changed(taken, taken_at=taken.taken_at - timedelta(seconds=600))
        for taken in quiet_snapshots(2, first=51)
    ]
    answers, _ = play(detector, arrivals(well), states=states)
    assert [answer.label for answer in answers] == [Label.NORMAL] * 2


def test_what_is_abnormal_meanwhile_is_told_all_the_same(detector: Detector, grown: States) -> None:
    some = [
        changed(
            taken,
            tables={
                "users": [
                    *taken.tables["users"],
                    {"username": "toor", "uid": 0, "gid": 0, "shell": "/bin/sh"},
                ]
            },
        )
        for taken in stopped(3)
    ]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert {answer.label for answer in answers} == {Label.ABNORMAL}
    assert {"user:toor", "clock"} <= subjects(answers[0])


def test_metrics_are_not_learned_by_it(detector: Detector, grown: States) -> None:
    high = [changed(t, metrics={"system.memory.utilization": 0.3}) for t in stopped(200)]
    _, states = play(detector, arrivals(high), batch=200, states=grown)
    before, after = (
        decode_state(held[HOST], detector.experts).experts["vitals"] for held in (grown, states)
    )
    assert bytes(before.record) == bytes(after.record)


def test_an_agent_that_is_started_anew_right_after_a_look_is_not_blind(
    detector: Detector, grown: States
) -> None:
    soon = [
        changed(taken, taken_at=taken.taken_at - timedelta(seconds=57))
        for taken in quiet_snapshots(1, first=41)
    ]
    answers, _ = play(detector, arrivals(soon), states=grown)
    assert answers[0].label is Label.NORMAL
