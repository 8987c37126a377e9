"""What an operator does by hand, and the same done by somebody who is not there: services, accounts, removals."""

from functools import partial

from tests.detect.coverage.entry import Asks, Entry, Found, silent
from tests.detect.coverage.installed import ANA, WORKER
from tests.detect.coverage.ran import FAR
from tests.detect.coverage.stage import (
    BORN,
    Change,
    Stage,
    added,
    key,
    nothing,
    proc,
    sock,
    together,
    unit,
    user,
    written,
)

from vedette.core import Severity

__all__ = ["ENTRIES"]

_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute
_NEW = 1_777_890_660  # the first snapshot after it
_ACCOUNT_FILES = ("/etc/passwd", "/etc/group", "/etc/shadow")


_silent = partial(silent, least=12, lasting=True)


def _asks(kind: str, name: str, subject: str, *steps: Change) -> Entry:
    return Entry(
        id=f"benign.{kind}",
        name=name,
        evidence="",
        steps=steps,
        expect=Asks(subject=subject, at_most=Severity.MEDIUM),
    )


def _found(
    technique: str,
    name: str,
    evidence: str,
    expert: str,
    subject: str,
    *steps: Change,
    role: str = "web",
    within: int = 2,
    told_as: str = "",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence=evidence,
        steps=steps,
        expect=Found(expert=expert, subject=subject, within=within),
        role=role,
        told_as=told_as,
    )


def _session(stage: Stage) -> None:
    """Ana is logged in from where she always comes, and works with sudo."""
    stage.add("logged_in_users", {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": BORN})
    bash = "/usr/bin/bash"
    kept = {700, 701, 702, 703}
    stage.tables["processes"] = [row for row in stage.tables["processes"] if row["pid"] not in kept]
    stage.add(
        "processes",
        proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]", start_time=_LATE),
        proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", ANA, start_time=_LATE),
        proc(702, 701, "bash", bash, "-bash", ANA, start_time=_LATE),
        proc(703, 702, "sudo", "/usr/bin/sudo", "sudo -i", start_time=_LATE),
        proc(704, 703, "bash", bash, "-bash", start_time=_LATE),
    )


def _terminal(stage: Stage) -> None:
    """An operator who is logged in, whose commands under sudo are over before anybody looks."""
    _session(stage)
    for pid in (704, 703):
        stage.drop("processes", pid=pid)


def _strayed(stage: Stage) -> None:
    """The same from a host inside where ana never came from."""
    _terminal(stage)
    stage.edit("logged_in_users", {"host": "10.0.9.1"}, host="10.77.3.9")


def _managed(stage: Stage) -> None:
    """The managing agent is at work."""
    line = "/opt/puppetlabs/puppet/bin/ruby /opt/puppetlabs/puppet/bin/puppet agent --onetime"
    path = "/opt/puppetlabs/puppet/bin/ruby"
    stage.add("processes", proc(760, 1, "puppet", path, line, start_time=_LATE))


def _account(name: str, uid: int, shell: str = "/bin/bash", home: str = "") -> Change:
    def change(stage: Stage) -> None:
        stage.add("users", user(name, uid, shell, home))
        for file in _ACCOUNT_FILES:
            stage.write(file)

    return change


def _colleague(stage: Stage) -> None:
    _account("eva", 1002)(stage)
    stage.add("authorized_keys", key(1002, "/home/eva/.ssh/authorized_keys", "e"))


def _rule(stage: Stage) -> None:
    everything = "ALL=(ALL) NOPASSWD: ALL"
    stage.add(
        "sudoers", {"source": "/etc/sudoers.d/eva", "header": "eva", "rule_details": everything}
    )


def _calls_while_away(stage: Stage) -> None:
    stage.drop("listening_ports", port=80)
    stage.add("process_open_sockets", sock(511, FAR, 4_444))


def _service(name: str, path: str, port: int = 8_090, uid: int = 997, program: str = "") -> Change:
    """A service by hand: its unit, its account, its program and its port."""

    def change(stage: Stage) -> None:
        _account(name, uid, "/usr/sbin/nologin", f"/opt/{name}")(stage)
        stage.add("systemd_units", unit(f"{name}.service", folder="/etc/systemd/system"))
        own = program or path.rsplit("/", 1)[-1]
        stage.listen(
            proc(970, 1, own[:15], path, f"{path} --port {port}", uid, start_time=_LATE), port
        )

    return change


def _removed(stage: Stage) -> None:
    stage.drop("deb_packages", name="prometheus-node-exporter")
    stage.drop("systemd_units", id="prometheus-node-exporter.service")


def _stopped(stage: Stage) -> None:
    stage.drop("listening_ports", port=9_100)
    stage.drop("processes", pid=500)


def _uvicorn(stage: Stage) -> None:
    """Another server in the place of the old one, on its port."""
    line = "/usr/bin/python3 /srv/app/venv/bin/uvicorn --port 8000 app:app"
    for pid in (510, 511, 512):
        stage.edit("processes", {"pid": pid}, name="uvicorn", cmdline=line, start_time=_LATE)


def _titled(stage: Stage) -> None:
    """The same program calls itself something else."""
    for pid in (510, 511, 512):
        stage.edit("processes", {"pid": pid}, name="app: web", cmdline="app: web worker")


def _squatter(stage: Stage) -> None:
    """The application is gone, and a program from elsewhere has its port."""
    stage.tables["processes"] = [
        row for row in stage.tables["processes"] if row["pid"] not in {510, 511, 512}
    ]
    stage.drop("listening_ports", port=8_000)
    path = "/home/ana/srv"
    stage.listen(proc(980, 1, "srv", path, path, WORKER, start_time=_LATE), 8_000, "127.0.0.1")


def _held(*pids: int) -> Change:
    """Stopped by SIGSTOP, for as long as the host is looked at."""

    def change(stage: Stage) -> None:
        for pid in pids:
            stage.edit("processes", {"pid": pid}, state="T")

    return change


def _paused(stage: Stage) -> None:
    stage.add("processes", proc(960, 702, "vim", "/usr/bin/vim", "vim /srv/x", 1_000, state="T"))


def _gone(stage: Stage) -> None:
    stage.drop("listening_ports", port=8_000)
    stage.tables["processes"] = [
        row for row in stage.tables["processes"] if row["pid"] not in {510, 511, 512}
    ]
    stage.tables["process_open_sockets"] = [
        row for row in stage.tables["process_open_sockets"] if row["pid"] not in {510, 511, 512}
    ]


def _restarting(stage: Stage) -> None:
    """The web server's ports are away, and its visitors' connections are still there."""
    for port in (80, 443):
        stage.drop("listening_ports", port=port)
    rows = [sock(501, f"203.0.113.{at}", 40_100 + at, 443) for at in range(1, 9)]
    stage.add("process_open_sockets", *rows)


def _restarting_database(stage: Stage) -> None:
    stage.drop("listening_ports", port=5_432)
    rows = [sock(500, f"10.0.0.{at}", 41_100 + at, 5_432) for at in range(60, 80)]
    stage.add("process_open_sockets", *rows)


_HARMLESS = (
    _silent("remove", "an operator removes a package; its service goes for good", together(_removed, _stopped), role="admin"),
    _silent("remove", "a service is stopped, then its package removed", _stopped, _removed, role="admin"),
    _silent("replace", "a server is replaced by another on its port", together(_session, _uvicorn)),
    _silent("rename", "a server calls itself something else", _titled),
    _silent("restart", "the web server's ports are away while visitors stay connected", _restarting, nothing, lasting=False),
    _silent("restart", "the database's port is away while its clients stay connected", _restarting_database, nothing, lasting=False, role="database"),
    _silent("config-management", "a comment in a file of jobs", written("/etc/cron.d/e2scrub_all")),
    _silent("config-management", "a mail address in the main file of jobs", written("/etc/crontab"), role="database"),
    _silent("config-management", "a comment in a file of sudo rules", written("/etc/sudoers.d/90-ops")),
    _silent("colleague", "an operator who is logged in adds a colleague with a key", together(_session, _colleague)),
    _silent("colleague", "an operator who is logged in adds a colleague, whose key comes two minutes later", together(_session, _account("eva", 1002)), nothing, added("authorized_keys", key(1002, "/home/eva/.ssh/authorized_keys", "e"))),
    _silent("colleague", "the managing agent adds a colleague with a key", together(_managed, _colleague), role="database"),
    _silent("deploy", "an operator installs a service of one's own in /opt", together(_session, _service("shop", "/opt/shop/bin/shop"))),
    _silent("deploy", "an operator installs a service of one's own in /usr/local", together(_session, _service("ledger", "/usr/local/bin/ledger")), role="database"),
    _silent("deploy", "the managing agent installs a service in /opt", together(_managed, _service("shop", "/opt/shop/shop-server"))),
    _silent("operator", "an operator who is logged in edits the table of host names", together(_session, written("/etc/hosts"))),
    _silent("operator", "an operator edits the table of host names with one command under sudo", together(_terminal, written("/etc/hosts"))),
    _silent("operator", "an operator who is logged in edits settings of the kernel", together(_session, written("/etc/sysctl.conf")), role="admin"),
    _asks("deploy", "a service in /opt, by nobody who is here", "unit:shop.service", _service("shop", "/opt/shop/bin/shop")),
)  # fmt: skip

_ACCOUNTS = "`users`, `authorized_keys`, `logged_in_users`"
_HOSTILE = (
    _found("T1136.001", "an account without a key, while an operator works", _ACCOUNTS, "inventory", "user:eva", together(_session, _account("eva", 1002)), *[nothing] * 3, within=3),
    _found("T1136.001", "an account with a key, with nobody logged in", _ACCOUNTS, "inventory", "user:eva", _colleague, within=0),
    _found("T1136.001", "a second root, while an operator works", _ACCOUNTS, "inventory", "user:toor", together(_session, _account("toor", 0)), within=0),
    _found("T1548.003", "an account that may do everything, while an operator works", f"{_ACCOUNTS}, `sudoers`", "inventory", "sudo:/etc/sudoers.d/eva", together(_session, _colleague, _rule), within=0),
    _found("T1098.004", "a foreign key for an operator who works", _ACCOUNTS, "inventory", "key:/home/ben/.ssh/authorized_keys", together(_session, lambda s: s.add("authorized_keys", key(1_001, "/home/ben/.ssh/authorized_keys", "f"))), within=0),
    _found("T1565.001", "the table of host names, by somebody from a network inside that they never came from", "`hash`, `logged_in_users`", "inventory", "file:/etc/hosts", together(_strayed, written("/etc/hosts")), within=0),
    _found("T1543.002", "a service by hand from a hidden place, while an operator works", "`processes`, `systemd_units`", "behaviour", "process:/opt/.cache-d/shop", together(_session, _service("shop", "/opt/.cache-d/shop")), within=0, told_as="T1564.001"),
    _found("T1543.002", "a service by hand from a temporary place, while an operator works", "`processes`, `systemd_units`", "behaviour", "process:/var/tmp/shop", together(_session, _service("shop", "/var/tmp/shop")), within=0, told_as="T1059"),
    _found("T1543.002", "a service by hand with nothing that fits it, while an operator works", "`systemd_units`", "inventory", "unit:netd.service", together(_session, lambda s: s.add("systemd_units", unit("netd.service", folder="/etc/systemd/system"))), within=0),
    _found("T1562.001", "the logger is held by a signal", "`processes`", "behaviour", "service:rsyslogd", _held(350), within=3),
    _found("T1489", "the application and its workers are held by a signal", "`processes`", "behaviour", "service:gunicorn", _held(510, 511, 512), within=3),
    _found("T1489", "the scheduler of jobs is held by a signal", "`processes`", "behaviour", "service:cron", _held(360), within=3),
    _silent("debug", "an operator's program is held by its shell", _paused, role="admin"),
    _found("T1489", "the application is stopped, and nothing takes its place", "`processes`, `listening_ports`", "behaviour", "service:gunicorn", _gone, within=3),
    _found("T1036", "a program from a home has the port of the application that is gone", "`processes`, `listening_ports`", "behaviour", "service:gunicorn", _squatter, within=3, told_as="T1489"),
    _found("T1571", "the application's worker talks to a stranger while a port is away", "`process_open_sockets`", "behaviour", "process:/srv/app/venv/bin/gunicorn", _calls_while_away, within=0),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_HARMLESS, *_HOSTILE)
