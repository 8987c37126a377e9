"""The detector's step: order, blindness, batches and states."""

import copy

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.life import OTHER, THIRD, arrivals, following, play, subjects
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots

from vedette.core import HostId, Label, Severity, Snapshot
from vedette.detect import YOUNG, Arrival, Detector, Scored


def leaking() -> list[Snapshot]:
    snapshots = list(quiet_snapshots(90))
    for at in range(60, 90):
        metrics = {"system.memory.utilization": 0.22 + 0.02 * (at - 60)}
        snapshots[at] = changed(snapshots[at], metrics=metrics)
    return snapshots


def test_a_young_host_is_unknown_and_says_so(detector: Detector) -> None:
    answers, _ = play(detector, arrivals(list(quiet_snapshots(YOUNG + 2))))
    assert {a.label for a in answers[:YOUNG]} == {Label.UNKNOWN}
    assert {a.label for a in answers[YOUNG:]} == {Label.NORMAL}
    assert "young" in subjects(answers[YOUNG - 1])
    assert not answers[-1].reasons


def test_a_fault_is_abnormal_with_reasons_in_plain_words(detector: Detector) -> None:
    answers, _ = play(detector, arrivals(leaking()), batch=16)
    labels = [answer.label for answer in answers]
    first = labels.index(Label.ABNORMAL)
    assert 60 < first < 75
    assert answers[first].score > 0.5
    assert answers[first].severity is not Severity.NONE
    assert answers[first].reasons[0].subject == "metric:system.memory.utilization"
    assert answers[first].experts["vitals"] > 0.5
    assert all(answer.score < 0.5 for answer in answers[:first])


@pytest.mark.no_cover
def test_batches_of_any_size_give_identical_answers(detector: Detector) -> None:
    one = arrivals(leaking())
    other = arrivals(list(quiet_snapshots(90, host=OTHER, seed=7)))
    mixed = [arrival for pair in zip(one, other, strict=True) for arrival in pair]
    singly = play(detector, mixed, batch=1)[0]
    assert play(detector, mixed, batch=16)[0] == singly
    assert play(detector, mixed, batch=256)[0] == singly


@pytest.fixture(scope="module")
def lives() -> list[list[Arrival]]:
    """Of three hosts."""
    return [
        arrivals(leaking()[50:]),
        arrivals(list(quiet_snapshots(25, host=OTHER, seed=7))),
        arrivals([changed(s, without=("users",)) for s in quiet_snapshots(9, host=THIRD)]),
    ]


@pytest.fixture(scope="module")
def alone(detector: Detector, lives: list[list[Arrival]]) -> list[list[Scored]]:
    """What each of them gets by itself."""
    return [play(detector, life)[0] for life in lives]


@pytest.mark.no_cover
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_grouping_and_any_order_of_hosts_gives_what_each_gets_alone(
    detector: Detector,
    lives: list[list[Arrival]],
    alone: list[list[Scored]],
    data: st.DataObject,
) -> None:
    queue = data.draw(st.permutations([n for n, life in enumerate(lives) for _ in life]))
    turns = [iter(life) for life in lives]
    mixed, answers = [next(turns[number]) for number in queue], []
    states: dict[HostId, bytes | None] = {}
    while mixed:
        size = data.draw(st.integers(1, 40))
        part, mixed = mixed[:size], mixed[size:]
        more, states = play(detector, part, batch=size, states=states)
        answers += more
    for number, straight in enumerate(alone):
        assert [a for n, a in zip(queue, answers, strict=True) if n == number] == straight


def test_a_state_goes_on_from_its_bytes_exactly_as_from_memory(detector: Detector) -> None:
    through_bytes = play(detector, arrivals(leaking()), batch=1)[0]
    in_memory = detector.step(arrivals(leaking()), {})
    assert [a.state for a in through_bytes] == [a.state for a in in_memory]
    assert through_bytes == in_memory


def test_nothing_given_is_changed(detector: Detector, grown: dict[HostId, bytes | None]) -> None:
    batch = arrivals([following()])
    before = copy.deepcopy((batch, grown))
    detector.step(batch, grown)
    assert (batch, grown) == before


def test_a_state_stays_small(detector: Detector) -> None:
    names = {f"some.metric.{n}": float(n) for n in range(18)}
    snapshots = [changed(s, metrics=names) for s in quiet_snapshots(150)]
    state = play(detector, arrivals(snapshots), batch=150)[1][HOST]
    assert state is not None
    assert len(state) < 40_000


@pytest.mark.parametrize("seq", [1, 39, 40])
def test_a_late_snapshot_does_not_touch_the_state(
    detector: Detector, grown: dict[HostId, bytes | None], seq: int
) -> None:
    late = following(seq=seq)
    answers, after = play(detector, arrivals([late]), states=grown)
    assert answers[0].late
    assert answers[0].state is None
    assert not answers[0].facts
    assert answers[0].label is Label.UNKNOWN
    assert "late" in subjects(answers[0])
    assert after == grown


def test_a_late_snapshot_in_a_batch_changes_nothing_for_the_next(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    straight = detector.step(arrivals([following()]), grown)[0]
    wild = changed(following(seq=3), metrics={"system.memory.utilization": 0.99})
    assert detector.step(arrivals([wild, following()]), grown)[1] == straight


def test_a_state_of_another_version_is_a_new_start_and_blindness(
    detector: Detector, grown: dict[HostId, bytes | None]
) -> None:
    blob = grown[HOST]
    assert blob is not None
    wire = msgspec.msgpack.decode(blob)
    older = msgspec.msgpack.encode(wire | {"version": 99})
    for damaged in (
        older,
        b"\xc1",
        b"",
        blob[:-20],
        msgspec.msgpack.encode(wire | {"experts": {}}),
    ):
        answer = detector.step(arrivals([following()]), {HOST: damaged})[0]
        assert answer.label is Label.UNKNOWN
        assert subjects(answer) >= {"state", "young"}
        assert answer.state is not None


def test_a_fault_while_blind_is_abnormal_and_tells_both(detector: Detector) -> None:
    snapshots = [s for s in leaking() if s.seq != 85]
    answers, _ = play(detector, arrivals(snapshots), batch=32)
    after_gap = next(a for s, a in zip(snapshots, answers, strict=True) if s.seq == 86)
    assert after_gap.label is Label.ABNORMAL
    assert "gap:1" in subjects(after_gap)
    assert "metric:system.memory.utilization" in subjects(after_gap)
    assert len(after_gap.reasons) <= 5
