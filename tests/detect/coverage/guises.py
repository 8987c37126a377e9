"""Programs that go by another's name, shells where none belong, and parts of the system that call out."""

from tests.detect.coverage.entry import Entry, Found
from tests.detect.coverage.ran import FAR, alone, chain, ran, work
from tests.detect.coverage.stage import Change, Stage, proc, sock

__all__ = ["ENTRIES"]


def _calls(pid: int) -> Change:
    def change(stage: Stage) -> None:
        stage.add("process_open_sockets", sock(pid, FAR, 443))

    return change


def _blank(stage: Stage) -> None:
    stage.add("processes", proc(4_000, 1, "a", "/usr/local/bin/a", ""))
    stage.add("process_open_sockets", sock(4_000, FAR, 443))


def _ended(stage: Stage) -> None:
    stage.add("processes", proc(4_000, 1, "a", "/usr/local/bin/a", ""))


def _found(technique: str, name: str, subject: str, change: Change, shows: str) -> Entry:
    return Entry(
        id=technique,
        name=name,
        evidence=shows,
        steps=(change,),
        expect=Found(expert="behaviour", subject=f"process:{subject}", within=0),
    )


# fmt: off
ENTRIES: tuple[Entry, ...] = (
    ran("T1036.005", "root", "nginx: worker process", path="/usr/local/bin/nginx", name="nginx", talks="far"),
    ran("T1036.005", "root", "rsyslogd", path="/usr/lib/rsyslogd", name="rsyslogd"),
    ran("T1036.011", "left", "cron", path="/home/ana/t", name="t"),
    ran("T1036.011", "root", "/usr/sbin/cron -f", path="/opt/upd", name="upd"),
    ran("T1036.011", "root", "dbus-daemon --system", path="/usr/local/lib/d", name="d"),
    ran("T1036.011", "root", "sshd: ana@pts/3", path="/usr/local/bin/agent", name="agent"),
    ran("T1036.011", "left", "-bash", path="/opt/t/t", name="t"),
    ran("T1036.011", "root", "/usr/bin/udevadm", path="/usr/bin/perl", name="udevadm"),
    ran("T1036.011", "stray", "nginx: worker process 300", path="/usr/bin/sleep", name="sleep"),
    ran("T1036.011", "root", "/usr/sbin/rsyslogd -n", path="/usr/bin/tail", name="tail"),
    ran("T1036.011", "root", "sshd: ana@pts/1", path="/usr/bin/dash", name="sh", subject="process:/ana@pts/1"),
    _found("T1036.011", "a program without a command line talks to somebody", "/usr/local/bin/a", _blank, "`processes`, `process_open_sockets`"),
    _found("T1059.004", "a shell of root's out of a pager", "/usr/bin/dash:0", chain(1, (0, "/usr/bin/git", "git log"), (0, "/usr/bin/dash", "sh")), "`processes`"),
    _found("T1078.003", "a service account logs in", "/usr/sbin/sshd", chain(380, (0, "/usr/sbin/sshd", "sshd: www-data [priv]"), (33, "/usr/sbin/sshd", "sshd: www-data@pts/0")), "`processes`"),
    ran("T1543", "root", "/usr/sbin/rsyslogd -n -f /var/tmp/r.conf"),
    ran("T1543", "stray", "/usr/bin/python3 /usr/bin/gunicorn -w 2 --chdir /tmp/app app:app", subject="process:/usr/bin/gunicorn"),
    _found("T1055", "the SSH server's listener calls out", "/usr/sbin/sshd", _calls(380), "`process_open_sockets`"),
    _found("T1055", "the first process calls out", "/usr/lib/systemd/systemd", _calls(1), "`process_open_sockets`"),
    work("services", "programs of known names from trees of their own, and daemons that change their titles",
        *alone(1, 0, "/usr/local/nginx/sbin/nginx -g x", "/opt/gitlab/embedded/sbin/nginx -p /var/opt"),
        _ended,
        chain(1, (0, "/usr/local/bin/tool", "/bin/sh -c /usr/local/bin/tool")),
        chain(1, (0, "/usr/bin/python3.11", "/usr/bin/env python3 /opt/x.py")),
        chain(1, (0, "/usr/bin/perl", "spamd child")),
        chain(1, (0, "/usr/bin/perl", "/usr/bin/perl -wT /usr/sbin/munin-node"), (0, "/usr/bin/perl", "/usr/sbin/munin-node [10.0.0.9]")),
        chain(1, (0, "/usr/bin/git", "git fetch -q"), (0, "/usr/lib/git-core/git", "/usr/lib/git-core/git fetch"), (0, "/usr/lib/git-core/git", "/usr/lib/git-core/git gc")),
        chain(1, (0, "/usr/bin/dash", "/bin/sh /usr/bin/tool"), (0, "/usr/lib/tool/tool", "/usr/lib/tool/tool -f")),
        chain(1, (0, "/usr/bin/busybox", "syslogd -n")),
        chain(1, (0, "/usr/bin/containerd", "/usr/bin/containerd"), (0, "/var/lib/rancher/k3s/data/a1/bin/containerd", "containerd -c /x")),
        chain(380, (0, "/usr/sbin/sshd", "sshd: unknown [priv]"), (101, "/usr/sbin/sshd", "sshd: unknown [net]")),
        chain(1, (33, "/usr/sbin/php-fpm8.2", "/usr/sbin/php-fpm8.2 --fpm-config /etc/php/fpm.conf --pid /tmp/fpm.pid")),
        chain(1, (0, "/opt/google/chrome/chrome", "/opt/google/chrome/chrome --type=renderer")),
        chain(1, (0, "/usr/bin/containerd-shim-runc-v2", "/usr/bin/containerd-shim-runc-v2 -id x"), (0, "/usr/local/bin/nginx", "nginx: master process nginx")),
        chain(1, (0, "/usr/bin/containerd-shim-runc-v2", "/usr/bin/containerd-shim-runc-v2 -id x"), (0, "/usr/bin/bash", "bash")),
    ),
)
# fmt: on
