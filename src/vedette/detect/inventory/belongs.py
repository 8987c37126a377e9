"""Which of the packages that move may have brought a fact: by where it lies, and by their names.

Which files a package owns is in no table. But packages leave homes and root's own jobs alone, put their units where packaged
units lie, and what they put where administrators write bears their name.
"""

import re
from functools import lru_cache

__all__ = ["may_bring", "needs_name"]

# Facts that only a package of a fitting name brings, at these paths.
_BY_NAME: dict[str, re.Pattern[str]] = {
    mark: re.compile(pattern)
    for mark, pattern in (
        ("unit.made", ""),
        ("unit.timer", ""),
        ("hash.dropin", r"^/etc/systemd/system/"),
        ("hash.pam", ""),
        ("hash.ssh", ""),
        ("suid.system", ""),
    )
}
# And what no package brings, whatever its name.
_HOME = r"^/(root|home)/|/\.ssh/"
_BY_NONE: dict[str, re.Pattern[str]] = {
    mark: re.compile(pattern)
    for mark, pattern in (
        ("hash.ssh", _HOME),
        ("hash.start", _HOME),
        ("hash.boot", r"^/etc/rc\.local$"),
        *(
            (f"cron.{kind}", r"^(?!/etc/(cron\.d/|anacrontab$))")
            for kind in ("service", "home", "minute", "plain", "code")
        ),
    )
}
_AUTHENTICATES = (
    r"\bpam|^libpam|^sssd|^libsss|^libnss|^nslcd|^winbind|^samba|^krb5|^authselect|pwquality|^fprintd|keyring|^oddjob"
    r"|^ecryptfs|^fscrypt|oslogin"
)
# What packages of other names bring: path, packages.
_OTHERS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = tuple(
    (re.compile(path), re.compile(package))
    for path, package in (
        (r"^/etc/(pam\.|security/|nsswitch|krb5|sssd)", _AUTHENTICATES),
        (r"^/etc/nsswitch\.conf$", r"^(base-files|libc-bin|glibc|setup|systemd|avahi|libvirt)"),
        (r"^/etc/(pam\.d/sshd$|ssh/)", r"^(openssh|ssh-|ssh$|cloud-init|crypto-policies)"),
        (r"^/etc/pam\.d/(su|su-l|runuser(-l)?)$", r"^(util-linux|login|su)$"),
        (r"^/etc/pam\.d/(login|remote)$", r"^(login|util-linux|shadow)"),
        (r"^/etc/pam\.d/(passwd|ch\w+|newusers|user\w+|group\w+)$", r"^(passwd|shadow|util-linux)"),
        (r"^/etc/pam\.d/(atd|crond?)$", r"^(at|cron|cronie)$"),
        (r"^/etc/security/", r"^(systemd|selinux|policycoreutils)"),
    )
)
# Programs that packages of other names bring with their owner's rights, on the common distributions.
_USUAL_RIGHTS = re.compile(
    r"/(ping6?|arping|traceroute6?|mtr-packet|clockdiff|pkexec|polkit-agent-helper-1|polkit-agent-helper|dbus-daemon-launch-helper"
    r"|fusermount3?|u?mount(\.\w+)?|su|sudo|sudoedit|sudo-rs|su-rs|passwd|chfn|chsh|chage|gpasswd|expiry|newgrp|newuidmap|newgidmap|unix_chkpwd"
    r"|pam_timestamp_check|ssh-keysign|ssh-agent|crontab|at|wall|write(\.ul)?|bsd-write|locate|[mps]locate|screen|utempter|ntfs-3g|pppd"
    r"|sendmail(\.\w+)?|postdrop|postqueue|exim4?|procmail|lockfile|dotlockfile|mail-lock|mail-unlock|mail-touchlock|staprun|cockpit-session|chrome-sandbox"
    r"|snap-confine|Xorg\.wrap|dumpcap|bwrap|gst-ptp-helper|camel-lock-helper-\S+|vmware-user-suid-wrapper|qemu-bridge-helper"
    r"|spice-client-glib-usb-acl-helper|grub2-set-bootflag|usernetctl|userhelper|suexec|kismet_cap_\w+)$"
)
_GENERAL = frozenset(
    [
        "agent", "base", "bin", "client", "common", "core", "daemon", "data", "driver", "helper", "image", "linux", "manager", "monitor", "network",
        "node", "perl", "plugin", "python", "python3", "server", "service", "software", "system", "systemd", "tool", "tools", "update", "user", "util", "utils",
    ]
)  # fmt: skip
_PARTS = re.compile(r"[^a-z0-9]+")
_ENDS = re.compile(r"\.(service|timer|socket|path|conf|d)$")
_LEAST = 4  # letters of a name that says anything
_LEAST_BEGINNING = 5  # and of one that another begins with
_LETTERS = 300
_PLACES = frozenset(
    ["bin", "etc", "games", "lib", "lib64", "libexec", "local", "pam.d", "sbin", "security", "share", "ssh", "system", "systemd", "usr"]
)  # fmt: skip


def needs_name(mark: str, subject: str) -> bool | None:
    """Whether only a package of a fitting name may have brought the fact. None: no package did."""
    path = _path(subject)
    if mark in _BY_NONE and _BY_NONE[mark].search(path):
        return None
    if mark not in _BY_NAME or not _BY_NAME[mark].search(path):
        return False
    return not (mark == "suid.system" and _USUAL_RIGHTS.search(path))


@lru_cache(maxsize=4096)
def may_bring(package: str, subject: str) -> bool:
    """Whether a package of this name may have brought a fact that needs one."""
    path = _path(subject)
    if any(where.search(path) and who.search(package) for where, who in _OTHERS):
        return True
    whole, *words = _words(package)
    parts = (_ENDS.sub("", _ENDS.sub("", part)) for part in path.split("/") if part not in _PLACES)
    names = {name for part in parts for name in _words(part) if name}
    return any(name in words or _akin(name, whole) for name in names)


def _akin(name: str, other: str) -> bool:
    if min(len(name), len(other)) < _LEAST_BEGINNING:
        return name == other
    return name.startswith(other) or other.startswith(name)


def _path(subject: str) -> str:
    return subject.partition(":")[2][:_LETTERS]


def _words(name: str) -> list[str]:
    """The name without its signs, or an empty one where that says nothing, and its words that say something."""
    words = [word for word in _PARTS.split(name.lower()) if word]
    whole = "".join(words)
    telling = [word for word in words if len(word) >= _LEAST and word not in _GENERAL]
    return [whole if len(whole) >= _LEAST and whole not in _GENERAL else "", *telling]
