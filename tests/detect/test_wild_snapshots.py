"""Whatever a host sends, its snapshot is judged and its state goes on, within bounds."""

import gc
import tracemalloc
from math import isfinite
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.life import subjects
from tests.detect.wild import WILD, later, play, vitals
from tests.fixtures.quiet_host import changed, quiet_snapshots, quiet_tables

from vedette.core import Cell, Label, Row, Snapshot
from vedette.detect import KNOWN_TABLES, Detector
from vedette.detect.hoststate import decode_state
from vedette.detect.place import _hidden, hidden, place
from vedette.detect.vitals.gauges import GAUGES

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
    detector: Detector, grown_state: bytes, port: Cell
) -> None:
    ports: list[Row] = [{"pid": 1, "port": port, "address": None}]
    odd, *plain = later(3)
    snapshots = [changed(odd, tables={"listening_ports": ports}), *plain]
    answers, _ = play(detector, snapshots, grown_state)
    assert not any("state" in subjects(answer) for answer in answers)


@pytest.mark.parametrize("column", ["resident_size", "threads"])
def test_a_process_beyond_all_measure_costs_no_state(
    detector: Detector, grown_state: bytes, column: str
) -> None:
    snapshots = [
        changed(
            one, tables={"processes": [row | {column: 10**400} for row in one.tables["processes"]]}
        )
        for one in later(3)
    ]
    answers, _ = play(detector, snapshots, grown_state)
    assert not any(name.startswith("state") for answer in answers for name in subjects(answer))


@pytest.mark.no_cover
@settings(max_examples=120, deadline=None)
@given(looks=st.lists(LOOKS, min_size=1, max_size=6), young=st.booleans())
def test_nothing_that_a_host_can_send_stops_it(
    detector: Detector, grown_state: bytes, looks: list[dict[str, Any]], *, young: bool
) -> None:
    plain = list(quiet_snapshots(len(looks))) if young else later(len(looks))
    snapshots = [_seen(snapshot, look) for snapshot, look in zip(plain, looks, strict=True)]
    answers, state = play(detector, snapshots, None if young else grown_state)
    for snapshot, answer in zip(snapshots, answers, strict=True):
        assert isfinite(answer.score)
        assert 0.0 <= answer.score <= 1.0
        assert all(map(isfinite, answer.experts.values()))
        assert not any(reason.subject.startswith("state") for reason in answer.reasons)
        assert len(msgspec.json.encode(answer.reasons)) < 40_000
        if any(abs(value) >= 1e15 for value in snapshot.metrics.values()):
            assert answer.label is not Label.NORMAL
    assert len(state or b"") < 100_000


@pytest.mark.no_cover
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


@pytest.mark.no_cover
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
