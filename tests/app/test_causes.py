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


def named(
    rows: list[dict[str, Any]],
    *causes: str,
    hashes: tuple[dict[str, Any], ...] = (),
    **changes: Any,
) -> Action:
    given = action(kind="kill_process", parameters={"process": "@cause", "grace": 10.0}, **changes)
    incident = structs.replace(INCIDENT, causes=causes, reasons=())
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HOST, hostname="web-1"),
        seq=1,
        taken_at=AT,
        tables={"processes": rows, "hash": list(hashes)},
    )
    (after,) = name_causes(Decision(incidents=(incident,), actions=(given,)), snapshot).actions
    return after


def test_the_processes_that_a_reason_names_are_bound_by_pid_start_and_path() -> None:
    rows = [row(7), row(8, "/usr/sbin/cron"), row(9)]
    assert named(rows, "process:/tmp/x", "cron:/etc/cron.d/x").parameters["processes"] == [
        {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"},
        {"pid": 9, "start_time": 1_700_000_009, "path": "/tmp/x"},
    ]


def test_the_digest_of_the_program_is_bound_where_the_snapshot_has_it() -> None:
    shell = row(7, "/usr/bin/bash", cmdline="bash /tmp/x")
    digest = "ab" * 32

    def told(process: dict[str, Any], **table: Any) -> Any:
        hashes = ({"path": "/usr/bin/bash", "sha256": digest} | table,)
        causes = ("process:/usr/bin/bash", "process:/tmp/x", "process:/usr/bin/bash:0")
        (one,) = named([process], *causes, hashes=hashes).parameters["processes"]
        return one.get("sha256")

    assert told(shell) == digest
    assert told(shell, path="/usr/bin/dash") is None
    assert told(shell, path=7) is None
    for wrong in (None, "AB" * 32, "ab" * 31, digest + "\n", 7):
        assert told(shell, sha256=wrong) is None
    # What the kernel calls deleted was another file than the one that is there now.
    assert told(shell | {"on_disk": 0}) is None


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


def collected(*causes: str, **asked: str) -> dict[str, Any]:
    """What naming adds to a collect's parameters, over a host on which only /tmp/x runs."""
    given = action(kind="collect", parameters=asked)
    incident = structs.replace(INCIDENT, causes=causes, reasons=())
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HOST, hostname="web-1"),
        seq=1,
        taken_at=AT,
        tables={"processes": [row(7)]},
    )
    (after,) = name_causes(Decision(incidents=(incident,), actions=(given,)), snapshot).actions
    assert after.parameters.items() >= asked.items()
    return {name: value for name, value in after.parameters.items() if name not in asked}


def test_files_are_named_by_the_reasons_that_have_a_path() -> None:
    causes = (
        "file:/etc/passwd",
        "suid:/opt/su",
        "key:/root/.ssh/authorized_keys",
        "cron:/etc/cron.d/x",
        "sudo:/etc/sudoers.d/y",
        "process:/tmp/x",
        "user:eve",
        "port:4444",
        "file:relative",
        "file:/etc/\x1b[2J",
        "file:/" + "a" * 390,
    )
    assert collected(*causes, file="@cause") == {
        "cause_files": [
            "/etc/cron.d/x",
            "/etc/passwd",
            "/etc/sudoers.d/y",
            "/opt/su",
            "/root/.ssh/authorized_keys",
            "/tmp/x",
        ]
    }


def test_of_many_files_the_first_by_name_are_taken() -> None:
    causes = [f"file:/srv/{number:03d}" for number in range(40)]
    found = collected(*reversed(causes), file="@cause")["cause_files"]
    assert found == [f"/srv/{number:03d}" for number in range(32)]


def test_a_collect_of_processes_and_files_says_what_is_missing_of_either() -> None:
    both = {"process": "@cause", "file": "@cause"}
    process = {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"}
    assert collected("process:/tmp/x", **both) == {
        "processes": [process],
        "cause_files": ["/tmp/x"],
    }
    assert collected("file:/etc/passwd", **both) == {
        "cause_files": ["/etc/passwd"],
        "unresolved": "no process that runs now is named by the incident's reasons",
    }
    assert collected("user:eve", **both) == {
        "unresolved": "no process that runs now is named by the incident's reasons; "
        "no file is named by the incident's reasons"
    }
    assert collected("user:eve", file="@cause") == {
        "unresolved": "no file is named by the incident's reasons"
    }
