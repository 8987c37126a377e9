"""Files that managing tools and operators edit, step by step, and the same edits where nobody of these is at work."""

from tests.detect.coverage.entry import Entry, Found, silent
from tests.detect.coverage.installed import ANA
from tests.detect.coverage.stage import BORN, Change, Stage, proc, sock, together, written

__all__ = ["ENTRIES"]

_LATE = 1_777_890_600  # Unix seconds, in the quiet life's last minute
_PYTHON = "/usr/bin/python3.11"
_BEN = 1_001
_PID = 4_300
_PLAIN = (
    ("the tables of names", ("/etc/hosts", "/etc/resolv.conf")),
    ("the settings of SSH", ("/etc/ssh/sshd_config",)),
    ("what shells run at login", ("/etc/profile",)),
    ("root's own shell settings", ("/root/.bashrc",)),
)


def _chain(parent: int, *links: tuple[int, str, str]) -> Change:
    """Processes (account, program, command), each started by the one before."""
    rows = [
        proc(_PID + at, parent if at == 0 else _PID + at - 1, command.split()[0].rsplit("/", 1)[-1][:15], path, command, uid, start_time=_LATE)
        for at, (uid, path, command) in enumerate(links)
    ]  # fmt: skip
    return lambda stage: stage.add("processes", *(dict(row) for row in rows))


def _ansible(module: str) -> Change:
    step = f"/usr/bin/python3 /home/ben/.ansible/tmp/ansible-tmp-1777890600.1-99-7/AnsiballZ_{module}.py"
    return together(
        _chain(
            380,
            (0, "/usr/sbin/sshd", "sshd: ben [priv]"),
            (_BEN, "/usr/sbin/sshd", "sshd: ben@notty"),
            (_BEN, "/usr/bin/dash", f"/bin/sh -c sudo -H -S -n -u root {step}"),
            (0, "/usr/bin/sudo", f"sudo -H -S -n -u root {step}"),
            (0, _PYTHON, step),
        ),
        lambda stage: stage.add("process_open_sockets", sock(_PID, "10.0.9.2", 51_200, 22)),
    )


_PUPPET = _chain(
    1, (0, "/usr/bin/ruby3.1", "/usr/bin/ruby /usr/bin/puppet agent --onetime --no-daemonize")
)


def _daemon(stage: Stage) -> None:
    """A managing daemon of this host's own."""
    agent = "/usr/bin/python3 /opt/config-management/agent.py"
    stage.add("processes", proc(395, 1, "python3", _PYTHON, agent, start_time=BORN))


def _step(script: str) -> Change:
    return _chain(395, (0, "/usr/bin/dash", f"/bin/sh {script}"))


def _operator(tool: str, rights: str = "") -> Change:
    def change(stage: Stage) -> None:
        kept = [row for row in stage.tables["processes"] if row["pid"] not in range(700, 706)]
        stage.tables["processes"] = kept
        stage.tables["logged_in_users"] = [
            {"user": "ana", "tty": "pts/0", "host": "10.0.9.1", "time": _LATE}
        ]
        stage.add(
            "processes",
            proc(700, 380, "sshd", "/usr/sbin/sshd", "sshd: ana [priv]"),
            proc(701, 700, "sshd", "/usr/sbin/sshd", "sshd: ana@pts/0", ANA),
            proc(702, 701, "bash", "/usr/bin/bash", "-bash", ANA),
        )
        if rights:
            stage.add("processes", proc(703, 702, "sudo", "/usr/bin/sudo", rights))
            stage.add("processes", proc(704, 703, "bash", "/usr/bin/bash", "-bash"))
        name = tool.split(maxsplit=1)[0]
        above, uid = (704, 0) if rights else (702, ANA)
        stage.add("processes", proc(705, above, name, f"/usr/bin/{name}", tool, uid))

    return change


def _silent(kind: str, name: str, before: Change | None, *steps: Change) -> Entry:
    return silent(kind, name, *steps, least=12, before=before)


def _writes(run: Change, last: Change, *, after: bool = False) -> tuple[Change, ...]:
    """A run, in its second snapshot what it has written, or only `after` it; that stays."""
    return (run, last if after else together(run, last), *([last] * 10))


def _found(technique: str, name: str, file: str, *steps: Change) -> Entry:
    last = written(file)
    return Entry(
        id=technique,
        name=name,
        evidence="`hash`, `processes`",
        steps=tuple(together(step, last) for step in steps),
        expect=Found(expert="inventory", subject=f"file:{file}", within=0),
        role="web",
    )


def _edits() -> tuple[Entry, ...]:
    found = []
    for what, files in _PLAIN:
        last, ansible = written(*files), _ansible("copy")
        step = _step("/opt/config-management/steps/20-site.sh")
        editor = _operator(f"vim {files[0]}", "sudo -i")
        found += [
            _silent("config-management", f"Ansible writes {what}", None, *_writes(ansible, last)),
            _silent("config-management", f"what Ansible wrote is read when its run is over: {what}", None, *_writes(ansible, last, after=True)),
            _silent("config-management", f"Puppet writes {what}", None, *_writes(_PUPPET, last)),
            _silent("config-management", f"a managing daemon's step writes {what}", _daemon, *_writes(step, last)),
            _silent("operators", f"an operator writes {what} in a shell of root's", None, *_writes(editor, last)),
        ]  # fmt: skip
    return tuple(found)


def _brought(stage: Stage) -> None:
    _ansible("script")(stage)
    script = "/bin/sh /home/ben/.ansible/tmp/ansible-tmp-1-2-3/setup.sh"
    row = proc(_PID + 9, _PID + 4, "sh", "/usr/bin/dash", script, start_time=_LATE)
    stage.add("processes", row)


_STEPS = (
    _silent("config-management", "a managing daemon runs a step from its data", _daemon, _step("/var/lib/site/steps/20-site.sh"), _step("/var/lib/site/steps/30-jobs.sh")),
    _silent("config-management", "a managing daemon runs a step from a temporary file", _daemon, _step("/tmp/step-8c1f.sh"), _step("/tmp/step-77a0.sh")),
    _silent("config-management", "Ansible runs a script that it brought along", None, _ansible("command"), _brought),
)  # fmt: skip

_FAKE = _chain(1, (33, _PYTHON, "/usr/bin/python3 /tmp/.ansible/tmp/AnsiballZ_copy.py"))
_FAKE_ROOT = _chain(
    1, (0, _PYTHON, "/usr/bin/python3 /root/.ansible/tmp/ansible-tmp-1-2-3/AnsiballZ_copy.py")
)
_YOUNG_DAEMON = together(
    _chain(1, (0, _PYTHON, "/usr/bin/python3 /opt/config-management/agent.py")),
    lambda stage: stage.add("processes", proc(4_390, _PID, "sh", "/usr/bin/dash", "/bin/sh /opt/config-management/a.sh", start_time=_LATE)),
)  # fmt: skip
_WAITING = together(_daemon, _chain(395, (0, "/usr/bin/sleep", "sleep 60")))
_HOSTILE = (
    _found("T1098.004", "the SSH settings are changed while a managing daemon only waits", "/etc/ssh/sshd_config", _WAITING),
    _found("T1565.001", "the table of names is changed beside a web process that goes by Ansible's name", "/etc/hosts", _FAKE),
    _found("T1546.004", "a login file is changed by root beside a run of Ansible that no login started", "/etc/profile", _FAKE_ROOT),
    _found("T1546.004", "a login file is changed by a managing daemon that was not there before", "/etc/profile", _YOUNG_DAEMON),
    _found("T1546.004", "root's shell settings are changed while an operator without root's rights looks around", "/root/.bashrc", _operator("less /var/log/syslog")),
    _found("T1098.004", "the SSH settings are changed, and nobody is there", "/etc/ssh/sshd_config", lambda _: None),
    _found("T1556.003", "the rules of who may log in are changed in a managing tool's run", "/etc/pam.d/sshd", _ansible("copy")),
    _found("T1574.006", "a library is put before all programs in a managing tool's run", "/etc/ld.so.preload", _ansible("copy")),
    _found("T1556.003", "the rules of who may log in are changed in an operator's shell of root's", "/etc/pam.d/sshd", _operator("vim /etc/pam.d/sshd", "sudo -i")),
)  # fmt: skip

ENTRIES: tuple[Entry, ...] = (*_edits(), *_STEPS, *_HOSTILE)
