"""Programs that were always there and begin to act in another way: whom they talk to, whose rights they have."""

from tests.detect.coverage.entry import Entry, Found
from tests.detect.coverage.installed import WORKER
from tests.detect.coverage.ran import FAR
from tests.detect.coverage.stage import Change, Stage, sock

__all__ = ["ENTRIES"]

_APP = "process:/srv/app/venv/bin/gunicorn"
_POSTGRES = "process:/usr/lib/postgresql/15/bin/postgres"


def _talks(pid: int, address: str, port: int, many: int = 1) -> Change:
    rows = [sock(pid, address, port, 52_000 + at) for at in range(many)]
    return lambda stage: stage.add("process_open_sockets", *rows)


def _sweeps(pid: int) -> Change:
    rows = [sock(pid, f"10.0.4.{at}", 445, 52_000 + at, "SYN_SENT") for at in range(15)]
    return lambda stage: stage.add("process_open_sockets", *rows)


def _turned(
    technique: str,
    name: str,
    change: Change,
    subject: str = _APP,
    role: str = "web",
    told_as: str = "",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence="`process_open_sockets`",
        steps=(change,),
        expect=Found(expert="behaviour", subject=subject, within=0),
        role=role,
        told_as=told_as,
    )


def _rights(stage: Stage) -> None:
    stage.edit("processes", {"pid": 512, "uid": WORKER}, euid=0)


ENTRIES: tuple[Entry, ...] = (
    _turned("T1571", "the application talks to a port of back doors", _talks(511, FAR, 4_444)),
    _turned(
        "T1071", "the application talks to a chat server", _talks(511, FAR, 6_667), told_as="T1571"
    ),
    _turned(
        "T1021.004",
        "the application connects to another machine's SSH",
        _talks(511, "10.0.0.77", 22),
    ),
    _turned("T1021.002", "the application connects to file shares", _talks(511, "10.0.0.77", 445)),
    _turned(
        "T1021.001", "the application connects to a remote desktop", _talks(511, "10.0.0.77", 3_389)
    ),
    _turned(
        "T1552.005",
        "the application asks the cloud for credentials",
        _talks(511, "169.254.169.254", 80),
    ),
    _turned("T1071.004", "the application speaks DNS to the outside", _talks(511, FAR, 53)),
    _turned(
        "T1571",
        "the application talks to an odd port far away",
        _talks(511, FAR, 8_531),
        told_as="T1071",
    ),
    _turned("T1046", "the application sweeps the network", _sweeps(511)),
    _turned("T1498", "the application floods a stranger", _talks(511, "203.0.113.9", 443, 120)),
    _turned(
        "T1071",
        "the database connects to the outside",
        _talks(500, FAR, 443),
        _POSTGRES,
        "database",
    ),
    _turned(
        "T1021.004",
        "the database connects to another machine's SSH",
        _talks(500, "10.0.0.77", 22),
        _POSTGRES,
        "database",
        told_as="T1071",
    ),
    _turned(
        "T1068", "a worker of the application gets root's rights", _rights, told_as="T1548.001"
    ),
)
