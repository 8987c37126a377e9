"""Two agents with one identity: both are told of, as long as both live, and neither is swallowed."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.quiet_host import HOST, START, changed, quiet_snapshots

from vedette.core import Epoch, Label
from vedette.detect import Arrival, Detector, Scored
from vedette.detect.hoststate import decode_state

ONE, TWO, THREE = Epoch("e1"), Epoch("e2"), Epoch("e3")
GROWN = 40
MINUTE = 60.0


@pytest.fixture(scope="module")
def grown(detector: Detector) -> bytes:
    """The state of a host whose agent wrote forty snapshots in epoch one, a minute apart."""
    return play(detector, original(0, GROWN))[1]


def original(skip: int, count: int, *, off: float = 0.0) -> list[Arrival]:
    """The first agent's snapshots in epoch one, whose clock is `off` by seconds."""
    return _sent(ONE, skip, count, seconds=off)


def copy(skip: int, count: int, *, epoch: Epoch = TWO, off: float = 0.0) -> list[Arrival]:
    """The copy's, from the forty-first minute on and half a minute later each; its epoch begins there."""
    return _sent(epoch, GROWN + skip, count, less=GROWN, seconds=30.0 + off)


def _sent(epoch: Epoch, skip: int, count: int, *, less: int = 0, seconds: float) -> list[Arrival]:
    quiet = list(quiet_snapshots(skip + count))[skip:]
    moved = timedelta(seconds=seconds)
    return [
        Arrival(epoch=epoch, snapshot=changed(s, seq=s.seq - less, taken_at=s.taken_at + moved))
        for s in quiet
    ]


def in_turns(*agents: Sequence[Arrival]) -> list[Arrival]:
    return list(chain.from_iterable(zip(*agents, strict=True)))


def play(
    detector: Detector, some: Sequence[Arrival], state: bytes | None = None, *, batch: int = 1
) -> tuple[list[Scored], bytes]:
    answers: list[Scored] = []
    for at in range(0, len(some), batch):
        step = detector.step(some[at : at + batch], {HOST: state})
        answers += step
        state = next((one.state for one in reversed(step) if one.state is not None), state)
    assert state is not None
    return answers, state


def told(scored: Scored) -> bool:
    return "identity" in {reason.subject for reason in scored.reasons}


def of(epoch: Epoch, sent: Sequence[Arrival], answers: Sequence[Scored]) -> list[Scored]:
    return [answer for arrival, answer in zip(sent, answers, strict=True) if arrival.epoch == epoch]


@pytest.mark.parametrize(("off", "within"), [(0.0, 2), (-20.0, 2), (-3600.0, 2), (3600.0, 3)])
def test_both_are_told_of_within_two_snapshots_and_as_long_as_both_live(
    detector: Detector, grown: bytes, off: float, within: int
) -> None:
    """Where the copy's clock is an hour ahead, an epoch must go on twice to be seen to live: then it is the third."""
    sent = in_turns(copy(0, 30, off=off), original(GROWN + 1, 30))
    answers, _ = play(detector, sent, grown)
    for epoch in (ONE, TWO):
        mine = of(epoch, sent, answers)
        assert all(told(one) for one in mine[within - 1 :])
        assert {one.label for one in mine[within - 1 :]} == {Label.UNKNOWN}
        assert mine[0].label is Label.UNKNOWN
    assert answers[-1].reasons[0].subject == "identity"
    assert "enroll --again" in answers[-1].reasons[0].text


def test_a_third_one_is_told_of_at_once(detector: Detector, grown: bytes) -> None:
    sent = in_turns(original(GROWN, 4), copy(0, 4))
    sent += in_turns(original(GROWN + 4, 6), copy(4, 6), copy(4, 6, epoch=THREE, off=10.0))
    answers, _ = play(detector, sent, grown)
    assert all(told(one) for one in of(THREE, sent, answers))
    assert all(told(one) for one in of(TWO, sent, answers)[1:])
    assert {one.label for one in answers[1:]} == {Label.UNKNOWN}


def test_an_episode_is_marked_once(detector: Detector, grown: bytes) -> None:
    first = in_turns(original(GROWN, 5), copy(0, 5))
    alone = copy(5, 12)
    again = in_turns(original(GROWN + 17, 5), copy(17, 5))
    answers, _ = play(detector, [*first, *alone, *again], grown)
    marked = [at for at, one in enumerate(answers) if one.shared]
    assert marked == [2, len(first) + len(alone)]


@pytest.mark.parametrize("batch", [1, 3, 64])
def test_it_ends_when_the_rival_falls_silent(detector: Detector, grown: bytes, batch: int) -> None:
    answers, _ = play(
        detector, [*in_turns(original(GROWN, 5), copy(0, 5)), *copy(5, 12)], grown, batch=batch
    )
    after = answers[10:]
    assert told(after[0])
    assert not any(told(one) for one in after[6:])
    assert after[-1].label is Label.NORMAL


def test_the_other_is_followed_again_when_the_running_one_falls_silent(
    detector: Detector, grown: bytes
) -> None:
    sent = [*in_turns(original(GROWN, 5), copy(0, 5)), *original(GROWN + 5, 20)]
    answers, state = play(detector, sent, grown)
    alone = answers[10:]
    back = [at for at, one in enumerate(alone) if not one.late]
    assert 3 <= back[0] <= 7
    assert back == list(range(back[0], 20))
    assert "followed again" in " ".join(reason.text for reason in alone[back[0]].reasons)
    assert alone[back[0]].label is Label.UNKNOWN
    assert alone[-1].label is Label.NORMAL
    timeline = decode_state(state, detector.experts).timeline
    assert (timeline.epoch, timeline.past) == (ONE, [TWO])


def test_a_clock_that_was_ahead_keeps_the_other_out_for_half_an_hour_at_most(
    detector: Detector, grown: bytes
) -> None:
    """A copy whose clock is a day ahead was switched off: its last time lies in the other's future for a day."""
    sent = [
        *in_turns(original(GROWN, 5), copy(0, 5, off=86_400.0)),
        *original(GROWN + 5, 45),
    ]
    answers, _ = play(detector, sent, grown)
    alone = answers[10:]
    back = [at for at, one in enumerate(alone) if not one.late]
    assert back == list(range(back[0], 45))
    assert 29 <= back[0] <= 32
    assert all(told(one) for one in alone[: back[0]])


def test_one_that_comes_back_after_the_other_took_over_is_told_of(
    detector: Detector, grown: bytes
) -> None:
    sent = [
        *in_turns(original(GROWN, 5), copy(0, 5)),
        *original(GROWN + 5, 15),
        *in_turns(original(GROWN + 20, 5), copy(20, 5)),
    ]
    answers, _ = play(detector, sent, grown)
    assert all(told(one) and one.label is Label.UNKNOWN for one in answers[-9:])


def test_a_backlog_taken_while_both_lived_is_told_of(detector: Detector, grown: bytes) -> None:
    """The copy was cut off for a while and sends what it spooled, after the original went on all the time."""
    sent = [*copy(0, 1), *original(GROWN + 1, 4), *copy(1, 4)]
    answers, _ = play(detector, sent, grown)
    assert all(told(one) for one in answers[1:])
    assert {one.label for one in answers} == {Label.UNKNOWN}


def test_a_backlog_from_after_the_other_took_over_is_told_of_too(
    detector: Detector, grown: bytes
) -> None:
    sent = [*copy(0, 1), *original(GROWN + 1, 20), *copy(1, 20), *original(GROWN + 21, 2)]
    answers, _ = play(detector, sent, grown)
    assert all(told(one) for one in answers[22:])
    assert {one.label for one in answers[21:]} == {Label.UNKNOWN}


def test_what_a_wiped_agent_had_not_sent_is_late_and_no_rival(
    detector: Detector, grown: bytes
) -> None:
    sent = [*copy(5, 2), *original(GROWN, 1), *copy(7, 2), *original(GROWN - 5, 5), *copy(9, 2)]
    answers, _ = play(detector, sent, grown)
    assert not any(told(one) for one in answers)
    assert answers[-1].label is Label.NORMAL
    assert answers[2].late


def test_a_clock_far_ahead_is_not_believed_for_ever(detector: Detector, grown: bytes) -> None:
    odd = Arrival(
        epoch=ONE,
        snapshot=changed(original(GROWN, 1)[0].snapshot, taken_at=START + timedelta(days=40_000)),
    )
    answers, state = play(detector, [*copy(0, 1), odd, *copy(1, 1)], grown)
    assert told(answers[2])
    timeline = decode_state(state, detector.experts).timeline
    timeline.count += 1_440
    blob = msgspec.msgpack.decode(state)
    blob["timeline"] = msgspec.msgpack.decode(msgspec.msgpack.encode(timeline))
    answers, _ = play(detector, copy(2, 1), msgspec.msgpack.encode(blob))
    assert not told(answers[0])


def test_a_rival_moves_nothing_but_what_is_known_of_rivals(
    detector: Detector, grown: bytes
) -> None:
    before = play(detector, copy(0, 1), grown)[1]
    (answer,), after = play(detector, original(GROWN, 1), before)
    assert answer.late
    assert not answer.facts
    assert answer.state == after
    old, new = msgspec.msgpack.decode(before), msgspec.msgpack.decode(after)
    assert {name for name in old if old[name] != new[name]} == {"timeline"}


def test_a_state_of_before_rivals_were_kept_goes_on(detector: Detector, grown: bytes) -> None:
    old = msgspec.msgpack.decode(play(detector, copy(0, 1), grown)[1])
    old["timeline"] = old["timeline"][:6]
    sent = in_turns(original(GROWN, 3), copy(1, 3))
    answers, _ = play(detector, sent, msgspec.msgpack.encode(old))
    assert all(told(one) for one in answers[2:])


@pytest.mark.no_cover
@settings(max_examples=30, deadline=None)
@given(st.lists(st.booleans(), min_size=4, max_size=30), st.sampled_from([1, 7]))
def test_whatever_the_order_of_arrival_batches_change_nothing(
    detector: Detector, grown: bytes, order: list[bool], batch: int
) -> None:
    mine, theirs = iter(original(GROWN, 30)), iter(copy(0, 30))
    sent = [next(mine if one else theirs) for one in order]
    singly, state = play(detector, sent, grown)
    together, same = play(detector, sent, grown, batch=batch)
    assert [(a.label, a.reasons, a.late, a.shared) for a in singly] == [
        (a.label, a.reasons, a.late, a.shared) for a in together
    ]
    assert state == same
