"""`@cause`: the processes that an incident's reasons name, bound to pid and start when the action is proposed."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import structs
from tests.respond.world import HOST, INCIDENT, action

from vedette.app.causes import name_causes
from vedette.core import Action, Snapshot
from vedette.core.host import HostDescription
from vedette.decide import Decision

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def row(pid: Any, path: str = "/tmp/x", **changes: Any) -> dict[str, Any]:
    return {
        "pid": pid,
        "name": path.rpartition("/")[2],
        "path": path,
        "cmdline": path,
        "cwd": "/",
        "uid": 0,
        "start_time": 1_700_000_000 + (pid if isinstance(pid, int) else 0),
        "on_disk": 1,
    } | changes


def named(rows: list[dict[str, Any]], *causes: str, **changes: Any) -> Action:
    given = action(kind="kill_process", parameters={"process": "@cause", "grace": 10.0}, **changes)
    incident = structs.replace(INCIDENT, causes=causes, reasons=())
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HOST, hostname="web-1"),
        seq=1,
        taken_at=AT,
        tables={"processes": rows},
    )
    (after,) = name_causes(Decision(incidents=(incident,), actions=(given,)), snapshot).actions
    return after


def test_the_processes_that_a_reason_names_are_bound_by_pid_start_and_path() -> None:
    rows = [row(7), row(8, "/usr/sbin/cron"), row(9)]
    assert named(rows, "process:/tmp/x", "cron:/etc/cron.d/x").parameters["processes"] == [
        {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"},
        {"pid": 9, "start_time": 1_700_000_009, "path": "/tmp/x"},
    ]


def test_a_shell_at_work_by_itself_is_its_users() -> None:
    rows = [row(7, "/bin/bash", uid=0, cmdline="bash"), row(8, "/bin/bash", uid=33, cmdline="bash")]
    found = named(rows, "process:/bin/bash:33").parameters["processes"]
    assert [one["pid"] for one in found] == [8]


def test_a_script_is_named_by_its_own_path_and_held_by_its_interpreters() -> None:
    rows = [row(7, "/usr/bin/python3", cmdline="python3 /opt/evil.py"), row(8, "/usr/bin/python3")]
    found = named(rows, "process:/opt/evil.py").parameters["processes"]
    assert found == [{"pid": 7, "start_time": 1_700_000_007, "path": "/usr/bin/python3"}]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "no process that runs now"),
        ([row(8, "/usr/sbin/cron")], "no process that runs now"),
        ([row("7"), row(0), row(9, start_time=None), row(9, start_time=-1)], "no process"),
        ([row(pid) for pid in range(2, 11)], "fit 9 processes; more than 8"),
    ],
)
def test_where_none_or_too_many_fit_there_are_none_and_it_says_why(
    rows: list[dict[str, Any]], why: str
) -> None:
    after = named(rows, "process:/tmp/x")
    assert "processes" not in after.parameters
    assert why in after.parameters["unresolved"]


def test_what_asks_for_no_process_or_answers_no_incident_is_left_as_it_is() -> None:
    mail = action()
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HOST, hostname="web-1"),
        seq=1,
        taken_at=AT,
    )
    alone = Decision(actions=(mail,))
    assert name_causes(alone, snapshot) is alone
    asks = action(2, kind="kill_process", parameters={"process": "@cause"}, incident=None)
    after = name_causes(Decision(actions=(mail, asks)), snapshot).actions
    assert after[0] == mail
    assert "unresolved" in after[1].parameters


@pytest.mark.parametrize(
    ("causes", "found"),
    [
        (("user:eve", "process:/tmp/x"), {"accounts": ["eve"]}),
        (("process:/tmp/x",), {"unresolved": "the incident's reasons name 0 accounts, not 1 to 8"}),
        (
            tuple(f"user:u{number}" for number in range(9)),
            {"unresolved": "the incident's reasons name 9 accounts, not 1 to 8"},
        ),
    ],
)
def test_accounts_are_named_by_the_reasons_about_users(
    causes: tuple[str, ...], found: dict[str, object]
) -> None:
    given = action(kind="disable_account", parameters={"account": "@cause"})
    incident = structs.replace(INCIDENT, causes=causes, reasons=())
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HOST, hostname="web-1"),
        seq=1,
        taken_at=AT,
    )
    (after,) = name_causes(Decision(incidents=(incident,), actions=(given,)), snapshot).actions
    assert after.parameters == {"account": "@cause"} | found
