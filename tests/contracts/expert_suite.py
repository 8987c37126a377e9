"""What every expert must do, whatever it looks at. Subclasses give `expert` and may give harsher histories."""

import copy
import sys
from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from random import Random
from typing import Any, Self

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contracts.hostile_history import flooded, odd_cells, with_strangers
from tests.fixtures.quiet_host import changed, process, quiet_snapshots, quiet_tables

from vedette.core import HostId, Row, Snapshot
from vedette.detect import Case, Expert, View
from vedette.detect.columns import NEEDED
from vedette.detect.facts import absorb
from vedette.detect.tables import Tables, look

QUIET = 40


def history() -> list[Snapshot]:
    """Forty quiet snapshots, then three busy ones with things of every kind that nobody saw before."""
    quiet = quiet_snapshots(QUIET)
    tables = quiet_tables()
    tables["processes"] += [
        process(900, 401, "x", "/tmp/.x/x", "/tmp/.x/x -c", uid=33, on_disk=0),
        process(901, 900, "sh", "/usr/bin/dash", "sh -i", uid=33),
    ]
    tables["listening_ports"].append(
        {"pid": 900, "port": 4444, "protocol": 6, "family": 2, "address": "0.0.0.0"}
    )
    tables["users"].append(
        {"username": "toor", "uid": 0, "gid": 0, "shell": "/bin/sh", "directory": "/root"}
    )
    tables["authorized_keys"].append(
        {
            "uid": 0,
            "algorithm": "ssh-ed25519",
            "key": "k" * 64,
            "key_file": "/root/.ssh/authorized_keys",
        }
    )
    metrics = {
        "system.network.connections.syn_sent": 90.0,
        "system.network.connections.established": 250.0,
        "system.processes.count": 130.0,
    }
    busy = [changed(s, tables=tables, metrics=metrics) for s in quiet_snapshots(3, first=41)]
    return [*quiet, *busy]


def views(snapshots: Sequence[Snapshot]) -> list[View]:
    """The snapshots as the detector shows them, every table seen."""
    found: list[View] = []
    for count, snapshot in enumerate(snapshots):
        elapsed = (
            (snapshot.taken_at - snapshots[count - 1].taken_at).total_seconds() if count else None
        )
        seen = frozenset(snapshot.tables)
        found.append(View(snapshot=snapshot, count=count, elapsed=elapsed, seen=seen))
    return found


def as_online(snapshots: Sequence[Snapshot]) -> tuple[list[View], list[list[str]]]:
    """The snapshots as the detector shows them, only what can be used; and the sentences on where it is blind."""
    tables, found, blind = Tables(), [], []
    for view in views(snapshots):
        sight = look(tables, view.snapshot)
        taken = msgspec.structs.replace(
            view.snapshot, tables=view.snapshot.tables | dict(sight.rows)
        )
        found.append(
            msgspec.structs.replace(
                view,
                snapshot=taken,
                seen=sight.seen,
                unchanged=sight.unchanged,
                doubted=sight.doubted,
            )
        )
        blind.append([text for _, text in sight.blindness])
        absorb(tables, found[-1], sight)
        tables.learn(taken, sight)
    return found, blind


def run(expert: Expert[Any], seen: Sequence[View]) -> tuple[list[tuple[Case, ...]], Any]:
    """The cases of every view, and the state after all."""
    state, cases = expert.fresh(), []
    for view in seen:
        cases += expert.judge([view], [state])
        (state,) = expert.learn([view], [state], [any(case.nats > 0 for case in cases[-1])])
    return cases, state


class ExpertSuite:
    """The contract of `vedette.detect.Expert`."""

    @pytest.fixture
    def expert(self) -> Expert[Any]:
        raise NotImplementedError

    def test_it_has_something_to_say_of_the_busy_snapshot(self, expert: Expert[Any]) -> None:
        cases, _ = run(expert, views(history()))
        assert any(case.nats > 0 for case in cases[-1])
        assert all(case.expert == expert.name for case in cases[-1])

    def test_it_is_quiet_on_a_quiet_machine_from_the_first_snapshot(
        self, expert: Expert[Any]
    ) -> None:
        cases, _ = run(expert, views(history()[:QUIET]))
        assert not [case for some in cases for case in some if case.nats > 0]

    def test_what_is_there_on_the_first_snapshot_is_the_baseline(self, expert: Expert[Any]) -> None:
        busy = history()[-1]
        assert not [
            case for case in expert.judge(views([busy]), [expert.fresh()])[0] if case.nats > 0
        ]

    def test_it_changes_neither_the_view_nor_its_tables(self, expert: Expert[Any]) -> None:
        seen = views(history())
        before = copy.deepcopy(seen)
        run(expert, seen)
        assert seen == before

    def test_judging_does_not_touch_the_state(self, expert: Expert[Any]) -> None:
        seen = views(history())
        _, state = run(expert, seen[:-1])
        before = msgspec.msgpack.encode(expert.dump(state))
        first = expert.judge(seen[-1:], [state])
        assert msgspec.msgpack.encode(expert.dump(state)) == before
        assert expert.judge(seen[-1:], [state]) == first

    def test_the_same_input_gives_the_same_cases(self, expert: Expert[Any]) -> None:
        assert run(expert, views(history()))[0] == run(expert, views(history()))[0]

    def test_the_order_of_rows_columns_and_metrics_is_free(self, expert: Expert[Any]) -> None:
        random = Random(5)
        shuffled = [_shuffle(snapshot, random) for snapshot in history()]
        straight = run(expert, views(history()))[0]
        for one, other in zip(straight, run(expert, views(shuffled))[0], strict=True):
            assert _said(one) == _said(other)

    def test_a_dump_goes_on_exactly_as_the_state(self, expert: Expert[Any]) -> None:
        state, cases = expert.fresh(), []
        seen = views(history())
        for view in seen:
            raw = msgspec.msgpack.decode(msgspec.msgpack.encode(expert.dump(state)))
            state = expert.load(raw)
            cases += expert.judge([view], [state])
            (state,) = expert.learn([view], [state], [any(case.nats > 0 for case in cases[-1])])
        straight, end = run(expert, seen)
        assert cases == straight
        assert expert.dump(state) == expert.dump(end)

    @pytest.mark.no_cover
    @pytest.mark.parametrize("table", sorted(quiet_tables()))
    def test_a_missing_table_is_survived(self, expert: Expert[Any], table: str) -> None:
        snapshots = history()
        for at in (10, 11, 30, 40):
            snapshots[at] = changed(snapshots[at], without=(table,))
        cases, _ = run(expert, views(snapshots))
        assert not [case for some in cases[:QUIET] for case in some if case.nats > 0]

    def test_missing_metrics_and_columns_are_survived(self, expert: Expert[Any]) -> None:
        snapshots = history()
        for at in (0, 10, 11, 40):
            snapshots[at] = _bare(snapshots[at])
        cases, _ = run(expert, as_online(snapshots)[0])
        assert not [case for some in cases[:QUIET] for case in some if case.nats > 0]

    @pytest.mark.no_cover
    def test_a_column_that_is_lost_is_no_case_and_is_told_where_the_expert_needs_it(
        self, expert: Expert[Any]
    ) -> None:
        lost = range(12, 15)
        for table, rows in quiet_tables().items():
            for column in sorted(set[str]().union(*rows)):
                snapshots = history()[:18]
                for at in lost:
                    snapshots[at] = _lacking(snapshots[at], table, column)
                seen, blind = as_online(snapshots)
                cases, _ = run(expert, seen)
                assert not [case for some in cases for case in some if case.nats > 0], column
                if column in NEEDED.get(expert.name, {}).get(table, ()):
                    told = [any(column in text for text in blind[at]) for at in lost]
                    assert all(told), (table, column)

    def test_a_metric_may_come_and_go(self, expert: Expert[Any]) -> None:
        snapshots = history()[:QUIET]
        for at in range(12, 20):
            snapshots[at] = changed(snapshots[at], metrics={"some.other.metric": 5.0 * at})
        for at in range(20, 25):
            fewer = dict(snapshots[at].metrics)
            del fewer["system.memory.utilization"]
            snapshots[at] = msgspec.structs.replace(snapshots[at], metrics=fewer)
        cases, _ = run(expert, views(snapshots))
        assert not [case for some in cases for case in some if case.nats > 0]

    @pytest.fixture
    def alone(self, expert: Expert[Any]) -> list[list[tuple[Case, ...]]]:
        """What each of the lives gets by itself."""
        return [run(expert, views(life))[0] for life in _lives()]

    @pytest.mark.no_cover
    @settings(
        max_examples=8,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(data=st.data())
    def test_any_grouping_of_hosts_gives_what_each_would_get_alone(
        self, expert: Expert[Any], alone: list[list[tuple[Case, ...]]], data: st.DataObject
    ) -> None:
        lives = [views(life) for life in _lives()]
        left = [list(life) for life in lives]
        states = [expert.fresh() for _ in lives]
        cases: list[list[tuple[Case, ...]]] = [[] for _ in lives]
        while any(left):
            waiting = [host for host, life in enumerate(left) if life]
            wave = data.draw(st.lists(st.sampled_from(waiting), min_size=1, unique=True))
            seen = [left[host].pop(0) for host in wave]
            said = expert.judge(seen, [states[host] for host in wave])
            alarms = [any(case.nats > 0 for case in one) for one in said]
            after = expert.learn(seen, [states[host] for host in wave], alarms)
            for host, one, state in zip(wave, said, after, strict=True):
                states[host] = state
                cases[host].append(one)
        for straight, grouped in zip(alone, cases, strict=True):
            assert [_told(one) for one in grouped] == [_told(one) for one in straight]
            for one, other in zip(grouped, straight, strict=True):
                assert [c.nats for c in one] == pytest.approx([c.nats for c in other], abs=1e-9)

    def test_unknown_tables_and_columns_change_nothing(self, expert: Expert[Any]) -> None:
        strange = run(expert, views([with_strangers(snapshot) for snapshot in history()]))[0]
        straight = run(expert, views(history()))[0]
        assert list(map(_said, strange)) == list(map(_said, straight))

    def test_an_unknown_metric_alone_is_no_alarm(self, expert: Expert[Any]) -> None:
        snapshots = [changed(s, metrics={"no.such.metric": 1.0 + s.seq}) for s in history()[:QUIET]]
        cases, _ = run(expert, views(snapshots))
        assert not [case for some in cases for case in some if case.nats > 0]

    @pytest.mark.no_cover
    @pytest.mark.parametrize("seed", range(4))
    def test_cells_of_any_type_are_survived_and_every_number_is_finite(
        self, expert: Expert[Any], seed: int
    ) -> None:
        random = Random(seed)
        snapshots = [
            odd_cells(snapshot, random) if random.random() < 0.5 else snapshot
            for snapshot in history()
        ]
        cases, state = run(expert, views(snapshots))
        assert all(isfinite(case.nats) for some in cases for case in some)
        assert all(map(isfinite, _numbers(expert.dump(state))))
        again = expert.load(expert.dump(state))
        assert expert.dump(again) == expert.dump(state)

    @pytest.mark.no_cover
    def test_a_flood_of_new_things_fills_no_state_and_grows_no_work(
        self, expert: Expert[Any]
    ) -> None:
        state, sizes, calls = expert.fresh(), [], []
        for view in views(list(flooded(36, 60))):
            with _Calls() as counted:
                cases = expert.judge([view], [state])
                (state,) = expert.learn([view], [state], [False])
            assert len(cases[0]) <= 100
            sizes.append(len(msgspec.msgpack.encode(expert.dump(state))))
            calls.append(counted.many)
        assert max(sizes) < 700_000
        assert max(calls[24:]) < 2 * max(calls[:12])

    def test_what_is_abnormal_is_not_learned_while_the_alarm_lasts(
        self, expert: Expert[Any]
    ) -> None:
        snapshots = history()
        _, state = run(expert, views(snapshots)[:QUIET])
        busy = snapshots[-1]
        told: list[tuple[Case, ...]] = []
        for count in range(QUIET, QUIET + 15):
            at = busy.taken_at + (count + 1 - busy.seq) * timedelta(seconds=60)
            later = changed(busy, seq=count + 1, taken_at=at)
            view = View(snapshot=later, count=count, elapsed=60.0, seen=frozenset(later.tables))
            told += expert.judge([view], [state])
            (state,) = expert.learn([view], [state], [True])
        assert any(case.nats > 0 for case in told[-1])

    @pytest.mark.parametrize("raw", [None, [], {}, 7, ["x"], b"\x00"])
    def test_what_is_no_state_is_refused(self, expert: Expert[Any], raw: Any) -> None:
        with pytest.raises((ValueError, TypeError, KeyError)):
            expert.load(raw)


def _said(cases: Sequence[Case]) -> list[tuple[str, float, str]]:
    return sorted((case.subject, round(case.nats, 9), case.text) for case in cases)


def _shuffle(snapshot: Snapshot, random: Random) -> Snapshot:
    tables: dict[str, list[Row]] = {}
    for name, rows in snapshot.tables.items():
        turned: list[Row] = [dict(random.sample(list(row.items()), len(row))) for row in rows]
        random.shuffle(turned)
        tables[name] = turned
    names = random.sample(list(snapshot.metrics), len(snapshot.metrics))
    metrics = {name: snapshot.metrics[name] for name in names}
    return msgspec.structs.replace(snapshot, tables=tables, metrics=metrics)


def _lacking(snapshot: Snapshot, table: str, column: str) -> Snapshot:
    rows = [{**row, column: None} for row in snapshot.tables[table]]
    return changed(snapshot, tables={**snapshot.tables, table: rows})


def _bare(snapshot: Snapshot) -> Snapshot:
    tables: dict[str, list[Row]] = {
        name: [dict(list(row.items())[:1]) for row in rows]
        for name, rows in snapshot.tables.items()
    }
    return msgspec.structs.replace(snapshot, tables=tables, metrics={})


class _Calls:
    """Counts the calls of Python's functions while it is entered: work that is the same on every machine."""

    def __init__(self) -> None:
        self.many = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._count)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _count(self, _frame: object, event: str, _arg: object) -> None:
        self.many += event == "call"


def _lives() -> list[list[Snapshot]]:
    """Short lives of five hosts: quiet, abnormal, with sight lost, with other metrics, and a beginner's."""
    whole = history()
    busy = [changed(s, host=_host(s, 1)) for s in whole[25:]]
    blind = [
        changed(s, host=_host(s, 2), without=("users", "processes") if s.seq % 5 == 0 else ())
        for s in whole[30:]
    ]
    other = [
        changed(
            s, host=_host(s, 3), metrics={f"some.metric.{n}": float(n * s.seq) for n in range(9)}
        )
        for s in whole[20:]
    ]
    return [whole[:20], busy, blind, other, [changed(s, host=_host(s, 4)) for s in whole[:2]]]


def _host(snapshot: Snapshot, number: int) -> Any:
    return msgspec.structs.replace(snapshot.host, id=HostId(f"{number}{snapshot.host.id[1:]}"))


def _told(cases: Sequence[Case]) -> list[tuple[str, str, str | None, str]]:
    return [(case.subject, case.text, case.attack, case.observed) for case in cases]


def _numbers(value: Any) -> list[float]:
    """Every fraction in a dump, packed parts that are MessagePack included."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return [one for pair in value.items() for part in pair for one in _numbers(part)]
    if isinstance(value, list | tuple):
        return [one for part in value for one in _numbers(part)]
    if isinstance(value, bytes):
        try:
            return _numbers(msgspec.msgpack.decode(value))
        except (msgspec.DecodeError, UnicodeDecodeError):
            return []
    return []
