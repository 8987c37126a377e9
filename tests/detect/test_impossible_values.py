"""What a metric can't be is doubtful in its own unit: a share beyond the whole, less than nothing of what is counted."""

import pytest
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import HostId, Label
from vedette.detect import Detector

States = dict[HostId, bytes | None]
MEMORY = "system.memory.utilization"


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (MEMORY, -5.0),
        (MEMORY, 1e300),
        ("system.filesystem.utilization", 40.0),
        ("system.threads.count", -1.0),
        ("system.network.io.transmit.rate", -1e6),
    ],
)
def test_it_is_never_normal_and_never_learned(
    detector: Detector, grown: States, metric: str, value: float
) -> None:
    wrong = [changed(t, metrics={metric: value}) for t in quiet_snapshots(8, first=41)]
    well = list(quiet_snapshots(12, first=49))
    answers, _ = play(detector, arrivals([*wrong, *well]), states=grown)
    assert Label.NORMAL not in {answer.label for answer in answers[:8]}
    assert all(f"metric:{metric}" in subjects(answer) for answer in answers[:8])
    assert answers[-1].label is Label.NORMAL
    texts = [reason.text for answer in answers for reason in answer.reasons]
    assert f"Impossible value: {metric} is {value:.3g}" in texts
    assert not [text for text in texts if "000000000000" in text]


def test_a_share_of_a_little_more_than_the_whole_can_be(detector: Detector, grown: States) -> None:
    some = [
        changed(t, metrics={"system.cpu.utilization": 1.01}) for t in quiet_snapshots(1, first=41)
    ]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert "Impossible" not in " ".join(reason.text for reason in answers[0].reasons)


def test_other_metrics_may_be_negative(detector: Detector, grown: States) -> None:
    some = [changed(t, metrics={"room.temperature": -12.0}) for t in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert {answer.label for answer in answers} == {Label.NORMAL}
