"""What uses the machine up: logins by the dozen, mounts that go, programs that take the processor; and the twins."""

from itertools import accumulate

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.installed import WORKER
from tests.detect.coverage.stage import Change, Stage, mount, proc, sock

__all__ = ["ENTRIES"]

_NEW = 1_777_890_660  # Unix seconds: the first snapshot after the quiet life
_DATABASE = ("10.0.0.20", 5432)


def _fault(
    kind: str,
    name: str,
    subject: str,
    *steps: Change,
    within: int = 3,
    role: str = "web",
    expert: str = "behaviour",
    before: Change | None = None,
) -> Entry:
    return Entry(
        id=kind,
        name=name,
        evidence="`processes`, `process_open_sockets`" if expert == "behaviour" else "`mounts`",
        steps=steps,
        expect=Found(expert=expert, subject=subject, within=within),
        role=role,
        before=before,
        lasting=False,
    )


def _logins(
    many: int,
    *,
    of: str = "sshd",
    stages: tuple[str, ...] = ("[priv]", "[net]"),
    pid: int = 4_000,
    look: int = 0,
) -> Change:
    """Logins that are not through: a pair of processes each, or the first alone. They began just before a look."""

    def change(stage: Stage) -> None:
        for at in range(many):
            first = pid + 2 * at
            for step, what in enumerate(stages):
                row = proc(
                    first + step,
                    380 if step == 0 else first,
                    of,
                    f"/usr/sbin/{of}",
                    f"{of}: root {what}",
                    0 if step == 0 else 120,
                    start_time=_NEW + 60 * look - 5,
                )
                stage.add("processes", row)
            stage.add("process_open_sockets", sock(first, "198.51.100.9", 40_000 + at, 22))

    return change


def _listeners(many: int) -> Change:
    """Children of the SSH server that have not said yet what they do."""

    def change(stage: Stage) -> None:
        for at in range(many):
            stage.add(
                "processes",
                proc(
                    4_000 + at,
                    380,
                    "sshd",
                    "/usr/sbin/sshd",
                    "sshd: [accepted]",
                    start_time=_NEW - 1,
                ),
            )
            stage.add("process_open_sockets", sock(4_000 + at, "198.51.100.9", 40_000 + at, 22))

    return change


def _rolls_out(stage: Stage) -> None:
    """Ansible's logins: through, with a session each; one is still coming in."""
    for at in range(6):
        first = 4_000 + 3 * at
        stage.add(
            "processes",
            proc(first, 380, "sshd", "/usr/sbin/sshd", "sshd: ben [priv]"),
            proc(first + 1, first, "sshd", "/usr/sbin/sshd", "sshd: ben@notty", 1_001),
        )
    _logins(2, pid=4_100)(stage)


def _passes(look: int) -> Change:
    """Three who go through this host to others since the look before: they have no session on it."""

    def change(stage: Stage) -> None:
        for at in range(3):
            first, start = 4_000 + 10 * look + 2 * at, _NEW + 60 * look - 20
            stage.add(
                "processes",
                proc(first, 380, "sshd", "/usr/sbin/sshd", "sshd: ben [priv]", start_time=start),
                proc(first + 1, first, "sshd", "/usr/sbin/sshd", "sshd: ben", 1_001, start_time=start),
            )  # fmt: skip

    return change


def _unanswered(many: int) -> Change:
    rows = [sock(511, *_DATABASE, 53_000 + at, "SYN_SENT") for at in range(many)]
    return lambda stage: stage.add("process_open_sockets", *(dict(row) for row in rows))


def _ended(many: int) -> Change:
    rows = [
        proc(6_000 + at, 510, "resize", "", "", WORKER, state="Z", threads=0) for at in range(many)
    ]
    return lambda stage: stage.add("processes", *(dict(row) for row in rows))


def _unmounted(path: str) -> Change:
    return lambda stage: stage.drop("mounts", path=path)


def _flagged(**limits: str) -> Change:
    def change(stage: Stage) -> None:
        for row in stage.tables["mounts"]:
            row["flags"] = limits.get(str(row["type"]), "rw,relatime")

    return change


def _automounted(stage: Stage) -> None:
    stage.add(
        "mounts",
        mount("/net/share", "systemd-1", "autofs"),
        mount("/net/share", "10.0.0.80:/x", "nfs4"),
    )


def _expired(stage: Stage) -> None:
    stage.add("mounts", mount("/net/share", "systemd-1", "autofs"))
    stage.drop("mounts", device="10.0.0.80:/x")


def _used(pid: int, spent: float, full: float, packets: float = 0.0) -> Change:
    """The process has used so many milliseconds more by now; so much of all processors is in use."""

    def change(stage: Stage) -> None:
        for row in stage.tables["processes"]:
            if row["pid"] == pid:
                row["user_time"] = 1_000 + int(spent)
        stage.metrics["system.cpu.utilization"] = full
        stage.rise("system.network.packets.receive.rate", packets)

    return change


def _burns(
    pid: int, *minutes: float, full: float = 0.97, packets: float = 0.0
) -> tuple[Change, ...]:
    """By the minute, the processors that a process uses."""
    return tuple(_used(pid, 60_000 * spent, full, packets) for spent in accumulate(minutes))


def _both(one: Change, other: Change) -> Change:
    def change(stage: Stage) -> None:
        one(stage)
        other(stage)

    return change


def _ramp(*many: int, state: str) -> tuple[Change, ...]:
    return tuple(_waiting(one, state) for one in many)


def _waiting(many: int, state: str) -> Change:
    path = "/usr/local/bin/backup.sh"
    rows = [
        proc(6_100 + at, 1, "rsync", "/usr/bin/rsync", f"rsync -a / {path}", state=state)
        for at in range(many)
    ]
    return lambda stage: stage.add("processes", *(dict(row) for row in rows))


def _deaf(look: int) -> Change:
    """Nothing but attempts at the database, which always answered; another local port in each look."""

    def change(stage: Stage) -> None:
        stage.drop("process_open_sockets", remote_port=5432)
        stage.add("process_open_sockets", sock(511, *_DATABASE, 52_000 + look, "SYN_SENT"))

    return change


def _runner(stage: Stage) -> None:
    """An agent of continuous integration: a script under the first process, and the agent's program."""
    script = "/opt/runner/run.sh"
    stage.add("processes", proc(890, 1, "run.sh", "/usr/bin/bash", f"/bin/bash {script}", WORKER))
    agent = "/opt/runner/bin/Runner.Listener"
    stage.add("processes", proc(891, 1, "Runner.Listener", agent, f"{agent} run", WORKER))


def _no_runner(stage: Stage) -> None:
    for pid in (890, 891):
        stage.drop("processes", pid=pid)


_FAULTS = (
    _fault("T1110", "seven logins at once where there are none", "logins:sshd", _logins(7), within=0),
    _fault("T1110", "seven logins at once, by a later version of the SSH server", "logins:sshd", _logins(7, of="sshd-session", stages=("[priv]",)), within=0, role="database"),
    _fault("T1110.001", "three passwords are tried at a time, others in each look", "logins:sshd", *(_logins(3, pid=4_000 + 10 * look, look=look) for look in range(6)), within=2),
    _fault("T1110", "a storm of children of the SSH server", "logins:sshd", _listeners(8), within=0),
    _fault("ops.dead-dependency", "a dozen attempts that the database does not answer", "unanswered:gunicorn", *(_unanswered(12),) * 4, within=2),
    _fault("ops.zombies", "ended children without a name of a program, a few more with each look", "crowd:resize", *(_ended(5 * at) for at in range(1, 6)), within=4),
    _fault("ops.zombies", "a dozen ended children at once", "crowd:resize", *(_ended(12),) * 4),
    _fault("ops.stuck", "six copies of a backup wait for a dead drive", "stuck:rsync", *_ramp(2, 4, 6, 6, 6, state="D"), within=4),
    _fault("ops.dead-dependency", "the only connection to the database is not answered any more", "unanswered:gunicorn", *map(_deaf, range(6)), within=5),
    _fault("ops.service-gone", "an agent of continuous integration has ended", "service:run.sh", *(_no_runner,) * 4, role="build", before=_runner),
    _fault("ops.mount", "the data's file system is no longer mounted", "mount:/var/lib/data", *(_unmounted("/var/lib/data"),) * 4, expert="inventory", role="database"),
    _fault("ops.mount", "the shared memory is no longer mounted", "mount:/dev/shm", *(_unmounted("/dev/shm"),) * 4, expert="inventory"),
    _fault("ops.mount", "the data's file system can only be read", "mount:/var/lib/data", *(_flagged(ext4="ro,relatime"),) * 3, expert="inventory", before=_flagged()),
    _fault("T1496", "a daemon that never did takes the processors", "process:/usr/sbin/chronyd", *_burns(370, *(1.9,) * 7), within=6),
    _fault("T1496", "a daemon takes one processor of eight", "process:/usr/sbin/chronyd", *_burns(370, *(0.95,) * 7, full=0.25), within=6),
    _fault("T1496", "a worker of the application takes the processors, with no more traffic", "process:/srv/app/venv/bin/gunicorn", *_burns(511, *(1.9,) * 7), within=6),
    _fault("T1496", "two workers of the application spin, each takes a processor, with no more traffic", "process:/srv/app/venv/bin/gunicorn", *map(_both, _burns(511, *(0.95,) * 7), _burns(512, *(0.9,) * 7)), within=6),
)  # fmt: skip

_HARMLESS = (
    silent("operator", "a roll-out's logins", *(_rolls_out,) * 6),
    silent("operator", "two people take their time with a password", *(_logins(2),) * 8),
    silent("operator", "some go through this host to others, minute after minute", *map(_passes, range(8))),
    silent("jobs", "in each look somebody fetches something over SSH", *(_logins(1, pid=4_000 + 10 * look, look=look) for look in range(12))),
    silent("operator", "three people log in at once", _logins(3), *(_logins(1),) * 3, role="admin"),
    silent("network", "four attempts that are not answered at once", *(_unanswered(4),) * 8),
    silent("mount", "a share that is mounted on demand is not in use", *(_expired,) * 8, before=_automounted),
    silent("peak", "the application takes the processors, with ten times the traffic", *_burns(511, *(1.9,) * 8, packets=600.0)),
    silent("busy", "a daemon is busy for two minutes", *_burns(370, 1.9, 1.9, 0.01, 0.01, 0.01, 0.01, full=0.9)),
    silent("busy", "a daemon uses a tenth of one processor, and the machine is idle", *_burns(370, *(0.1,) * 8, full=0.2)),
    silent("busy", "the database is busy at a vacuum", *_burns(503, *(1.9,) * 8), role="database"),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_FAULTS, *_HARMLESS)
