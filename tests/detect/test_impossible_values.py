"""What a metric can't be says nothing of its host: it is told as doubtful, makes no alarm and is never learned."""

from itertools import chain

import msgspec
import numpy as np
import pytest
from tests.detect.life import arrivals, play, subjects
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots

from vedette.core import HostId, Label
from vedette.detect import Detector
from vedette.detect.magnitude import can_be
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.past import numbers

States = dict[HostId, bytes | None]
MEMORY = "system.memory.utilization"
CPU, LOAD = "system.cpu.utilization", "system.cpu.load_average.1m"
SENT = "system.network.io.transmit.rate"


@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (MEMORY, -5.0),
        (MEMORY, 1e300),
        (CPU, 400.0),
        (LOAD, 1e308),
        (LOAD, 1e7),
        ("system.filesystem.utilization", 40.0),
        ("system.threads.count", -1.0),
        ("system.threads.count", 1e8),
        ("system.processes.count", 1e9),
        ("system.processes.created.rate", 1e12),
        ("system.open_files.count", 1e14),
        ("system.network.connections.established", 1e308),
        ("system.network.connections.syn_sent", 1e14),
        (SENT, -1e6),
        (SENT, 1e14),
        ("system.disk.io.write.rate", 1e14),
    ],
)
def test_it_is_doubted_and_neither_an_alarm_nor_learned(
    detector: Detector, grown: States, metric: str, value: float
) -> None:
    wrong = [changed(t, metrics={metric: value}) for t in quiet_snapshots(14, first=41)]
    well = list(quiet_snapshots(12, first=55))
    answers, _ = play(detector, arrivals([*wrong, *well]), states=grown)
    assert {answer.label for answer in answers[:14]} == {Label.UNKNOWN}
    assert all(f"metric:{metric}" in subjects(answer) for answer in answers[:14])
    assert {answer.label for answer in answers[14:]} == {Label.NORMAL}
    texts = [reason.text for answer in answers for reason in answer.reasons]
    assert f"Impossible value: {metric} is {value:.3g}" in texts
    assert not [text for text in texts if "000000000000" in text]


def test_a_fault_beside_it_is_told(detector: Detector, grown: States) -> None:
    both = {LOAD: 1e308, MEMORY: 0.97}
    some = [changed(t, metrics=both) for t in quiet_snapshots(6, first=41)]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert answers[-1].label is Label.ABNORMAL
    assert {f"metric:{MEMORY}", f"metric:{LOAD}"} <= subjects(answers[-1])


def test_no_state_of_metrics_ever_holds_it(detector: Detector, grown: States) -> None:
    wild = chain.from_iterable([(1e308, -1e308, 1e15, 4e14, -1.0, 2e13)] * 10)
    names = [gauge.metric for gauge in GAUGES]
    some = [
        changed(t, metrics=dict.fromkeys(names, value))
        for t, value in zip(quiet_snapshots(60, first=41), wild, strict=True)
    ]
    _, states = play(detector, arrivals(some), states=grown, batch=20)
    kept = states[HOST]
    assert kept is not None
    state = VitalsExpert({}).load(msgspec.msgpack.decode(kept)["experts"]["vitals"])
    for part in numbers(state.layout, np.frombuffer(state.record, np.uint8))[:2]:
        assert np.isfinite(part).all()
    assert state.past().watches.high.max() < 1e6


def test_a_share_of_a_little_more_than_the_whole_can_be(detector: Detector, grown: States) -> None:
    some = [changed(t, metrics={CPU: 1.01}) for t in quiet_snapshots(1, first=41)]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert "Impossible" not in " ".join(reason.text for reason in answers[0].reasons)


def test_other_metrics_may_be_negative(detector: Detector, grown: States) -> None:
    some = [changed(t, metrics={"room.temperature": -12.0}) for t in quiet_snapshots(2, first=41)]
    answers, _ = play(detector, arrivals(some), states=grown)
    assert {answer.label for answer in answers} == {Label.NORMAL}


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (LOAD, 5_000.0),
        ("system.threads.count", 1e6),
        ("system.network.connections.established", 1e7),
        ("system.open_files.count", 5e7),
        (SENT, 1e11),
        ("system.context_switches.rate", 1e9),
        ("system.memory.usage", 5e13),
        ("system.uptime", 1e9),
        ("made.up", -1e14),
    ],
)
def test_the_bounds_are_beyond_what_is_built(metric: str, value: float) -> None:
    assert can_be(metric, value)
