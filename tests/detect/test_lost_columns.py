"""A column that was always told and is missing now is blindness where an expert needs it, and never an alarm."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from uuid import NAMESPACE_OID, uuid5

import pytest
from msgspec.structs import replace
from tests.detect.coverage.hosts import quiet, snapshot
from tests.detect.coverage.stage import BORN, job, mount

from vedette.core import Cell, Epoch, HostId, Label, Row, Snapshot
from vedette.detect import Arrival, Bundle, Detector, Scored
from vedette.detect.columns import MAY_BE_EMPTY, NEEDED, Columns
from vedette.detect.tables import KNOWN_TABLES
from vedette.detect.usable import _COLUMNS

_EPOCH = Epoch("columns")
_QUIET, _LOST, _MENDED = 45, 3, 3
_FIRST = 62  # of the made-up life, where packages are as they stay
_ABSENT = "absent"
_WAYS: dict[str, Cell] = {"null": None, "empty": "", _ABSENT: None}

Key = tuple[str, str, str]


@cache
def _taken(role: str, seq: int) -> Snapshot:
    """A quiet host with a row in every table, and a person who stays."""
    stage = quiet(role, _FIRST)
    stage.metrics = quiet(role, seq).metrics
    stage.add("mounts", mount("/data", "/dev/vdb1", "ext4"))
    for row in stage.tables["mounts"]:
        row["flags"] = "rw,nosuid"
    stage.tables["logged_in_users"] = [
        {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": BORN, "type": "user"}
    ]
    stage.add("crontab", job("/etc/crontab", "root\t/usr/bin/true", "@reboot"))
    stage.tables["rpm_packages"] = [{"name": "filesystem", "version": "3"}]
    return snapshot(role, seq, stage)


def _keys() -> Iterator[Key]:
    tables = _taken("web", 1).tables
    assert tables.keys() >= KNOWN_TABLES
    for table, rows in sorted(tables.items()):
        for column in sorted(set[str]().union(*rows)):
            for way in _WAYS:
                yield table, column, way


def _without(rows: list[Row], column: str, way: str, share: float) -> list[Row]:
    """The rows, of which so many of those that had the column lack it."""
    having = [at for at, row in enumerate(rows) if row.get(column) not in {None, ""}]
    lost = set(having[: round(len(having) * share)])
    if way == _ABSENT:
        return [
            {name: cell for name, cell in row.items() if at not in lost or name != column}
            for at, row in enumerate(rows)
        ]
    return [{**row, column: _WAYS[way]} if at in lost else row for at, row in enumerate(rows)]


def _arrival(role: str, seq: int, key: Key | None, share: float) -> Arrival:
    taken = _taken(role, seq)
    if key is not None:
        own = HostId(str(uuid5(NAMESPACE_OID, str(key))))
        taken = replace(taken, host=replace(taken.host, id=own))
        table, column, way = key
        if seq <= _QUIET + _LOST and table in taken.tables:
            rows = _without(taken.tables[table], column, way, share)
            taken = replace(taken, tables=taken.tables | {table: rows})
    return Arrival(epoch=_EPOCH, snapshot=taken)


@lru_cache(maxsize=4)
def _told(role: str, share: float = 1.0) -> Mapping[Key, tuple[Scored, ...]]:
    """What was said of every host that lost a column, while it was lost and after it came back."""
    detector = Detector(Bundle.shipped())
    life = [_arrival(role, seq, None, share) for seq in range(1, _QUIET + 1)]
    last = detector.step(life, {})[-1]
    assert last.label is Label.NORMAL, last.reasons
    keys = tuple(_keys())
    looks = range(_QUIET + 1, _QUIET + _LOST + _MENDED + 1)
    arrivals = [_arrival(role, seq, key, share) for key in keys for seq in looks]
    states = {one.snapshot.host.id: last.state for one in arrivals}
    answers = iter(detector.step(arrivals, states))
    return {key: tuple(next(answers) for _ in looks) for key in keys}


def _needed(key: Key) -> bool:
    table, column, way = key
    if way == "empty" and (table, column) in MAY_BE_EMPTY:
        return False
    rows_need = {one.name for one in _COLUMNS.get(table, ()) if not one.holds(None)}
    return column in rows_need or any(column in one.get(table, ()) for one in NEEDED.values())


@pytest.mark.no_cover
@pytest.mark.parametrize(("role", "share"), [("web", 1.0), ("web", 0.8), ("database", 1.0)])
def test_no_lost_column_makes_an_alarm_nor_does_its_return(role: str, share: float) -> None:
    alarms = {
        key: [reason.subject for one in said for reason in one.reasons]
        for key, said in _told(role, share).items()
        if any(one.label is Label.ABNORMAL for one in said)
    }
    assert not alarms


@pytest.mark.no_cover
@pytest.mark.parametrize(("role", "share"), [("web", 1.0), ("web", 0.8), ("database", 1.0)])
def test_a_lost_column_that_an_expert_needs_is_blindness_that_names_it(
    role: str, share: float
) -> None:
    silent = []
    for key, said in _told(role, share).items():
        for at, one in enumerate(said[:_LOST]):
            texts = [one.text for one in one.reasons if one.subject == f"table:{key[0]}"]
            named = one.label is Label.UNKNOWN and any(key[1] in text for text in texts)
            if _needed(key) and not named:
                silent.append((key, at, one.label, texts))
    assert not silent


@pytest.mark.no_cover
def test_a_column_that_came_back_is_blindness_no_more() -> None:
    for key, said in _told("web").items():
        assert {one.label for one in said[_LOST:]} == {Label.NORMAL}, key


def _life(detector: Detector, many: int, change: Callable[[Row], Row]) -> list[Scored]:
    """So many looks at a host whose rows of processes are all changed so, from its first."""
    arrivals = []
    for seq in range(1, many + 1):
        taken = _taken("web", seq)
        rows = [change(row) for row in taken.tables["processes"]]
        changed = replace(taken, tables=taken.tables | {"processes": rows})
        arrivals.append(Arrival(epoch=_EPOCH, snapshot=changed))
    return detector.step(arrivals, {})


def test_a_column_that_a_host_never_had_is_its_way(detector: Detector) -> None:
    said = _life(detector, 40, lambda row: {**row, "threads": None, "cwd": ""})
    assert said[-1].label is Label.NORMAL


def test_threads_of_the_kernel_and_ended_processes_need_no_path(detector: Detector) -> None:
    def bare(row: Row) -> Row:
        return {**row, "state": "Z", "path": "", "cmdline": ""} if row["pid"] == 501 else row

    arrivals = [Arrival(epoch=_EPOCH, snapshot=_taken("web", seq)) for seq in range(1, 41)]
    kernel = [
        {**row, "pid": 5_000 + at, "parent": 2, "path": "", "cmdline": "", "name": f"kworker/{at}"}
        for at, row in enumerate([_taken("web", 41).tables["processes"][0]] * 60)
    ]
    taken = _taken("web", 41)
    rows = [*map(bare, taken.tables["processes"]), *kernel]
    arrivals.append(
        Arrival(epoch=_EPOCH, snapshot=replace(taken, tables=taken.tables | {"processes": rows}))
    )
    assert detector.step(arrivals, {})[-1].label is Label.NORMAL


def test_a_column_that_stays_away_for_a_day_is_the_hosts_way() -> None:
    columns = Columns()
    whole: list[Row] = [{"username": "a", "shell": "/bin/sh", "directory": "/", "gid": 1}]
    bare: list[Row] = [{**whole[0], "shell": None}]
    seen = columns.glance("users", whole)
    assert seen is not None
    columns.learn({"users": seen})
    for look in range(1_440):
        seen = columns.glance("users", bare)
        assert seen is not None
        assert seen.lost == ("shell",), look
        columns.learn({"users": seen})
    seen = columns.glance("users", bare)
    assert seen is not None
    assert seen.lost == ()


def test_what_is_beside_the_rows_that_lack_a_column_is_judged_all_the_same(
    detector: Detector,
) -> None:
    toor: Row = {"username": "toor", "uid": 0, "gid": 0, "shell": "/bin/sh", "directory": "/"}
    arrivals = [Arrival(epoch=_EPOCH, snapshot=_taken("web", seq)) for seq in range(1, 41)]
    taken = _taken("web", 41)
    users = [*({**row, "shell": None} for row in taken.tables["users"]), toor]
    changed = replace(taken, tables=taken.tables | {"users": users})
    said = detector.step([*arrivals, Arrival(epoch=_EPOCH, snapshot=changed)], {})[-1]
    assert said.label is Label.ABNORMAL
    assert {"user:toor", "table:users"} <= {reason.subject for reason in said.reasons}
