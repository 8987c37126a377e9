"""What every expert must do, whatever it looks at. Subclasses give `expert` and may give harsher histories."""

import copy
from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
import pytest
from tests.fixtures.quiet_host import changed, process, quiet_snapshots, quiet_tables

from vedette.core import Row, Snapshot
from vedette.detect import Case, Expert, View

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
        {"pid": 900, "port": 4444, "protocol": 6, "family": 2, "address": "0.0.0.0"}  # noqa: S104 - a row
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
        random = Random(5)  # noqa: S311 - makes no secret
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
        run(expert, views(snapshots))

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


def _bare(snapshot: Snapshot) -> Snapshot:
    tables: dict[str, list[Row]] = {
        name: [dict(list(row.items())[:1]) for row in rows]
        for name, rows in snapshot.tables.items()
    }
    return msgspec.structs.replace(snapshot, tables=tables, metrics={})
