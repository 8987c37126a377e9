"""Facts about files: programs that run with their owner's rights, and digests of watched files."""

import re
from collections.abc import Iterator
from functools import lru_cache

from vedette.detect.inventory.fact import Fact, text
from vedette.detect.place import hidden, place
from vedette.detect.view import View

__all__ = ["HANDS_ON", "digests", "raised"]

# Programs that hand their rights to whoever starts them (as collected by GTFOBins, in part).
HANDS_ON = re.compile(
    r"^(ba|da|z|k|c|tc|a|fi)?sh(-static)?$|^(python|perl|ruby|php|lua|node|vim?|nano|find|awk|gawk|mawk|less|more|cp|tar"
    r"|env|nmap|gdb|docker|socat|nc|tee|dd|xxd|busybox|rsync|strace|make|gcc|openssl|base64|systemctl)[\d.]*(\.\w+)?$"
)
_CLASSES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (r"^/etc/ld\.so\.preload$", "hash.preload"),
        (r"^/etc/ld\.so\.conf(\.d/|$)", "hash.linker"),
        (r"/security/pam_[^/]+\.so$", "hash.program"),
        (
            r"^/etc/pam\.(d/|conf)|/etc/security/|/etc/(nsswitch\.conf|krb5\.\w+|sssd/.*)$",
            "hash.pam",
        ),
        (r"^/etc/(rc\.local|rc\.d/|init\.d/|inittab)", "hash.boot"),
        (
            r"^/etc/ssh/(sshd_config|ssh_config)(\.d/.*)?$|/\.ssh/(rc|environment|config)$",
            "hash.ssh",
        ),
        (r"authorized_keys2?$", "hash.key"),
        (
            r"^/etc/(profile(\.d/.*)?|bash\.bashrc|bashrc|bash_completion\.d/.*|environment|zsh/.*|skel/.*)$",
            "hash.start",
        ),
        (
            r"/\.(bashrc|profile|bash_profile|bash_login|bash_logout|zshrc|zshenv|zprofile|kshrc)$",
            "hash.start",
        ),
        (r"^/etc/sudoers(\.d/|$)", "hash.sudo"),
        (r"^/etc/hosts(\.allow|\.deny)?$", "hash.hosts"),
        (r"^/etc/resolv\.conf$", "hash.resolver"),
        (r"^/etc/passwd$", "hash.passwd"),
        (r"^/etc/group$", "hash.group"),
        (r"^/etc/shadow$", "hash.shadow"),
        (r"^/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?$", "hash.account"),
        (r"^/etc/cron\.(hourly|daily|weekly|monthly)/", "hash.script"),
        (r"^/var/spool/(cron/)?at", "hash.at"),
        (r"^/etc/(crontab|cron\.)", "hash.cron"),
        (r"^/etc/anacrontab$", "hash.script"),
        (r"^/var/spool/cron", "hash.plain"),
        (
            (
                r"^/etc/(update-motd\.d/|udev/rules\.d/|network/if-|NetworkManager/dispatcher\.d/|dhcp/.*hooks|ppp/ip-up"
                r"|kernel/\w+\.d/|acpi/|logrotate)"
            ),
            "hash.event",
        ),
        (r"^/etc/xdg/autostart/|/\.config/autostart/", "hash.desktop"),
        (
            r"^/etc/(apt/apt\.conf|dpkg/dpkg\.cfg|yum/pluginconf|dnf/plugins|yum\.conf|dnf/dnf\.conf)",
            "hash.installer",
        ),
        (r"^/etc/(apt/sources|apt/trusted|apt/keyrings|yum\.repos\.d)", "hash.source"),
        (r"^/etc/(modules|modprobe\.d|modules-load\.d)", "hash.module"),
        (r"^/etc/ssl/certs/ca-|/ca-certificates/|^/etc/pki/ca-trust/", "hash.trust"),
        (
            r"^/etc/systemd/system-generators/|^/usr/local/lib/systemd/system-generators/",
            "hash.generator",
        ),
        (r"^/etc/systemd/system/[^/]+\.d/|^/etc/systemd/(system|user)\.conf", "hash.dropin"),
        (
            r"^/etc/systemd/(journald|coredump)|^/etc/(rsyslog|syslog-ng|audit|audisp|auditd|osquery|filebeat)",
            "hash.logging",
        ),
        (r"^/etc/systemd/system/", "hash.unit"),
        (r"^/etc/(polkit-1|dbus-1/system\.d|security/capability)", "hash.rights"),
        (
            r"^/etc/(nftables|iptables|ufw|firewalld|fail2ban|sysconfig/(nf|ip6?)tables)",
            "hash.firewall",
        ),
        (r"^/etc/(selinux|apparmor)", "hash.confine"),
        (r"^/etc/(docker|containerd|containers|crio)", "hash.container"),
        (
            r"^/etc/(fstab|exports|sysctl\.|chrony|ntp|systemd/timesyncd|crypttab|hostname$|default/grub|grub\.d/|samba/)",
            "hash.settings",
        ),
    )
)
_KEPT = re.compile(
    r"^/etc/(passwd|group|shadow|sudoers|crontab|hosts|resolv\.conf|pam\.d/[^/]+|ssh/sshd_config|profile|nsswitch\.conf"
    r"|fstab|rsyslog\.conf|audit/auditd\.conf|nftables\.conf|environment|bash\.bashrc|login\.defs)$"
)


@lru_cache(maxsize=4096)
def _class(path: str) -> str:
    for pattern, mark in _CLASSES:
        if pattern.search(path):
            return mark
    return (
        "hash.program" if place(path) == "system" and not path.startswith("/etc/") else "hash.plain"
    )


def _watch(path: str, mark: str) -> str:
    if mark == "hash.program":
        return "program"
    return "file" if _KEPT.match(path) else ""


_USUAL = re.compile(
    r"^/(usr/)?s?bin/(sudo|su|passwd|mount|umount|newgrp|chsh|chfn|gpasswd|pkexec)$"
)
# Names of a package manager's work under way. sudo, cron and PAM read no file of such a name.
_UNDER_WAY = (".dpkg-new", ".dpkg-tmp", ".dpkg-old", ".dpkg-dist", ".rpmnew", ".rpmsave")
# What is new of units is told by its own table, the file tells only that it changed; and no host is without passwords.
_FIRST = {"hash.unit": "hash.plain", "hash.shadow": "hash.account"}


def digests(view: View) -> Iterator[Fact]:
    """Of `hash`: one per path; its SHA-256 is the value."""
    for row in view.rows("hash"):
        path, sha256 = text(row, "path"), text(row, "sha256")
        if not sha256 or path.endswith(_UNDER_WAY):
            continue
        mark = _class(path)
        shown = f"{path} (SHA-256 {sha256[:12]})"
        first = _FIRST.get(mark, mark)
        yield Fact("hash", path, sha256, (first,), f"file:{path}", shown, mark, _watch(path, mark))


def raised(view: View) -> Iterator[Fact]:
    """Of `suid_bin`: one per path; owner and bits are the value."""
    for row in view.rows("suid_bin"):
        path = text(row, "path")
        owner, bits = text(row, "username"), text(row, "permissions")
        marks = []
        where = place(path)
        if where in {"temp", "memory", "run"}:
            marks.append("suid.temp")
        if hidden(path) and where != "layer":
            marks.append("suid.hidden")
        if where in {"home", "roothome"}:
            marks.append("suid.home")
        elif where in {"local", "app", "other"}:
            marks.append("suid.odd")
        if (
            HANDS_ON.match(path.rsplit("/", 1)[-1])
            and "S" in bits.upper()
            and not path.startswith("/snap/")
            and where != "layer"
        ):
            marks.append("suid.shell")
        layer = where == "layer" or path.startswith("/snap/")
        plain = "suid.layer" if layer else "suid.system"
        shown = f"{path} (owner {owner}, bits {bits})"
        usual = "suid" if _USUAL.match(path) else ""
        told = tuple(marks) or (plain,)
        yield Fact("suid", path, f"{owner}:{bits}", told, f"suid:{path}", shown, watch=usual)
