"""Services whose processes are always young, or that have just started again: whom these newly talk to."""

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.installed import WORKER
from tests.detect.coverage.ran import FAR
from tests.detect.coverage.stage import Change, Stage, package, proc, sock, together, upgraded

__all__ = ["ENTRIES"]

_GUNICORN = "/srv/app/venv/bin/gunicorn"
_FPM = "/usr/sbin/php-fpm8.2"
_NEW = 1_777_890_660  # Unix seconds: the first snapshot after the quiet life
_ALL = (510, 511, 512)


def _begun(*pids: int, seconds: int = 20, cmdline: str = "") -> Change:
    """These processes of the application were started so many seconds before the first snapshot after the quiet life."""
    more = {"cmdline": cmdline} if cmdline else {}

    def change(stage: Stage) -> None:
        for pid in pids:
            stage.edit("processes", {"pid": pid}, start_time=_NEW - seconds, **more)

    return change


def _calls(pid: int, address: str, port: int, more: float = 0.0) -> Change:
    def change(stage: Stage) -> None:
        stage.add("process_open_sockets", sock(pid, address, port, 52_700))
        stage.rise("system.network.io.transmit.rate", more)

    return change


def _pool(stage: Stage) -> None:
    """PHP's master is root's, its workers a service's; one of them was started by a request just now."""
    stage.add(
        "processes",
        proc(530, 1, "php-fpm8.2", _FPM, "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"),
        proc(531, 530, "php-fpm8.2", _FPM, "php-fpm: pool www", 33),
        proc(532, 530, "php-fpm8.2", _FPM, "php-fpm: pool www", 33, start_time=_NEW - 5),
    )
    stage.add("deb_packages", package("php8.2-fpm"))


def _watched(stage: Stage, release: str = "1.4", start: int = 0) -> None:
    """A watcher of services of its own has an application."""
    watcher = "/usr/bin/python3 /usr/bin/supervisord -n"
    line = f"/usr/bin/python3 /srv/jobs/releases/{release}/worker.py"
    began = {"start_time": start} if start else {}
    stage.add("processes", proc(540, 1, "supervisord", "/usr/bin/python3.11", watcher))
    stage.add("processes", proc(541, 540, "python3", "/usr/bin/python3.11", line, WORKER, **began))


def _renewed(stage: Stage) -> None:
    stage.tables["processes"] = [r for r in stage.tables["processes"] if r["pid"] not in (540, 541)]
    _watched(stage, "1.5", _NEW - 20)


def _tests(stage: Stage) -> None:
    """A job of the build: its tests talk to a service for them."""
    line = "/usr/bin/python3 -m pytest tests"
    began = {"start_time": _NEW - 20}
    stage.add(
        "processes",
        proc(610, 500, "sh", "/usr/bin/dash", "/bin/sh -xe /tmp/jenkins123.sh", WORKER, **began),
        proc(611, 610, "python3", "/usr/bin/python3.11", line, WORKER, **began),
    )
    stage.add("process_open_sockets", sock(611, "203.0.113.60", 8_531, 52_700))


def _told(
    technique: str,
    name: str,
    *steps: Change,
    subject: str = _GUNICORN,
    before: Change | None = None,
    told_as: str = "",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence="`processes`, `process_open_sockets`",
        steps=(together(*steps),),
        expect=Found(expert="behaviour", subject=f"process:{subject}", within=0),
        before=before,
        told_as=told_as,
    )


def _silent(
    kind: str, name: str, *steps: Change, role: str = "web", before: Change | None = None
) -> Entry:
    return silent(kind, name, together(*steps), role=role, least=20, before=before, lasting=True)


_RELEASE = f"/usr/bin/python3 {_GUNICORN} -w 2 --chdir /srv/app/releases/1.5 app:app"

ENTRIES: tuple[Entry, ...] = (
    _told("T1571", "a worker of the application that was started just now talks to an odd port far away", _begun(511), _calls(511, FAR, 8_531), told_as="T1071"),
    _told("T1041", "a worker that was started just now sends a stranger more than is usual", _begun(511), _calls(511, FAR, 443, 1.5e5)),
    _told("T1048", "a worker that was started just now sends much to a machine inside by a new port", _begun(511), _calls(511, "10.0.0.77", 443, 4e5)),
    _told("T1552.005", "a worker that was started just now asks the cloud for credentials", _begun(511), _calls(511, "169.254.169.254", 80)),
    _told("T1071", "a worker of PHP that a request has started talks to an odd port far away", _calls(532, FAR, 8_531), subject=_FPM, before=_pool),
    _told("T1071", "the application has just started again as it was, and talks to an odd port far away", _begun(*_ALL), _calls(511, FAR, 8_531)),
    _silent("restart", "workers are renewed, and talk to whom they always did", _begun(511, 512)),
    _silent("restart", "the application starts again as it was, and finds a new database inside", _begun(*_ALL), _calls(511, "10.0.0.30", 27_017)),
    _silent("deploy", "a new version starts and speaks to its database", _begun(*_ALL, cmdline=_RELEASE), _calls(511, "10.0.0.30", 27_017)),
    _silent("deploy", "a new version starts and speaks to its database outside", _begun(*_ALL, cmdline=_RELEASE), _calls(511, "203.0.113.30", 27_017)),
    _silent("deploy", "a watcher of services starts a new version, which speaks to a queue outside", _renewed, _calls(541, "203.0.113.30", 5_671), before=_watched),
    _silent("upgrade", "the application starts again after an upgrade, and speaks to a new service outside", upgraded("procps"), _begun(*_ALL), _calls(511, "203.0.113.30", 8_086)),
    _silent("jobs", "a job of the build talks to a service for its tests", _tests, role="build"),
)  # fmt: skip
