"""What people and jobs have under way explains a gauge that is high: as far as it may, and no further."""

import pytest
from tests.contracts.expert_suite import run, views
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Row, Snapshot
from vedette.detect import Case, View
from vedette.detect.vitals import VitalsExpert, vitals
from vedette.detect.vitals.errands import Errands, errands, somebody_clears

_CPU, _MEMORY = "system.cpu.utilization", "system.memory.utilization"
_QUIET = 120
_WORK = 90_000  # milliseconds of the processor
_SIZE = 2**31  # bytes of memory
_SSHD, _CRON, _BASH = "/usr/sbin/sshd", "/usr/sbin/cron", "/usr/bin/bash"


def _row(pid: int, parent: int, path: str, command: str, start: float, **more: str | int) -> Row:
    row: Row = {
        "pid": pid, "parent": parent, "name": path.rsplit("/", 1)[-1][:15], "path": path, "cmdline": command, "cwd": "/",
        "uid": 0, "gid": 0, "euid": 0, "state": "S", "start_time": int(start), "resident_size": 9_000_000,
        "total_size": 60_000_000, "user_time": 10, "system_time": 10, "threads": 1, "on_disk": 1,
    }  # fmt: skip
    return row | more


def _job(
    start: float, path: str = "/usr/bin/restic", size: int = 9_000_000, cron: str = _CRON
) -> list[Row]:
    return [
        _row(9_000, 1, cron, "cron -f", 1_000.0),
        _row(9_001, 9_000, "/usr/bin/dash", "/bin/sh -c /usr/local/sbin/nightly", start, name="sh"),
        _row(9_002, 9_001, path, f"{path} backup", start, resident_size=size, user_time=_WORK),
    ]  # fmt: skip


def _session(
    start: float, path: str, command: str, work: int = _WORK, person: str = "ana"
) -> list[Row]:
    return [
        _row(9_100, 1, _SSHD, "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups", 1_000.0),
        _row(9_101, 9_100, _SSHD, f"sshd: {person} [priv]", start),
        _row(9_102, 9_101, _SSHD, f"sshd: {person}@pts/0", start, uid=1000),
        _row(9_103, 9_102, _BASH, "-bash", start, uid=1000),
        _row(9_104, 9_103, path, command, start, uid=1000, user_time=work),
    ]


def _lives(metric: str, heights: list[float], rows: list[list[Row]]) -> tuple[list[View], int]:
    """A quiet host on which a metric then stands so high, with these processes beside its own."""
    snapshots = list(quiet_snapshots(_QUIET + len(heights)))
    usual = 0.1
    found: list[Snapshot] = [changed(one, metrics={metric: usual}) for one in snapshots[:_QUIET]]
    for one, height, more in zip(snapshots[_QUIET:], heights, rows, strict=True):
        tables = {"processes": [*one.tables["processes"], *(dict(row) for row in more)]}
        found.append(changed(one, metrics={metric: height}, tables=tables))
    return views(found), int(found[_QUIET].taken_at.timestamp())


def _sized(seen: list[View]) -> list[View]:
    """The same with the memory that is in use."""
    used = [{"system.memory.usage": _SIZE * view.metrics[_MEMORY]} for view in seen]
    return [
        View(snapshot=changed(v.snapshot, metrics=more), count=v.count, elapsed=v.elapsed, seen=v.seen)
        for v, more in zip(seen, used, strict=True)
    ]  # fmt: skip


def _loud(cases: list[tuple[Case, ...]], metric: str) -> list[int]:
    return [
        at - _QUIET
        for at, some in enumerate(cases)
        if any(case.subject == f"metric:{metric}" and case.nats > 0 for case in some)
    ]


def _told(metric: str, heights: list[float], rows: list[list[Row]]) -> list[int]:
    seen, _ = _lives(metric, heights, rows)
    cases, _ = run(VitalsExpert({}), seen)
    return _loud(cases, metric)


@pytest.fixture(scope="module")
def began() -> int:
    return _lives(_CPU, [0.1], [[]])[1]


def test_a_busy_processor_is_told_without_an_errand_and_not_with_one(began: int) -> None:
    assert _told(_CPU, [0.98] * 20, [[]] * 20)
    assert not _told(_CPU, [0.98] * 20, [_job(began - 20.0)] * 20)


def test_what_only_waits_explains_nothing(began: int) -> None:
    start, psql = began - 1_200.0, "/usr/bin/psql"
    assert _told(_CPU, [0.98] * 20, [_session(start, psql, "psql -h db", 40)] * 20)
    assert not _told(_CPU, [0.98] * 20, [_session(start, psql, "psql -h db -f x.sql")] * 20)


def test_what_only_waited_goes_on_for_a_while_when_it_is_over(began: int) -> None:
    client = _session(began - 20.0, "/usr/bin/psql", "psql -c VACUUM", 40)
    nothing: list[Row] = []
    told = _told(_CPU, [0.98] * 18, [client] * 12 + [nothing] * 6)
    assert told
    assert 14 <= told[0] <= 15


@pytest.mark.parametrize("person", ["ana@corp.example", "CORP\\ana"])
def test_who_logs_in_by_a_directory_is_at_work_too(began: int, person: str) -> None:
    rows = _session(began - 20.0, "/usr/bin/rsync", "rsync -a a b", person=person)
    assert not _told(_CPU, [0.98] * 20, [rows] * 20)


def test_work_goes_on_under_a_shell_that_stays_when_the_line_breaks(began: int) -> None:
    start = began - 20.0
    rows = [
        _row(9_100, 1, "/usr/bin/mosh-server", "mosh-server new -s", start, uid=1000),
        _row(9_101, 9_100, _BASH, "-bash", start, uid=1000),
        _row(9_102, 9_101, "/usr/bin/rsync", "rsync -a a b", start, uid=1000, user_time=_WORK),
    ]
    assert not _told(_CPU, [0.98] * 20, [rows] * 20)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/usr/sbin/runuser", "runuser -u app -- make run"),
        ("/usr/bin/su", "su app -c make run"),
        ("/usr/bin/tini", "tini -- make run"),
    ],
)
def test_a_service_that_is_started_for_an_account_is_no_errand(
    began: int, path: str, command: str
) -> None:
    start = began - 1_200.0
    rows = [
        _row(9_000, 1, path, command, start),
        _row(9_001, 9_000, "/usr/bin/make", "make run", start, uid=33, user_time=_WORK),
        _row(9_002, 9_001, "/usr/bin/python3", "python3 app.py", start, uid=33, user_time=_WORK),
    ]
    assert _told(_CPU, [0.98] * 20, [rows] * 20)


@pytest.mark.parametrize("above", ["npm start", "/usr/bin/uv run app.py", "/bin/sh -c npm start"])
def test_a_service_that_a_build_tool_runs_is_no_errand(began: int, above: str) -> None:
    start, tool = began - 1_200.0, above.split(maxsplit=1)[0].rsplit("/", 1)[-1]
    rows = [
        _row(9_000, 1, f"/usr/bin/{tool}", above, start, uid=33, user_time=_WORK),
        _row(9_001, 9_000, "/usr/bin/npm", "npm start", start, uid=33, user_time=_WORK),
        _row(9_002, 9_001, "/usr/bin/python3", "python3 app.py", start, uid=33, user_time=_WORK),
    ]
    assert _told(_CPU, [0.98] * 20, [rows] * 20)
    built = [_row(8_999, 1, "/usr/bin/gitlab-runner", "gitlab-runner run", 1_000.0, uid=33)]
    rows[0]["parent"] = 8_999
    assert not _told(_CPU, [0.98] * 20, [built + rows] * 20)


def test_an_errand_explains_for_half_an_hour_and_no_longer(began: int) -> None:
    told = _told(_CPU, [0.98] * 40, [_job(began - 20.0)] * 40)
    assert told
    assert 29 <= told[0] <= 32


def test_what_begins_after_the_rise_explains_nothing(began: int) -> None:
    nothing: list[Row] = []
    rows = [nothing] * 4 + [_session(began + 200.0, "/usr/bin/rsync", "rsync -a a b")] * 16
    assert _told(_CPU, [0.98] * 20, rows)


def test_one_errand_after_the_other_goes_on(began: int) -> None:
    rows = [_job(began - 20.0 + 60.0 * at) for at in range(20)]
    assert not _told(_CPU, [0.98] * 20, rows)


@pytest.mark.parametrize(
    "command", ["less /var/log/syslog", "vim a", "top", "tail -f a", "tmux", "sleep 900"]
)
def test_who_only_looks_is_not_at_work(began: int, command: str) -> None:
    path = f"/usr/bin/{command.split(maxsplit=1)[0]}"
    assert _told(_CPU, [0.98] * 20, [_session(began - 20.0, path, command)] * 20)


def test_a_scheduler_from_a_temporary_place_is_none(began: int) -> None:
    assert _told(_CPU, [0.98] * 20, [_job(began - 20.0, cron="/tmp/cron")] * 20)


def test_a_service_that_is_no_errand_is_told(began: int) -> None:
    service = [_row(9_200, 1, "/usr/bin/python3.11", "python3 /srv/app/worker.py", began - 20.0)]
    assert _told(_CPU, [0.98] * 20, [service] * 20)


def test_memory_is_explained_by_the_job_that_holds_it_alone(began: int) -> None:
    heights = [0.1 + 0.03 * min(at, 8) for at in range(1, 13)]
    holds = [_job(began - 20.0, size=int((height - 0.1) * _SIZE)) for height in heights]
    seen, _ = _lives(_MEMORY, heights, holds)
    assert not _loud(run(VitalsExpert({}), _sized(seen))[0], _MEMORY)
    # What somebody's program held all along has made nothing rise.
    kept = [
        _row(9_300, 1, "/usr/bin/tmux", "tmux new -s work", 1_000.0, uid=1000),
        _row(9_301, 9_300, "/usr/bin/python3", "python3 a.py", 1_000.0, uid=1000, resident_size=_SIZE),
    ]  # fmt: skip
    older, _ = _lives(_MEMORY, heights, [[*_job(began - 20.0), *kept]] * 12)
    assert _loud(run(VitalsExpert({}), _sized(older))[0], _MEMORY)
    assert _told(_MEMORY, heights, [_job(began - 20.0)] * 12)


def test_when_an_errand_was_seen_is_kept_in_the_state(began: int) -> None:
    seen, _ = _lives(_CPU, [0.98] * 6, [_job(began - 20.0)] * 6)
    expert = VitalsExpert({})
    _, state = run(expert, seen)
    assert state.worked == seen[-1].snapshot.taken_at.timestamp()
    assert expert.load(expert.dump(state)).worked == state.worked
    damaged = expert.load(expert.dump(state))
    damaged.record = bytearray(damaged.record)
    damaged.past().watches.median[0, 0] = float("nan")
    mended = expert.load(expert.dump(damaged))
    assert mended.lost
    assert mended.worked == state.worked


def test_what_does_not_say_when_it_began_may_clear_and_what_began_days_ago_does_not(
    began: int,
) -> None:
    def clears(start: float) -> bool:
        seen, _ = _lives(_CPU, [0.1], [_job(start)])
        return somebody_clears(seen[-1])

    assert clears(began - 20.0)
    assert clears(0.0)
    assert not clears(began - 200_000.0)


def test_the_processes_are_looked_through_once_for_one_look(
    began: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[View] = []

    def counted(view: View) -> Errands:
        looks.append(view)
        return errands(view)

    monkeypatch.setattr(vitals, "errands", counted)
    seen, _ = _lives(_CPU, [0.98] * 15, [_job(began - 20.0)] * 15)
    run(VitalsExpert({}), seen)
    assert len(looks) >= 10
    assert len(looks) == len({id(view) for view in looks})
