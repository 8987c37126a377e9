"""The form of a process: what can be told from its own row alone."""

import re
from functools import lru_cache
from typing import NamedTuple

from vedette.detect.behaviour.acts import act, technique
from vedette.detect.managing import manages
from vedette.detect.place import RISKY, hidden, place, visited
from vedette.detect.signature import deed
from vedette.detect.writes import written

__all__ = ["SERVING", "Form", "form", "goes_by", "is_native", "is_shell", "launches", "runs_code"]

SERVING = frozenset({"server", "interpreter", "other"})
"""The roles of what may run as a service by itself."""
_SHELLS = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "csh", "tcsh", "rbash"])
_INTERPRETER = re.compile(
    r"^(python|perl|ruby|php|node|nodejs|lua|luajit|tclsh|deno|bun)[\d.]*$|^ld-(linux|musl)\S*$|^ld-[\d.]+\.so$|^ld\.so$"
)
_SERVER = re.compile(
    r"^(nginx|apache2|httpd|php-fpm[\d.]*|uwsgi\S*|gunicorn\S*|uvicorn|puma|unicorn\S*|haproxy|caddy|lighttpd|traefik|envoy"
    r"|postgres|postmaster|mysqld|mariadbd|redis-server|redis-check-rdb|valkey-server|mongod|memcached|java|tomcat\S*"
    r"|catalina|named|exim4|master|dovecot|vsftpd|proftpd|smbd|slapd|beam\.smp|celery|node_exporter|squid|rabbitmq\S*)$"
)
_DATABASE = re.compile(r"^(postgres|postmaster|mysqld|mariadbd)$")
_OPERATOR = re.compile(
    r"^(login|su|doas|sudo|screen|tmux\S*|byobu|gnome-terminal\S*|konsole|xterm|kitty|alacritty|mosh-server|pkexec"
    r"|code-server|zellij|runuser|machinectl|jupyter\S*|rsession|xrdp-sesman|gdm\S*|lightdm|sddm\S*|cockpit-session)$"
)
_BUILDER = re.compile(
    r"^(g?make|gcc\S*|g\+\+\S*|cc|c\+\+|clang\S*|ld\S*|cargo|rustc|go|cmake|ctest|ninja|meson|configure|pip[\d.]*|pytest|tox|npm|npx"
    r"|yarn|pnpm|node-gyp|bazel|mvn|gradle|dpkg\S*|apt\S*|rpm|dnf|yum|debuild|libtool|collect2|uv|poetry|nox|ruff|mypy)$"
)
# Of these, what runs a project's own code: builds and tests, and services too.
_LAUNCHER = re.compile(
    r"^(g?make|cargo|go|pip[\d.]*|pytest|tox|nox|npm|npx|yarn|pnpm|bazel|mvn|gradle|uv|poetry)$"
)
_CI = re.compile(
    r"^(jenkins(?:-agent\S*|\.war)?|(?:agent|remoting|slave)\.jar|gitlab-runner\S*|Runner\.(?:Worker|Listener)\S*|buildkite-agent\S*"
    r"|ci-runner\S*|drone-(?:runner|agent|server)\S*|teamcity-agent\S*|jetbrains\.buildServer\.agent\S*|concourse|forgejo-runner\S*"
    r"|act_runner\S*|woodpecker-\S+)$"
)
_CI_TREE = re.compile(r"/(?:actions-runner|buildAgent|teamcity-agent)/")
# What manages a machine does what people would: it makes accounts, stops services, changes rights.
_MANAGER = re.compile(
    r"^(puppet|puppet-agent|chef-client|cinc-client|salt-minion|cf-agent|cf-execd|ansible-pull|cloud-init\S*|waagent"
    r"|google_guest_agent|google_metadata_script_runner|amazon-ssm-agent|ssm-\S+|qemu-ga|landscape-\S+|rudder\S*"
    r"|packagekitd|snapd|fwupd|unattended-upgr\S*|dnf5|dnf-automatic|microdnf|yum-cron|zypper|rpm-ostreed?|transactional-update"
    r"|needrestart|update-initramfs|dracut|dkms|kexec-tools|etckeeper|do-release-upgrade)$"
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
_DATA = re.compile(
    r"^/usr/(?:include|share/(?:doc|man|info|locale|icons|fonts|zoneinfo|licenses))/|^/boot/"
    r"|^/var/(?:lib/(?!docker/|containerd/|containers/|dpkg/|snapd/|flatpak/|gems/|rancher/|kubelet/|cloud/|waagent/"
    r"|jenkins/|gitlab-runner/|buildkite-agent/|apt/|dkms/|nixos/|pcp/|aws|google|amazon)|cache/|spool/|log/|mail/)"
)
# Services that nobody builds by hand, and programs that no interpreter has reason to call itself.
_CORE = re.compile(
    r"^(sshd|cron|crond|rsyslogd|systemd|systemd-\S+|agetty|dbus-daemon|udevd|auditd|login|polkitd)$"
)
_NATIVE = re.compile(
    r"^(sshd|httpd|apache2?|nginx|cron|crond|rsyslogd|syslogd|systemd\S*|kworker\S*|kthreadd|postgres|mysqld|named|master"
    r"|init|agetty|getty|dbus-daemon|udevd|auditd|ntpd|atd|acpid|sendmail|exim4?|proftpd|vsftpd)$"
)
_NUMBERS = re.compile(r"\d+")
_HEX = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\b[0-9a-f-]{32,36}\b")
_CODE = re.compile(r"^-[a-zA-Z]*[cer]$|^--eval$|^-pe$|^-ne$")
# Where a shell's code names a program to start, or a file whose content it runs.
_STARTED = re.compile(
    r"(?:^|[;&|]|\$\(|(?:^|[\s;&|])[({]\s*|\b(?:do|then|else|exec|nohup|setsid)\s|(?:\b(?:source|eval)|(?:^|[\s;&|])\.)\s)\s*[\"']?(?:\$\(\s*(?:cat\b|<)\s*)?"
    r"(/[^\s;&|<>()\"'`]+)"
)
_CODE_LENGTH = 1_000  # letters of a shell's code in which programs that it starts are looked for
_DELETED = " (deleted)"
_RUNTIMES = re.compile(r"^/?memfd:(runc_cloned|crun|lxc|snap)")


class Form(NamedTuple):
    """What one row says of a program.

    `role` is what kind of program it is, `base` its own name, `script` the file an interpreter was given; `mode` of
    a shell or interpreter is script, code, interactive, login or none; `marks` are evidence names it bears by itself.
    `deed` is what its command does, and `attack` the technique that fits it closer than the deed's own.
    """

    name: str
    path: str
    base: str
    role: str
    script: str
    mode: str
    deed: str
    attack: str | None
    words: str
    marks: tuple[str, ...]
    shown: str
    database: bool


@lru_cache(maxsize=16384)
def form(name: str, path: str, command: str, cwd: str, on_disk: int) -> Form:
    """Reads one row. Pure, so that all hosts share what is remembered of it."""
    path = path.removesuffix(_DELETED)
    words = command.split()
    base = path.rsplit("/", 1)[-1] or name
    mode, script = _mode(base, name, words, cwd)
    role = _role(base, name, script, path, words)
    found, attack = _deed(command)
    return Form(
        name=name,
        path=path,
        base=base,
        role=role,
        script=script,
        mode=mode,
        deed=found,
        attack=attack,
        words=_HEX.sub("H", _NUMBERS.sub("N", " ".join(words[:3])))[:160],
        marks=_marks(name, path, base, script, words, on_disk, found),
        shown=(command if len(command) <= 160 else command[:157] + "...") or path or name,
        database=_DATABASE.match(base) is not None or _DATABASE.match(name) is not None,
    )


def _deed(command: str) -> tuple[str, str | None]:
    """What the command does, and its closer technique. What only looks around may hide what does more."""
    found = deed(command)
    if found and found not in {"recon", "netcat", "scan"}:
        return found, technique(found, command)
    more = act(command) or written(command)
    if more is not None:
        return more.mark, more.attack or technique(more.mark, command)
    return found, technique(found, command)


def _claims_another(first: str, base: str) -> bool:
    """Whether the first word of a command is a system path of another program (versions may differ: python3)."""
    claimed = first.rsplit("/", 1)[-1]
    return (
        first.startswith("/")
        and place(first) == "system"
        and not base.startswith(claimed)
        and not claimed.startswith(base)
    )


def _core(base: str) -> bool:
    return _CORE.match(base) is not None


def _guised(base: str, words: list[str]) -> bool:
    """Whether an interpreter goes by the name of a native service or a login shell."""
    if not words or not _INTERPRETER.match(base):
        return False
    claimed = goes_by(words[0])
    return claimed != base and (is_native(claimed) or claimed in _SHELLS)


def goes_by(first: str) -> str:
    """The name that the first word of a command claims."""
    return first.rsplit("/", 1)[-1].rstrip(":").lstrip("-")


def is_native(claimed: str) -> bool:
    """Whether that is the name of a part of the system, or of a server that is a program by itself."""
    return _NATIVE.match(claimed) is not None


def _guise(path: str, base: str, where: str, words: list[str]) -> str:
    """The mark of an interpreter's title that is another program's, or of no title at all."""
    if not words:
        return "blank" if path and where != "anonymous" else ""
    if _guised(base, words):
        return "guise"
    if _INTERPRETER.match(base) and _claims_another(words[0], base):
        # One that was just started by `env` or a shell may show their line still.
        return "" if any(map(runs_code, words[:4])) else "retitled"
    return ""


def is_shell(name: str) -> bool:
    """Whether that is the name of a shell."""
    return name in _SHELLS


def runs_code(first: str) -> bool:
    """Whether a program is a shell or an interpreter."""
    base = first.rsplit("/", 1)[-1]
    return _INTERPRETER.match(base) is not None or base in _SHELLS


def _started(words: list[str], base: str, name: str) -> list[str]:
    """The marks of the places from which a shell's code starts something."""
    if base not in _SHELLS and name not in _SHELLS:
        return []
    code = next((at for at, word in enumerate(words) if at and _CODE.match(word)), None)
    if code is None:
        return []
    text = " ".join(words[code + 1 :])[:_CODE_LENGTH]
    marks = []
    for match in _STARTED.finditer(text):
        path = match[1]
        if place(path) in RISKY - {"anonymous"} and path.removeprefix("/var").count("/") < 4:
            marks.append(place(path))
        if hidden(path):
            marks.append("hidden")
    return marks


def _mode(base: str, name: str, words: list[str], cwd: str) -> tuple[str, str]:
    shell = base in _SHELLS or name in _SHELLS
    if not shell and not _INTERPRETER.match(base):
        return "none", ""
    if words and words[0].startswith("-"):
        return "login", ""
    for word in words[1:]:
        mode = _argument(word, shell=shell)
        if mode == "script":
            return mode, _script(word, cwd)
        if mode:
            return mode, ""
    return ("interactive" if shell else "none"), ""


def _argument(word: str, *, shell: bool) -> str:
    """What one argument says about the mode; empty when it says nothing."""
    if _CODE.match(word):
        return "code"
    if shell and word in {"-i", "-li", "-il", "--login", "-l"}:
        return "interactive"
    return "script" if not word.startswith("-") or word == "-m" else ""


def _script(word: str, cwd: str) -> str:
    if word.startswith("/"):
        return word
    if word == "-m" or not cwd:
        return ""
    return f"{cwd.rstrip('/')}/{word.removeprefix('./')}"


_ROLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("builder", _BUILDER),
    ("builder", _MANAGER),
    ("sshd", re.compile(r"^sshd(-session)?$")),
    ("sudo", _OPERATOR),
    ("cron", re.compile(r"^(crond?|atd|anacron)$")),
    (
        "init",
        re.compile(
            r"^(systemd|init|tini|dumb-init|docker-init|s6-\S+|runit|runsv|runsvdir|launchd|supervisord|pm2|circusd|honcho"
            r"|foreman|monit|god|daemontools|supervise|svscan|start-stop-daemon|openrc\S*|procd)$"
        ),
    ),
    ("server", _SERVER),
)


def _role(base: str, name: str, script: str, path: str, words: list[str]) -> str:
    names = (base, name, script.rsplit("/", 1)[-1])
    # What lies where anyone may write can call itself what it likes.
    if not (place(path) in RISKY or hidden(path) or hidden(script) or place(script) in RISKY):
        if manages(script or path) or any(map(_is_ci, _programs(path or base, script, words))):
            return "builder"
        for role, pattern in _ROLES:
            if any(pattern.match(one) for one in names):
                return role
    if base in _SHELLS or name in _SHELLS:
        return "shell"
    return "interpreter" if _INTERPRETER.match(base) else "other"


def _programs(path: str, script: str, words: list[str]) -> list[str]:
    """What runs and what it was given to run, which Java names among its options; only of a program that can't be seen, what it calls itself."""
    if path.endswith("/java"):
        return words[:4]
    return [path, script] if path.startswith("/") else [path, script, *words[:1]]


def _is_ci(word: str) -> bool:
    """Whether a program is that of an agent that builds for others. An option that names one is none."""
    if word.startswith("-"):
        return False
    return _CI.match(word.rsplit("/", 1)[-1]) is not None or _CI_TREE.search(word) is not None


def launches(seen: Form) -> bool:
    """Whether it is a tool that runs a project's own code, which may be a build, a test or a service."""
    return seen.role == "builder" and any(
        map(_LAUNCHER.match, (seen.base, seen.name, seen.script.rsplit("/", 1)[-1]))
    )


def _marks(
    name: str, path: str, base: str, script: str, words: list[str], on_disk: int, found: str
) -> tuple[str, ...]:
    where = place(path)
    lies = {where, place(script)} & RISKY
    marks = [one for one in lies if not (one == "anonymous" and _RUNTIMES.match(path))]
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
    # Some programs write their state between brackets behind it; a kernel thread's name is all there is.
    bracketed = len(words) == 1 and first.startswith("[") and first.endswith("]")
    if (path and (_KERNEL.match(name) or _KERNEL.match(base))) or bracketed:
        marks.append("mask")
    elsewhere = where in {"temp", "memory", "home", "roothome", "run", "anonymous"}
    named = _SYSTEM_SERVICE.match(base) or _SYSTEM_SERVICE.match(name)
    if elsewhere and (named or _claims_another(first, base)):
        marks.append("impostor")
    if _DATA.match(path) or _DATA.match(script):
        marks.append("data")
    if visited(path) or visited(script):
        marks.append("visited")
    if _core(base) and where in {"local", "app", "other"}:
        marks.append("double")
    guise = _guise(path, base, where, words)
    if guise:
        marks.append(guise)
    marks += [one for one in _started(words, base, name) if one not in marks]
    if found and found != "recon":
        marks.append(found)
    return tuple(sorted(marks))
