"""What explains a fact away: the package that brings a file, the account whose line makes a list change, a start.

A cause explains for a few snapshots, before and after: a list of packages may be written later than the files.
"""

from collections.abc import Collection, Iterable, Mapping

from vedette.detect.inventory.belongs import may_bring, needs_name

__all__ = ["ANY", "EXPLAINED", "LATE", "OWNED", "excuse", "is_taken_away"]

EXPLAINED = 5  # snapshots after a cause in which it explains what is new
LATE = 3  # snapshots in which a cause may still come after what it explains

ANY = "package:"
"""The cause where packages moved and their names are not known: it counts as a package of whatever name."""

_PACKAGE = 3.0  # nats: about one in twenty intrusions comes with a package change
_PROGRAM_PACKAGE = 6.0  # nats: packages are what replaces programs
_LINES = 6.0  # nats: a file changes when a line of it does, and the lines are judged one by one
_START = 4.0  # nats: at a start, drivers come by themselves
_PRESENT = 2.5  # nats: an operator is logged in, and edits what operators do
_EDITS = 2.0  # nats: somebody is here from where they always come; one command under sudo is over before a look sees it
_HERE = 3.0  # nats: people change passwords, their own and others', in a session
_MANAGED = (
    4.0  # nats: most such edits are made in a managing tool's run, and one in fifty of intruders'
)
_FITS = 4.0  # nats: somebody is at work, and all parts of what they made fit each other
_WORKING = 4.0  # nats, on credit: a package manager is at work, and the package itself is not in the list yet

_EXCUSES: dict[str, dict[str, float]] = {
    "user.plain": {"package": _PACKAGE, "fits": _FITS},
    "user.odd": {"package": _PACKAGE},
    "user.login": {"fits": _FITS},
    "user.service": {"package": _PACKAGE, "fits": _FITS},
    "key.plain": {"fits": _FITS},
    "home.moved": {"package": _PACKAGE},
    "sudo.alias": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "sudo.plain": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "sudo.narrow": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "sudo.local": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "unit.made": {"package": _PACKAGE, "fits": _FITS, "managed": _MANAGED},
    "unit.timer": {"package": _PACKAGE, "managed": _MANAGED},
    "unit.override": {"managed": _MANAGED},
    "unit.packaged": {"package": _PACKAGE + 1.0},
    "unit.changed": {"package": _PACKAGE, "managed": _MANAGED},
    "unit.masked": {"package": _PACKAGE},
    "unit.guard-off": {"package": _PACKAGE},
    "unit.care-off": {"package": _PACKAGE},
    "cron.service": {"package": _PACKAGE},
    "cron.home": {"package": _PACKAGE, "managed": _MANAGED},
    "cron.minute": {"package": _PACKAGE, "managed": _MANAGED},
    "cron.plain": {"package": _PACKAGE, "managed": _MANAGED},
    "cron.code": {"package": _PACKAGE},
    "cron.plant": {"package": _PACKAGE},
    "cron.stranger": {"package": _PACKAGE},
    "module.plain": {"package": _PACKAGE, "start": _START},
    "suid.system": {"package": _PROGRAM_PACKAGE},
    "hash.program": {"owner": _PROGRAM_PACKAGE},
    "hash.pam": {"package": _PACKAGE},
    "hash.start": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "hash.boot": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.ssh": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "hash.hosts": {
        "package": _PACKAGE,
        "session": _PRESENT,
        "familiar": _EDITS,
        "managed": _MANAGED,
    },
    "hash.resolver": {"package": _PACKAGE, "start": 1.0, "managed": _MANAGED, "session": _PRESENT},
    "hash.account": {"user": _LINES, "home": _LINES},
    "hash.shadow": {
        "user": _LINES,
        "home": _LINES,
        "person": _HERE,
        "package": _PACKAGE,
        "managed": _MANAGED,
    },
    "hash.passwd": {"user": _LINES, "home": _LINES, "package": _PACKAGE, "managed": _MANAGED},
    "hash.group": {"user": _LINES, "package": _PACKAGE + 1.0, "managed": _MANAGED},
    "hash.key": {"key": _LINES},
    "hash.cron": {"cron": _LINES, "package": _PACKAGE},
    "hash.script": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.linker": {"package": _PACKAGE},
    "hash.event": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.installer": {"package": _PACKAGE},
    "hash.module": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.trust": {"package": _PACKAGE + 1.0, "managed": _MANAGED},
    "hash.dropin": {"package": _PACKAGE, "managed": _MANAGED, "session": _PRESENT},
    "hash.unit": {"package": _PACKAGE, "fits": _FITS, "session": _PRESENT, "managed": _MANAGED},
    "hash.plain": {"fits": _FITS, "managed": _MANAGED},
    "hash.rights": {"package": _PACKAGE},
    "hash.logging": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.firewall": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.confine": {"package": _PACKAGE},
    "hash.container": {"package": _PACKAGE, "managed": _MANAGED},
    "hash.settings": {"package": _PACKAGE, "session": _PRESENT, "managed": _MANAGED},
    "hash.source": {"session": _PRESENT, "managed": _MANAGED},
    "listen.open": {"package": _PACKAGE, "fits": _FITS},
    "listen.loopback": {"fits": _FITS},
    "listen.port": {"package": _PACKAGE},
    "listen.stray": {"package": _PACKAGE, "fits": _FITS, "session": _PRESENT},
    "listen.bare": {"package": _PACKAGE},
    "door.taken": {"package": _PACKAGE},
    "listen.login": {"package": _PACKAGE},
    "cron.odd": {"package": _PACKAGE},
    "service-user": {"package": _PACKAGE},
    "program": {"owner": _PROGRAM_PACKAGE},
    "guard-unit": {"package": 1.0},
    "port": {"package": _PACKAGE},
    "suid": {"package": _PACKAGE},
    "file": {"package": _PACKAGE},
}

# The packages that own watched programs, under the names that distributions give them.
_OWNERS: dict[str, tuple[str, ...]] = {
    "sshd": ("openssh-server",),
    "ssh": ("openssh-client", "openssh-clients"),
    "scp": ("openssh-client", "openssh-clients"),
    "sudo": ("sudo", "sudo-rs", "sudo-ldap"),
    "su": ("util-linux", "login"),
    "login": ("login", "util-linux", "shadow-utils"),
    "agetty": ("util-linux",),
    "passwd": ("passwd", "shadow-utils"),
    "ps": ("procps", "procps-ng"),
    "top": ("procps", "procps-ng"),
    "ls": ("coreutils", "rust-coreutils", "coreutils-from-uutils", "coreutils-single"),
    "id": ("coreutils", "rust-coreutils", "coreutils-from-uutils", "coreutils-single"),
    "ss": ("iproute2", "iproute"),
    "netstat": ("net-tools",),
    "lsof": ("lsof",),
    "find": ("findutils",),
    "bash": ("bash",),
    "curl": ("curl", "curl-minimal"),
    "wget": ("wget", "wget2"),
    "crontab": ("cron", "cronie"),
    "cron": ("cron",),
    "crond": ("cronie",),
    "rsyslogd": ("rsyslog",),
    "auditd": ("auditd", "audit"),
    "systemctl": ("systemd",),
    "journalctl": ("systemd",),
    "dpkg": ("dpkg",),
    "apt-get": ("apt",),
    "rpm": ("rpm",),
    "openssl": ("openssl",),
    "pam_unix.so": ("libpam-modules", "pam"),
}

OWNED = frozenset(name for names in _OWNERS.values() for name in names)
"""Packages whose versions are followed one by one."""


def excuse(
    mark: str, subject: str, causes: Mapping[str, int], *, window: int, listed: Collection[str]
) -> tuple[float, float]:
    """Nats to take off a fact of this mark, and how many of these are on credit.

    `causes` are what happened, by the snapshots since; those younger than `window` count, and of `fits` and `begun` only that of
    the very subject. `listed` are the
    followed packages of this host: where a program's own is among them, no other explains it. Nor does a package explain what
    none brings, or (`belongs`) what only one of another name would.
    """
    fitting = _EXCUSES.get(mark, {})
    best = max(
        (
            nats
            for cause, nats in fitting.items()
            if cause != "package"
            and (_young(cause, causes, window) or _young(f"{cause} {subject}", causes, window))
        ),
        default=0.0,
    )
    if not best and "fits" in fitting and _young(f"begun {subject}", causes, window):
        # On credit: its other parts may be put there in the next looks.
        return _FITS, _FITS
    brought, credit = _brought(mark, subject, causes, window)
    if brought and fitting.get("package", 0.0) > best:
        return fitting["package"], fitting["package"] if credit and not best else 0.0
    full = fitting.get("owner", 0.0)
    if not full:
        return best, 0.0
    owners = _OWNERS.get(subject.rpartition("/")[2], ())
    if not any(name in listed for name in owners):
        return (full if _young("package", causes, window) else 0.0), 0.0
    if _any(owners, causes, window):
        return full, 0.0
    return (_WORKING, _WORKING) if causes.get("manager", window) == 0 else (0.0, 0.0)


def is_taken_away(evidence: str, causes: Mapping[str, int]) -> bool:
    """Whether a watched thing that is gone was taken away by who does such things: people who leave are removed by people."""
    return evidence == "user" and any(
        _young(cause, causes, EXPLAINED) for cause in ("session", "managed")
    )


def _brought(mark: str, subject: str, causes: Mapping[str, int], window: int) -> tuple[bool, bool]:
    """Whether packages that moved may have brought it, and whether that is on credit: the list still lacks what is at work."""
    if not _young("package", causes, window):
        return False, False
    named = needs_name(mark, subject)
    if not named:
        return named is not None, False
    moved = (
        cause.removeprefix(ANY)
        for cause in causes
        if cause.startswith(ANY) and _young(cause, causes, window)
    )
    if any(not name or may_bring(name, subject) for name in moved):
        return True, False
    at_work = causes.get("manager", window) == 0
    return at_work, at_work


def _young(cause: str, causes: Mapping[str, int], window: int) -> bool:
    return causes.get(cause, window) < window


def _any(owners: Iterable[str], causes: Mapping[str, int], window: int) -> bool:
    return any(_young(f"{ANY}{name}", causes, window) for name in owners)
