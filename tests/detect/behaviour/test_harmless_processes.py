"""The benign twins of hostile processes stay below the threshold, and what is learned is bounded."""

from typing import TYPE_CHECKING

import pytest
from tests.detect.behaviour.test_hostile_processes import nothing, run
from tests.detect.scene import (
    Change,
    Tables,
    after,
    any_cells,
    empty_rows,
    proc,
    scene,
    sock,
    tables,
    watch,
)

from vedette.detect import View
from vedette.detect.behaviour import BehaviourExpert

if TYPE_CHECKING:
    from vedette.core import Row

_DASH = "/usr/bin/dash"
_BASH = "/usr/bin/bash"
_PYTHON = "/usr/bin/python3.11"


def renew(version: str) -> Change:
    """A deploy: the application runs from a new release, with new processes."""

    def change(rows: Tables) -> None:
        for row in rows["processes"]:
            if row["name"] == "gunicorn":
                row["cmdline"] = str(row["cmdline"]).replace("1.0.0", version)
                row["pid"] = int(str(row["pid"])) + 500
                row["parent"] = 550 if row["parent"] == 50 else row["parent"]
                row["start_time"] = 4_000_000_000

    return change


def gone(name: str) -> Change:
    def change(rows: Tables) -> None:
        for row in rows["processes"]:
            if row["name"] == name:
                row["on_disk"] = 0

    return change


def by(parent: int, uid: int, *rows: tuple[str, str, str]) -> Change:
    """A chain of processes, each started by the one before."""
    made: list[Row] = []
    for at, (name, path, command) in enumerate(rows):
        made.append(proc(900 + at, parent if at == 0 else 899 + at, name, path, command, uid))
    return run(*made)


_PIP = "/usr/bin/python3 -c \nexec(compile('''\n# This is <pip-setuptools-caller> -- a caller that pip uses"

HARMLESS: dict[str, Change] = {
    "an operator looks around": by(72, 1000, ("ps", "/usr/bin/ps", "ps aux")),
    "an operator captures packets": by(
        72,
        0,
        ("sudo", "/usr/bin/sudo", "sudo tcpdump -i any"),
        ("tcpdump", "/usr/bin/tcpdump", "tcpdump -i any"),
    ),
    "an operator becomes root": by(
        72, 0, ("sudo", "/usr/bin/sudo", "sudo -i"), ("bash", _BASH, "-bash")
    ),
    "an operator becomes postgres": by(
        72, 101, ("su", "/usr/bin/su", "su - postgres"), ("bash", _BASH, "-bash")
    ),
    "an operator runs a script in a temp directory": by(
        72, 1000, ("python3", _PYTHON, "python3 /tmp/check.py")
    ),
    "an operator installs with a download": by(
        72, 1000, ("bash", _BASH, "bash -c curl -fsSL https://sh.example.org | sh")
    ),
    "an operator edits a hidden file": by(
        72, 1000, ("vi", "/usr/bin/vim.basic", "vi /home/ana/.bashrc")
    ),
    "an editor's server in a home": by(
        72,
        1000,
        (
            "node",
            "/home/ana/.vscode-server/bin/9f/node",
            "node /home/ana/.vscode-server/bin/9f/out/server.js",
        ),
    ),
    "a compiler's test program": by(
        72,
        1000,
        ("make", "/usr/bin/make", "make"),
        ("sh", _DASH, "/bin/sh ./configure"),
        ("conftest", "/tmp/cc12/conftest", "./conftest"),
    ),
    "a build": by(
        72,
        1000,
        ("make", "/usr/bin/make", "make -s"),
        ("gcc", "/usr/bin/gcc-12", "gcc -O2 -c u1.c"),
        ("cc1", "/usr/lib/gcc/x/12/cc1", "cc1 -quiet u1.c -o /tmp/ccA.s"),
    ),
    "a rebuilt program still runs": run(
        proc(900, 72, "srv", "/home/ana/src/target/debug/srv", "target/debug/srv", 1000, on_disk=0)
    ),
    "pip builds a wheel": by(
        72,
        1000,
        ("pip3", _PYTHON, "/usr/bin/python3 /usr/bin/pip3 wheel ."),
        ("python3", _PYTHON, _PIP),
    ),
    "a CI job": by(
        1,
        996,
        ("java", "/usr/lib/jvm/bin/java", "java -jar agent.jar -url https://ci"),
        ("sh", _DASH, "sh -xe /tmp/jenkins123.sh"),
        ("git", "/usr/bin/git", "git fetch"),
    ),
    "a backup by cron": by(
        31,
        0,
        ("sh", _DASH, "/bin/sh -c /usr/local/sbin/backup.sh"),
        ("backup.sh", _DASH, "/bin/sh /usr/local/sbin/backup.sh"),
        ("tar", "/usr/bin/tar", "tar czf /var/backups/x.tgz etc srv"),
    ),
    "log rotation": by(
        31,
        0,
        ("sh", _DASH, "/bin/sh -c /usr/sbin/logrotate /etc/logrotate.conf"),
        ("logrotate", "/usr/sbin/logrotate", "/usr/sbin/logrotate /etc/logrotate.conf"),
        ("gzip", "/usr/bin/gzip", "gzip /var/log/auth.log.1"),
    ),
    "old files are removed": by(
        31, 0, ("sh", _DASH, "/bin/sh -c /usr/bin/find /tmp -xdev -mtime +3 -type f -delete")
    ),
    "a container's command by root": by(1, 0, ("sh", _DASH, "sh -c npm start")),
    "a container runtime's own copy": run(
        proc(
            900,
            1,
            "runc:[2:INIT]",
            "/memfd:runc_cloned:/proc/self/exe (deleted)",
            "runc init",
            on_disk=0,
        )
    ),
    "a deploy": renew("1.1.0"),
    "an upgrade's daemon on a deleted file": gone("rsyslogd"),
    "an upgraded server on a deleted file": gone("nginx"),
    "a new database connection": run(
        proc(
            900,
            60,
            "postgres",
            "/usr/lib/postgresql/15/bin/postgres",
            "postgres: app bench 10.0.0.7(4711) idle",
            101,
        )
    ),
    "a Java service with a new peer": run(
        proc(
            900,
            1,
            "java",
            "/opt/jdk/bin/java",
            "/opt/jdk/bin/java -jar /opt/svc/svc.jar",
            997,
            start_time=4_000_000_000,
        ),
        sockets=(sock(900, "10.0.0.12", 9092),),
    ),
    "a worker's queue on another host": run(sockets=(sock(51, "10.0.0.10", 6379),)),
    "an apt method with a new peer": run(
        proc(900, 1, "http", "/usr/lib/apt/methods/http", "/usr/lib/apt/methods/http", 42),
        sockets=(sock(900, "151.101.2.132", 80),),
    ),
    "an Ansible module": by(
        72,
        0,
        (
            "python3",
            _PYTHON,
            "/usr/bin/python3 /root/.ansible/tmp/ansible-tmp-1/AnsiballZ_setup.py",
        ),
    ),
    "a package's script": by(
        72,
        0,
        ("dpkg", "/usr/bin/dpkg", "dpkg --configure -a"),
        ("nginx.postinst", _DASH, "/bin/sh /var/lib/dpkg/info/nginx.postinst configure"),
    ),
    "a metrics exporter": run(
        proc(900, 1, "node_exporter", "/usr/local/bin/node_exporter", "node_exporter", 997)
    ),
    "a browser with many peers": run(
        proc(900, 72, "chromium", "/usr/lib/chromium/chromium", "chromium", 1000),
        sockets=tuple(sock(900, f"203.0.113.{at}", 443, 51_000 + at) for at in range(30)),
    ),
    "a process caught while it ended": run(proc(900, 72, "cc1", "", "", 1000, on_disk=-1)),
}


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_a_harmless_process_is_no_alarm(name: str) -> None:
    told = after(BehaviourExpert, HARMLESS[name], *[nothing] * 6)
    assert [
        (case.subject, case.nats, case.text) for cases in told for case in cases if case.nats > 0
    ] == []


def test_a_service_that_restarts_is_not_missed() -> None:
    def stop(rows: Tables) -> None:
        rows["processes"] = [row for row in rows["processes"] if row["name"] != "worker"]

    start = run(
        proc(933, 1, "worker", "/opt/worker/bin/worker", "/opt/worker/bin/worker --queue a", 998)
    )
    told = after(BehaviourExpert, stop, nothing, start, nothing)
    assert not [case for cases in told for case in cases if case.nats > 0]


def test_a_busy_developers_machine_is_quiet_at_one_snapshot_a_second() -> None:
    expert = BehaviourExpert()
    rows = tables()
    programs = [
        ("python3", _PYTHON),
        ("node", "/root/.nvm/versions/node/v20/bin/node"),
        ("gcc", "/usr/bin/gcc-12"),
        ("git", "/usr/bin/git"),
        ("sh", _DASH),
        ("bash", _BASH),
        ("ps", "/usr/bin/ps"),
        ("make", "/usr/bin/make"),
    ]
    snapshots = []
    for seq in range(1, 200):
        busy = {name: list(some) for name, some in rows.items()}
        for at in range(4):
            name, path = programs[(seq + at) % len(programs)]
            words = (
                f"{name} -c 'work {seq * 7 + at}' file{seq}.py"
                if name in {"sh", "bash"}
                else f"{name} /work/f-{chr(97 + seq % 26)}{at}.py"
            )
            busy["processes"].append(
                proc(5_000 + seq * 5 + at, 1 if at == 3 else 72, name, path, words)
            )
        snapshots.append(scene(seq, busy, seconds=1.0))
    told, state = watch(expert, snapshots)
    assert [case for cases in told for case in cases if case.nats > 0] == []
    assert len(expert.dump(state)) < 64_000


def test_what_is_learned_is_bounded() -> None:
    expert = BehaviourExpert()
    state = expert.fresh()
    for seq in range(1, 60):
        rows = tables()
        rows["processes"] += [
            proc(
                10_000 + at,
                1,
                f"p{chr(97 + at % 26)}{chr(97 + at // 26)}",
                f"/usr/bin/{chr(97 + seq % 26)}{'x' * (seq // 26)}/{chr(97 + at % 26)}",
                "x",
            )
            for at in range(100)
        ]
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows))
        (state,) = expert.learn([view], [state], [False])
    assert len(state.shapes) <= 1_500
    assert len(expert.dump(state)) < 96_000


def test_nothing_is_learned_of_new_processes_under_an_alarm() -> None:
    expert = BehaviourExpert()
    rows = tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    known = set(state.shapes)
    run(proc(900, 72, "ls", "/usr/bin/ls", "ls", 1000))(rows)
    for seq in range(31, 40):
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows))
        (state,) = expert.learn([view], [state], [True])
    assert set(state.shapes) == known
    assert state.marks == {}


def test_without_processes_nothing_is_said_or_forgotten() -> None:
    def blind(rows: Tables) -> None:
        rows.pop("processes", None)

    told = after(BehaviourExpert, *[blind] * 5)
    assert not [case for cases in told for case in cases if case.nats > 0]


def test_a_state_of_another_form_is_refused() -> None:
    for raw in (b"\xc1", b"\x01", 7, {"shapes": 3}):
        with pytest.raises((ValueError, TypeError)):
            BehaviourExpert().load(raw)


def test_cells_of_any_type_are_survived() -> None:
    after(BehaviourExpert, empty_rows, any_cells, empty_rows)


def test_under_a_long_alarm_what_is_quiet_and_stays_is_learned_but_feeds_no_rate() -> None:
    expert = BehaviourExpert()
    rows = tables()
    _, state = watch(expert, [scene(seq, rows) for seq in range(1, 31)])
    known = len(state.shapes)
    run(proc(900, 72, "top", "/usr/bin/top", "top", 1000))(rows)
    run(proc(901, 1, "x", "/dev/shm/x", "/dev/shm/x", 33))(rows)
    for seq in range(31, 100):
        view = View(snapshot=scene(seq, rows), count=seq - 1, seen=frozenset(rows))
        (state,) = expert.learn([view], [state], [True])
    assert len(state.shapes) == known + 1
    assert state.marks == {}
    assert len(state.unlearned) == 1
