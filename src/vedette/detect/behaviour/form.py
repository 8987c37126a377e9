"""The form of a process: what can be told from its own row alone."""

import re
from functools import lru_cache
from typing import NamedTuple

from vedette.detect.place import RISKY, hidden, place
from vedette.detect.signature import deed

__all__ = ["Form", "form"]

_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "rbash"])
_INTERPRETER = re.compile(r"^(python|perl|ruby|php|node|nodejs|lua|luajit|tclsh|deno|bun)[\d.]*$")
_SERVER = re.compile(
    r"^(nginx|apache2|httpd|php-fpm[\d.]*|uwsgi\S*|gunicorn\S*|uvicorn|puma|unicorn\S*|haproxy|caddy|lighttpd|traefik|envoy"
    r"|postgres|postmaster|mysqld|mariadbd|redis-server|redis-check-rdb|valkey-server|mongod|memcached|java|tomcat\S*"
    r"|catalina|named|exim4|master|dovecot|vsftpd|proftpd|smbd|slapd|beam\.smp|celery|node_exporter|squid|rabbitmq\S*)$"
)
_DATABASE = re.compile(r"^(postgres|postmaster|mysqld|mariadbd)$")
_OPERATOR = frozenset(
    [
        "login",
        "su",
        "doas",
        "sudo",
        "screen",
        "tmux",
        "byobu",
        "gnome-terminal-",
        "konsole",
        "xterm",
        "kitty",
        "alacritty",
        "mosh-server",
        "pkexec",
        "ttyd",
        "code-server",
        "zellij",
        "runuser",
        "machinectl",
    ]
)
_BUILDER = re.compile(
    r"^(g?make|gcc\S*|g\+\+\S*|cc|c\+\+|clang\S*|ld\S*|cargo|rustc|go|cmake|ctest|ninja|meson|configure|pip[\d.]*|pytest|tox|npm|npx"
    r"|yarn|pnpm|node-gyp|bazel|mvn|gradle|dpkg\S*|apt\S*|rpm|dnf|yum|debuild|libtool|collect2|uv|poetry|nox|ruff|mypy)$"
)
_CI = re.compile(
    r"jenkins|agent\.jar|gitlab-runner|Runner\.(?:Worker|Listener)|actions-runner|buildkite|ci-runner|drone-|teamcity|concourse"
)
_KERNEL = re.compile(
    r"^(kworker|kthreadd|ksoftirqd|migration|rcu_(sched|bh|gp|par_gp|preempt)|kswapd\d*|khugepaged|kcompactd\d*|kdevtmpfs|jbd2"
    r"|scsi_eh_\d+|kblockd|watchdogd|oom_reaper|kauditd|kintegrityd|cpuhp|idle_inject|writeback|netns|ksmd|khungtaskd"
    r"|edac-poller|devfreq_wq|crypto|bioset|kthrotld|mld|ipv6_addrconf)([/:].*)?$"
)
_SYSTEM_SERVICE = re.compile(
    r"^(sshd|cron|crond|rsyslogd|systemd|systemd-\S+|dbus-daemon|init|udevd|agetty|polkitd|auditd|ntpd|chronyd|atd|named|nginx"
    r"|apache2|httpd|postgres|mysqld|networkd|snapd|journald|dockerd|containerd|irqbalance|acpid)$"
)
_NUMBERS = re.compile(r"\d+")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\b[0-9a-f-]{32,36}\b")
_CODE = re.compile(r"^-[a-zA-Z]*[cer]$|^--eval$|^-pe$|^-ne$")
_DELETED = " (deleted)"
_RUNTIMES = re.compile(r"^/?memfd:(runc_cloned|crun|lxc|snap)")


class Form(NamedTuple):
    """`role` is what kind of program it is, `base` its own name, `script` the file an interpreter was given; `mode` of
    a shell or interpreter is script, code, interactive, login or none; `marks` are evidence names it bears by itself.
    """

    name: str
    path: str
    base: str
    role: str
    script: str
    mode: str
    deed: str
    words: str
    marks: tuple[str, ...]
    shown: str
    database: bool


@lru_cache(maxsize=16384)
def form(name: str, path: str, command: str, cwd: str, on_disk: int) -> Form:
    """Reads one row. Pure, so that all hosts share what is remembered of it."""
    path = path.removesuffix(_DELETED)
    words = command[:4000].split()
    base = path.rsplit("/", 1)[-1] or name
    mode, script = _mode(base, name, words, cwd)
    role = _role(base, name, script, mode, command)
    found = deed(command)
    return Form(
        name=name,
        path=path,
        base=base,
        role=role,
        script=script,
        mode=mode,
        deed=found,
        words=_HEX.sub("H", _NUMBERS.sub("N", " ".join(words[:3])))[:160],
        marks=_marks(name, path, base, script, words, on_disk, found),
        shown=(command if len(command) <= 160 else command[:157] + "...") or path or name,
        database=_DATABASE.match(base) is not None or _DATABASE.match(name) is not None,
    )


def _claims_another(first: str, base: str) -> bool:
    """Whether the first word of a command is a system path of another program (versions may differ: python3)."""
    claimed = first.rsplit("/", 1)[-1]
    return (
        first.startswith("/")
        and place(first) == "system"
        and not base.startswith(claimed)
        and not claimed.startswith(base)
    )


def _mode(base: str, name: str, words: list[str], cwd: str) -> tuple[str, str]:
    shell = base in _SHELLS or name in _SHELLS
    if not shell and not _INTERPRETER.match(base):
        return "none", ""
    if words and words[0].startswith("-"):
        return "login", ""
    for word in words[1:]:
        if _CODE.match(word):
            return "code", ""
        if shell and word in {"-i", "-li", "-il", "--login", "-l"}:
            return "interactive", ""
        if not word.startswith("-"):
            if word.startswith("/"):
                return "script", word
            return "script", f"{cwd.rstrip('/')}/{word.removeprefix('./')}" if cwd else ""
        if word == "-m":
            return "script", ""
    return ("interactive" if shell else "none"), ""


def _role(base: str, name: str, script: str, mode: str, command: str) -> str:
    tool = script.rsplit("/", 1)[-1]
    if (
        _CI.search(command[:300])
        or _BUILDER.match(tool)
        or _BUILDER.match(base)
        or _BUILDER.match(name)
    ):
        return "builder"
    if name == "sshd" or base == "sshd" or base == "sshd-session":
        return "sshd"
    if name in _OPERATOR or base in _OPERATOR:
        return "sudo"
    if base in {"cron", "crond", "atd", "anacron"}:
        return "cron"
    if base in {
        "systemd",
        "init",
        "tini",
        "dumb-init",
        "docker-init",
        "s6-svscan",
        "runit",
        "launchd",
    }:
        return "init"
    if _SERVER.match(base) or _SERVER.match(name) or _SERVER.match(tool):
        return "server"
    if base in _SHELLS or name in _SHELLS:
        return "shell"
    return "interpreter" if _INTERPRETER.match(base) else "other"


def _marks(
    name: str, path: str, base: str, script: str, words: list[str], on_disk: int, found: str
) -> tuple[str, ...]:
    marks = []
    where = place(path)
    for lies in {where, place(script)} & RISKY:
        if not (lies == "anonymous" and _RUNTIMES.match(path)):
            marks.append(lies)
    if "temp" in marks and not hidden(path) and not hidden(script):
        lying = path if where == "temp" else script
        # Intruders drop a file; four levels down is a tree that someone unpacked.
        if lying.removeprefix("/var").count("/") >= 4:
            marks[marks.index("temp")] = "temp.deep"
    if hidden(path) or hidden(script):
        marks.append("hidden")
    if on_disk == 0 and where != "anonymous":
        marks.append(
            {"system": "gone.system"}.get(
                where,
                "gone.home"
                if where in {"local", "app", "home", "roothome", "other", "layer"}
                else "gone",
            )
        )
    first = words[0] if words else ""
    if (path and (_KERNEL.match(name) or _KERNEL.match(base))) or first.startswith("["):
        marks.append("mask")
    elsewhere = where in {"temp", "memory", "home", "roothome", "run", "anonymous"}
    named = _SYSTEM_SERVICE.match(base) or _SYSTEM_SERVICE.match(name)
    if elsewhere and (named or _claims_another(first, base)):
        marks.append("impostor")
    if found and found != "recon":
        marks.append(found)
    return tuple(sorted(marks))
