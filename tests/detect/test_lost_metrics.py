"""Metrics that a host always gave and gives no more are blindness, whatever the agent says of it."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import HostId, Label, Snapshot
from vedette.detect import YOUNG, Detector
from vedette.detect.given import Given

States = dict[HostId, bytes | None]
_DISKS = {"system.disk.io.write.rate.sda": 1.0, "system.disk.io.write.rate.sdb": 2.0}


def without(taken: Snapshot, lost: Callable[[str], bool]) -> Snapshot:
    left = {name: value for name, value in taken.metrics.items() if not lost(name)}
    return replace(taken, metrics=left)


@pytest.mark.parametrize(
    "name", ["system.filesystem.utilization", "system.open_files.count", "system.threads.count"]
)
def test_a_gauge_that_no_longer_comes_is_blindness_at_once(
    detector: Detector, grown: States, name: str
) -> None:
    later = [without(taken, name.__eq__) for taken in quiet_snapshots(3, first=41)]
    answers, _ = play(
        detector, arrivals([*later, next(quiet_snapshots(1, first=44))]), states=grown
    )
    assert [answer.label for answer in answers] == [Label.UNKNOWN] * 3 + [Label.NORMAL]
    assert subjects(answers[0]) == {"metrics"}
    assert answers[0].reasons[0].text == f"Metrics that always came are missing: {name}"


def test_whole_families_that_no_longer_come_are_named(detector: Detector, grown: States) -> None:
    gone = ("system.cpu.", "system.filesystem.", "system.disk.")
    later = [without(taken, lambda n: n.startswith(gone)) for taken in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(later), states=grown)
    assert [answer.label for answer in answers] == [Label.UNKNOWN] * 2
    assert "system.cpu.load_average.1m" in answers[0].reasons[0].text


def test_what_is_made_of_two_looks_may_be_missing_in_one(detector: Detector, grown: States) -> None:
    lost = ("rate", "cpu.utilization")
    later = [without(taken, lambda n: n.endswith(lost)) for taken in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(later), states=grown)
    assert [answer.label for answer in answers] == [Label.NORMAL, Label.UNKNOWN]


def test_a_disk_that_is_unplugged_or_renamed_does_not_blind(detector: Detector) -> None:
    some = [changed(taken, metrics=_DISKS) for taken in quiet_snapshots(YOUNG + 8)]
    for at in range(YOUNG + 3, YOUNG + 8):
        some[at] = without(some[at], "system.disk.io.write.rate.sdb".__eq__)
    for at in range(YOUNG + 5, YOUNG + 8):
        renamed = without(some[at], "system.disk.io.write.rate.sda".__eq__)
        some[at] = changed(renamed, metrics={"system.disk.io.write.rate.nvme0": 1.0})
    answers, _ = play(detector, arrivals(some))
    assert {answer.label for answer in answers[YOUNG:]} == {Label.NORMAL}


def test_what_an_upgraded_agent_gives_no_more_is_usual_after_a_bounded_time() -> None:
    given, metrics = Given(), {"system.threads.count": 1.0, "system.memory.usage": 1.0}
    for _ in range(30):
        given.learn(metrics)
    del metrics["system.threads.count"]
    told = []
    for _ in range(2_000):
        told.append(bool(given.lost(metrics, ())))
        given.learn(metrics)
    assert told == [True] * 1_440 + [False] * 560
    assert not given.missed


def test_a_metric_that_came_now_and_then_is_not_expected() -> None:
    given = Given()
    for at in range(500):
        metrics = {"app.jobs": 1.0} if at % 5 else {}
        assert not given.lost(metrics, ())
        given.learn(metrics)
    assert not given.steady


def test_a_host_cannot_fill_its_state_with_names() -> None:
    given = Given()
    for at in range(200):
        given.learn({f"app{at % 40 // 39}.{n}": 1.0 for n in range(2_000)} | {"x" * 5_000: 1.0})
    assert len(given.steady) + len(given.young) <= 256
    assert max(map(len, given.steady)) < 100
