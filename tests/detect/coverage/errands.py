"""Work that people and jobs have under way, which fills a host for a while, and the same heights where it does not explain them."""

from functools import partial

from tests.detect.coverage.entry import Entry, Found, gauge, silent
from tests.detect.coverage.installed import ANA
from tests.detect.coverage.stage import (
    BORN,
    Change,
    Stage,
    module,
    mount,
    nothing,
    proc,
    together,
    user,
)

from vedette.core import Row

__all__ = ["ENTRIES"]

_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute
_SENT, _WRITTEN = "system.network.io.transmit.rate", "system.disk.io.write.rate"
_BUSY, _LOAD = "system.cpu.utilization", "system.cpu.load_average.1m"
_MEMORY, _DISK = "system.memory.utilization", "system.filesystem.utilization"
_WIRES, _MADE = "system.network.connections.established", "system.processes.created.rate"
_BASH = "/usr/bin/bash"
_WORK = 90_000  # milliseconds of the processor


def _up(**by: float) -> Change:
    """Metrics go up by so much: `sent`, `written`, `busy`, `load`, `memory`, `disk`, `made`."""
    names = {"sent": _SENT, "written": _WRITTEN, "busy": _BUSY, "load": _LOAD, "memory": _MEMORY, "disk": _DISK, "made": _MADE}  # fmt: skip

    def change(stage: Stage) -> None:
        for short, more in by.items():
            stage.rise(names[short], more)

    return change


def _cron(
    script: str, path: str, command: str, start: float = _LATE, size: int = 12_000_000
) -> Change:
    """A job of root's: its script, and what the script runs."""
    rows = (
        proc(4_400, 360, "cron", "/usr/sbin/cron", "/usr/sbin/CRON -f", start_time=start),
        proc(4_401, 4_400, "sh", "/usr/bin/dash", f"/bin/sh -c {script}", start_time=start),
        proc(4_402, 4_401, "backup", _BASH, f"/bin/bash {script}", start_time=start),
        proc(4_403, 4_402, path.rsplit("/", 1)[-1], path, command, start_time=start, resident_size=size, user_time=_WORK),
    )  # fmt: skip
    return lambda stage: stage.add("processes", *(dict(row) for row in rows))


def _person(command: str, *, start: float = _LATE, rights: bool = True) -> Change:
    """An operator who is logged in, with what they run."""

    def change(stage: Stage) -> None:
        kept = [row for row in stage.tables["processes"] if row["pid"] not in range(700, 710)]
        stage.tables["processes"] = kept
        stage.tables["logged_in_users"] = [
            {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": _LATE}
        ]
        stage.add(
            "processes",
            proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]", start_time=start),
            proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", ANA, start_time=start),
            proc(702, 701, "bash", _BASH, "-bash", ANA, start_time=start),
        )
        above, uid = 702, ANA
        if rights:
            stage.add(
                "processes",
                proc(703, 702, "sudo", "/usr/bin/sudo", "sudo -i", ANA, euid=0, start_time=start),
            )
            stage.add("processes", proc(704, 703, "bash", _BASH, "-bash", start_time=start))
            above, uid = 704, 0
        if command:
            name = command.split(maxsplit=1)[0]
            stage.add("processes", proc(705, above, name, f"/usr/bin/{name}", command, uid, start_time=start, user_time=_WORK))  # fmt: skip

    return change


_silent = partial(silent, least=12)


def _told(
    kind: str, name: str, evidence: str, expert: str, subject: str, *steps: Change,
    within: int = 3, lasting: bool = False, before: Change | None = None, told_as: str = "",
) -> Entry:  # fmt: skip
    return Entry(
        id=kind, name=name, evidence=evidence, steps=steps, expect=Found(expert=expert, subject=subject, within=within),
        lasting=lasting, before=before, told_as=told_as,
    )  # fmt: skip


_RESTIC = "restic -r s3:https://s3.example.org/backup backup /srv"
_UPLOAD = _up(sent=2.5e7, busy=0.6, load=1.1)
_NIGHTLY = together(_cron("/usr/local/sbin/nightly", "/usr/bin/restic", _RESTIC), _UPLOAD)
_DUMP = "pg_dump -Fc -f /var/backups/app.dump app"
_MAKE = _person("make -j4", rights=False)
_RM = _person("rm -r /var/backups/2025")


def _traffic(stage: Stage) -> None:
    for metric in (
        _SENT,
        _WIRES,
        "system.network.packets.receive.rate",
        "system.network.connections.time_wait",
    ):
        stage.metrics[metric] *= 8.0
    stage.rise(_BUSY, 0.7)


def _sent_only(stage: Stage) -> None:
    stage.metrics[_SENT] *= 8.0
    stage.rise(_BUSY, 0.8)


def _pool(stage: Stage) -> None:
    """Containers with their helpers: a few processes of many threads, which stay."""
    stage.rise("system.processes.count", 17.0)
    stage.rise("system.threads.count", 56.0)


_AGENT = "/usr/bin/python3 /opt/cm/agent.py"
_LISTENING = "/usr/bin/python3 /opt/panel/server.py"


def _daemon(command: str, start: float = BORN, port: int = 0) -> Change:
    row = proc(395, 1, "python3", "/usr/bin/python3.11", command, start_time=start)

    def change(stage: Stage) -> None:
        stage.add("processes", dict(row))
        if port:
            stage.listen(stage.tables["processes"][-1], port)

    return change


def _step(stage: Stage) -> None:
    step = "/bin/sh -c install -m 600 /var/lib/cm/sshd_config /etc/ssh/sshd_config"
    stage.add("processes", proc(4_410, 395, "sh", "/usr/bin/dash", step, start_time=_LATE))


def _looks(name: str, path: str, command: str) -> Change:
    row = proc(4_410, 395, name, path, command, start_time=_LATE)
    return lambda stage: stage.add("processes", dict(row))


def _edit(path: str) -> Change:
    return lambda stage: stage.write(path)


_SSH = together(_step, _edit("/etc/ssh/sshd_config"))


def _rule(header: str, rule: str) -> Change:
    def change(stage: Stage) -> None:
        stage.add(
            "sudoers", {"source": "/etc/sudoers.d/backup", "header": header, "rule_details": rule}
        )
        stage.write("/etc/sudoers.d/backup")

    return change


_ONE = _rule("backup", "ALL=(root) NOPASSWD: /usr/local/sbin/backup.sh")
_QUOTED = _rule("backup", r"ALL=(root) NOPASSWD: /usr/bin/bash -c \:/usr/bin/id")
_TWO_LISTS = _rule("backup", "ALL=(root) NOPASSWD: /bin/bash : ALL=(root) NOPASSWD: /usr/bin/id")
_PRELOADED = _rule("backup", "ALL=(root) NOPASSWD: SETENV: /usr/bin/id")
_NAMESPACE = _rule("backup", "ALL=(root) NOPASSWD: /usr/sbin/ip")
_RIGHTS = _rule("backup", "ALL=(root) NOPASSWD: /usr/bin/chmod 4755 /srv/x")
_FOLDER = _rule("backup", "ALL=(root) NOPASSWD: /usr/sbin/")
_WHATEVER = _rule("backup", "ALL=(root) NOPASSWD: /usr/bin/mount")
_MOUNT = _rule("backup", "ALL=(root) NOPASSWD: /usr/bin/mount /mnt/nas")
_SHELL = _rule("backup", "ALL=(root) NOPASSWD: /usr/local/bin/bash")
_ANYTHING = _rule("backup", "ALL=(root) NOPASSWD: /usr/local/sbin/run *")
_VISUDO = _person("visudo -f /etc/sudoers.d/backup")


def _colleague(stage: Stage) -> None:
    stage.add("users", user("leo", 1_002, "/bin/bash"))


def _leaves(stage: Stage) -> None:
    stage.drop("users", username="leo")
    for path in ("/etc/passwd", "/etc/shadow", "/etc/group"):
        stage.write(path, "without leo")


def _renewed(stage: Stage) -> None:
    stage.edit("authorized_keys", {"uid": ANA}, key="d" * 64)


def _left_open(stage: Stage) -> None:
    """A shell of root's, in a terminal that somebody left weeks ago."""
    stage.add(
        "processes",
        proc(720, 1, "tmux: server", "/usr/bin/tmux", "tmux new -s root", start_time=BORN),
        proc(721, 720, "bash", _BASH, "-bash", start_time=BORN),
    )


def _changes_account(stage: Stage) -> None:
    """A service that `su` was made to start, as units of old do."""
    stage.add(
        "processes",
        proc(396, 1, "su", "/usr/bin/su", "su -s /bin/sh app -c /srv/app/run"),
        proc(397, 396, "run", "/srv/app/run", "/srv/app/run", 998),
    )


_LEOS: Row = {
    "uid": 1_002,
    "algorithm": "ssh-ed25519",
    "key_file": "/home/leo/.ssh/authorized_keys",
}


def _two_people(stage: Stage) -> None:
    _colleague(stage)
    stage.add("authorized_keys", {**_LEOS, "key": "e" * 64})


def _handed_over(stage: Stage) -> None:
    stage.drop("authorized_keys", uid=ANA)
    stage.add("authorized_keys", {**_LEOS, "key": "f" * 64})


def _by_steps(step: float, many: int) -> tuple[Change, ...]:
    """So much of the file system goes at each look, by an operator's hand."""
    return tuple(together(_RM, _up(disk=-step * at)) for at in range(1, many + 1))


ENTRIES: tuple[Entry, ...] = (
    _silent("job", "a nightly backup sends much to the cloud for twelve minutes", *([_NIGHTLY] * 12)),
    _silent("job", "what a job filled runs empty when it is over", *([_NIGHTLY] * 12), *([nothing] * 3)),
    _silent(
        "job", "a job dumps a database to the disk for ten minutes",
        *(together(_cron("/usr/local/sbin/dump", "/usr/bin/pg_dump", _DUMP), _up(disk=0.006 * at, written=2e7, busy=0.5)) for at in range(10)),
        *([_up(disk=0.06)] * 4), role="database",
    ),
    _silent(
        "job", "a job holds a sixth of the memory while it runs",
        *([together(_cron("/opt/report/run", "/usr/bin/report", "report --weekly", size=650_000_000), _up(memory=0.16))] * 10),
    ),
    _silent("person", "an operator compiles a program with all processors", *([together(_MAKE, _up(busy=0.85, load=4.0, made=40.0))] * 16)),
    _silent(
        "person", "an operator restores a database, three percent of the disk a minute",
        *(together(_person("pg_restore -d app app.dump"), _up(disk=0.03 * at, written=4e7)) for at in range(1, 6)), role="database",
    ),
    _silent(
        "person", "an operator restores a sixth of the disk at once, and leaves",
        *([together(_person("tar xf /srv/old.tar -C /srv"), _up(disk=0.17))] * 3), *([_up(disk=0.17)] * 17),
    ),
    _silent("person", "an operator clears a third of what is on the disk", nothing, *([together(_RM, _up(disk=-0.14))] * 3), *([_up(disk=-0.14)] * 8)),
    _silent(
        "person", "an operator clears two fifths of what is on the disk, over four looks",
        nothing, *_by_steps(0.04, 4), *([_up(disk=-0.16)] * 8),
    ),
    _silent(
        "job", "a job clears a third of what is on the disk",
        nothing, together(_cron("/usr/local/sbin/tidy", "/usr/bin/find", "find /var/backups -mtime +14 -delete"), _up(disk=-0.14)), *([_up(disk=-0.14)] * 8),
    ),
    *(
        _silent("upgrade", f"{command.split()[1].rsplit('/', 1)[-1]} upgrades packages for seven minutes", *([together(_daemon(command, _LATE), _up(written=1e8))] * 7))
        for command in ("/usr/bin/python3 /usr/bin/dnf-automatic --timer", "/usr/bin/python3 /usr/sbin/yum-cron")
    ),
    _silent("traffic", "eight times the visitors take most of the processor", *([_traffic] * 20)),
    _silent("install", "a handful of containers with some fifty threads stay", *([_pool] * 20)),
    _silent(
        "managed", "a daemon of root's that goes by no known name edits the settings of SSH", _SSH, _edit("/etc/ssh/sshd_config"),
        before=_daemon(_AGENT), lasting=True,
    ),
    _silent("person", "an operator lets a job run one program as root", _VISUDO, together(_VISUDO, _ONE), lasting=True),
    _silent("person", "an operator lets a job mount one share as root", _VISUDO, together(_VISUDO, _MOUNT), lasting=True),
    _silent(
        "person", "an operator removes a colleague's account", together(_person("deluser leo"), _leaves), *([_leaves] * 14), before=_colleague,
    ),
    _silent("mount", "a share of a later version of NFS is mounted", together(lambda s: s.add("mounts", mount("/mnt/nas", "10.0.0.9:/b", "nfs4")), lambda s: s.add("kernel_modules", module("nfsv4"))), lasting=True),
    _silent("person", "an operator who is logged in changes their key", together(_person("vim .ssh/authorized_keys", rights=False), _renewed), *([_renewed] * 12)),
    # The same heights where the work does not explain them.
    gauge(
        "ops.runaway", "the processor is full, and an operator logs in later to see why", _BUSY,
        *([_up(busy=0.85)] * 5), *([together(_person("perf record -a", start=_LATE + 300), _up(busy=0.85))] * 11), within=15,
    ),
    gauge(
        "ops.runaway", "the processor is full while an operator reads logs", _BUSY,
        *([together(_person("less /var/log/syslog"), _up(busy=0.85))] * 16), within=15,
    ),
    gauge(
        "ops.memory", "memory grows while a job runs that holds none of it", _MEMORY,
        *(together(_cron("/usr/local/sbin/nightly", "/usr/bin/restic", _RESTIC), _up(memory=0.02 * at)) for at in range(1, 6)), within=4,
    ),
    gauge(
        "ops.disk", "an operator's restore fills the disk nearly up", _DISK,
        *(together(_person("pg_restore -d app app.dump"), _up(disk=0.09 * at)) for at in range(1, 7)), within=6,
    ),
    gauge(
        "ops.disk", "a third of the disk is filled at once and stays full", _DISK,
        *([_up(disk=0.33)] * 14), within=13,
    ),
    gauge(
        "T1485", "two thirds of what was on the disk go while an operator is there", _DISK,
        *([together(_RM, _up(disk=-0.28))] * 4), within=1,
    ),
    gauge(
        "T1485", "the files go over five looks while an operator is there", _DISK,
        *_by_steps(0.08, 5), within=3,
    ),
    gauge(
        "T1485", "the files go by a fifth at every other look while an operator is there", _DISK,
        *(step for step in _by_steps(0.08, 3) for _ in range(2)), within=5,
    ),
    gauge(
        "T1485", "a third of what was on the disk is gone, and nobody is there", _DISK,
        *([_up(disk=-0.14)] * 4), within=1,
    ),
    gauge(
        "T1485", "a third of what was on the disk is gone, and somebody left a shell of root's open", _DISK,
        *([together(_left_open, _up(disk=-0.14))] * 4), within=1, before=_left_open,
    ),
    gauge(
        "T1496", "the processor is full and far more is sent, with no more visitors", _BUSY,
        *([_sent_only] * 16), within=15, told_as="none",
    ),
    _told(
        "T1098.004", "the settings of SSH are changed by a child of a daemon that the network reaches", "`hash`, `processes`", "inventory", "file:/etc/ssh/sshd_config",
        _SSH, before=_daemon(_LISTENING, port=8_090), lasting=True,
    ),
    _told(
        "T1098.004", "the settings of SSH are changed by a child of a daemon that began an hour ago", "`hash`, `processes`", "inventory", "file:/etc/ssh/sshd_config",
        _SSH, before=_daemon(_AGENT, start=_LATE - 3_600), lasting=True,
    ),
    *(
        _told(
            "T1098.004", f"the settings of SSH are changed while a daemon of root's looks around by {command}", "`hash`, `processes`", "inventory", "file:/etc/ssh/sshd_config",
            together(_looks(name, path, command), _edit("/etc/ssh/sshd_config")), before=_daemon(_AGENT), lasting=True,
        )
        for name, path, command in (("ps", "/usr/bin/ps", "ps aux"), ("sh", "/usr/bin/dash", "/bin/sh -c df -k | tail -n 1"))
    ),
    _told(
        "T1548.003", "one program may be run as root, and nobody is there", "`sudoers`", "inventory", "sudo:/etc/sudoers.d/backup", _ONE, lasting=True,
    ),
    _told(
        "T1548.003", "a shell may be run as root, while an operator works", "`sudoers`", "inventory", "sudo:/etc/sudoers.d/backup", together(_VISUDO, _SHELL), lasting=True,
    ),
    _told(
        "T1548.003", "a program may be run as root with whatever words, while an operator works", "`sudoers`", "inventory", "sudo:/etc/sudoers.d/backup",
        together(_VISUDO, _ANYTHING), lasting=True,
    ),
    _told(
        "T1548.003", "one program may be run as root, while somebody reads logs and a service runs under su", "`sudoers`", "inventory", "sudo:/etc/sudoers.d/backup",
        together(_person("less /var/log/syslog", rights=False), _ONE), lasting=True, before=_changes_account,
    ),
    *(
        _told(
            "T1548.003", f"{what}, while an operator works", "`sudoers`", "inventory", "sudo:/etc/sudoers.d/backup", together(_VISUDO, rule), lasting=True,
        )
        for what, rule in (
            ("a shell behind a quoted sign may be run as root", _QUOTED),
            ("a shell before another list of programs may be run as root", _TWO_LISTS),
            ("a program may be run as root with libraries of one's own", _PRELOADED),
            ("a program that starts others may be run as root with anything", _NAMESPACE),
            ("the rights of a file may be changed as root", _RIGHTS),
            ("all programs of a directory may be run as root", _FOLDER),
            ("whatever there is may be mounted as root", _WHATEVER),
        )
    ),
    _told(
        "T1098.004", "a key goes as one comes to another's account, while an operator works", "`authorized_keys`", "inventory", "key:/home/leo/.ssh/authorized_keys",
        together(_person("vim .ssh/authorized_keys"), _handed_over), lasting=True, before=_two_people,
    ),
    _told(
        "T1098.004", "an operator's key is changed, and nobody is there", "`authorized_keys`", "inventory", "key:/home/ana/.ssh/authorized_keys", _renewed, lasting=True,
    ),
    _told(
        "T1531", "a person's account is removed, and nobody is there", "`users`", "inventory", "user:leo", *([_leaves] * 3), before=_colleague,
    ),
)  # fmt: skip
