"""Operational faults that show in processes and sockets, and the growth that is none."""

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.installed import WORKER
from tests.detect.coverage.stage import Change, Stage, proc, sock

__all__ = ["ENTRIES"]

_APP = "process:/srv/app/venv/bin/gunicorn"
_NEW = 1_777_890_660  # Unix seconds: the first snapshot after the quiet life
_DATABASE = ("10.0.0.20", 5432)


def _fault(
    kind: str, name: str, subject: str, *steps: Change, role: str = "web", within: int = 3
) -> Entry:
    return Entry(
        id=f"ops.{kind}",
        name=name,
        evidence="`processes`, `process_open_sockets`",
        steps=steps,
        expect=Found(expert="behaviour", subject=subject, within=within),
        role=role,
        lasting=False,
    )


def _size(pid: int, mib: float, **cells: int) -> Change:
    size = int(mib * 1_048_576)
    return lambda stage: stage.edit("processes", {"pid": pid}, resident_size=size, **cells)


def _sizes(pid: int, *mib: float) -> tuple[Change, ...]:
    return tuple(_size(pid, one) for one in mib)


def _threads(pid: int, many: int) -> Change:
    return lambda stage: stage.edit("processes", {"pid": pid}, threads=many)


def _wires(pid: int, many: int, state: str = "ESTABLISHED", packets: float = 0.0) -> Change:
    rows = [sock(pid, *_DATABASE, 53_000 + at, state) for at in range(many)]

    def change(stage: Stage) -> None:
        stage.add("process_open_sockets", *(dict(row) for row in rows))
        stage.rise("system.network.packets.receive.rate", packets)

    return change


def _copies(many: int, state: str = "S") -> Change:
    def change(stage: Stage) -> None:
        lead = next(row for row in stage.tables["processes"] if row["pid"] == 511)
        stage.add("processes", *({**lead, "pid": 6_000 + at, "state": state} for at in range(many)))

    return change


def _ended(many: int) -> Change:
    rows = [proc(6_000 + at, 510, "thumbnailer", "", "", WORKER, state="Z") for at in range(many)]
    return lambda stage: stage.add("processes", *(dict(row) for row in rows))


def _restarted(look: int) -> Change:
    return lambda stage: stage.edit(
        "processes", {"pid": 370}, pid=7_000 + look, start_time=_NEW + 60 * look - 20
    )


def _logins(stage: Stage) -> None:
    for at in range(12):
        pid = 4_000 + 2 * at
        stage.add(
            "processes",
            proc(pid, 380, "sshd", "/usr/sbin/sshd", "sshd: root [priv]"),
            proc(pid + 1, pid, "sshd", "/usr/sbin/sshd", "sshd: root [net]", 120),
        )
        stage.add("process_open_sockets", sock(pid, "198.51.100.9", 40_000 + at, 22))


_FAULTS = (
    _fault("memory-leak", "a worker's memory grows by 45 MiB a minute", _APP, *_sizes(511, 57, 102, 147, 192)),
    _fault("memory-leak", "an agent's memory grows by 25 MiB a minute", "process:/usr/sbin/chronyd", *_sizes(370, 37, 62, 87, 112)),
    _fault("thread-leak", "a server starts a thread for each request and ends none", "process:/usr/sbin/nginx", *(_threads(501, 1 + 20 * at) for at in range(1, 5))),
    _fault("connection-leak", "the application never gives connections back", _APP, *(_wires(511, 17 * at) for at in range(1, 5))),
    _fault("process-leak", "the application starts worker after worker", _APP, *(_copies(12 * at) for at in range(1, 5))),
    _fault("zombies", "ended children that nobody waits for", "crowd:thumbnailer", *(_ended(20) for _ in range(4))),
    _fault("stuck", "workers hang on a network drive", "stuck:gunicorn", *(_copies(12, "D") for _ in range(4))),
    _fault("half-closed", "connections that the other end has closed stay open", "half:gunicorn", *(_wires(511, 40, "CLOSE_WAIT") for _ in range(4))),
    _fault("dead-dependency", "the database no longer answers", "unanswered:gunicorn", *(_wires(511, 30, "SYN_SENT") for _ in range(4))),
    _fault("crash-loop", "a service crashes at each start", "service:chronyd", *map(_restarted, range(4))),
    Entry(
        id="T1110.001",
        name="many logins are tried at once",
        evidence="`processes`: logins that are not through",
        steps=(_logins,),
        expect=Found(expert="behaviour", subject="logins:sshd", within=0),
        role="admin",
    ),
)  # fmt: skip

_HARMLESS = (
    silent("restart", "a service warms up to its old size", *_sizes(511, 40, 120, 200, 280, 340, 390, 400, 401), before=_size(511, 400)),
    silent("cache", "data is loaded into the cache", *_sizes(520, *range(32, 200, 20)), role="database"),
    silent("drift", "a service grows slowly", *_sizes(511, *(12 + 0.4 * at for at in range(40)))),
    silent("heap", "a heap breathes below its ceiling", *_sizes(511, 380, 400, 420, 330, 380, 410, 430, 330), before=_size(511, 420)),
    silent("peak", "three times the traffic brings three times the connections", *(_wires(511, min(30, 10 * at), packets=60.0 * min(3, at)) for at in range(1, 9))),
    silent("deploy", "a deploy with six more workers", *(_copies(6) for _ in range(8))),
    silent("deploy", "a pool of threads is made larger", *(_threads(511, 40) for _ in range(8))),
    silent("restart", "a service is restarted twice", _restarted(0), _restarted(1), *(_restarted(1) for _ in range(6))),
    silent("backup", "a few processes wait for the disk", *(_copies(4, "D") for _ in range(8))),
    silent("jobs", "a few ended children wait for their parent", *(_ended(4) for _ in range(8))),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_FAULTS, *_HARMLESS)
