"""Facts about files: programs that run with their owner's rights, and digests of watched files."""

import re
from collections.abc import Iterator

from vedette.detect.inventory.fact import Fact, text
from vedette.detect.place import hidden, place
from vedette.detect.view import View

__all__ = ["digests", "raised"]

# Programs that hand their rights to whoever starts them (as collected by GTFOBins, in part).
_SHELLS = re.compile(
    r"^(ba|da|z|k|c|tc|a|fi)?sh(-static)?$|^(python|perl|ruby|php|lua|node|vim?|nano|find|awk|gawk|mawk|less|more|cp|tar"
    r"|env|nmap|gdb|docker|socat|nc|tee|dd|xxd|busybox|rsync|strace|make|gcc|openssl|base64|systemctl)[\d.]*(\.\w+)?$"
)
_CLASSES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), mark)
    for pattern, mark in (
        (r"^/etc/ld\.so\.preload$", "hash.preload"),
        (
            r"^/etc/pam\.(d/|conf)|^/(usr/)?lib/.*security/pam_|/etc/security/|/etc/nsswitch\.conf$",
            "hash.pam",
        ),
        (r"^/etc/(rc\.local|rc\.d/|init\.d/|inittab)", "hash.boot"),
        (
            r"^/etc/ssh/(sshd_config|sshd_config\.d/.*|ssh_config)$|/\.ssh/(rc|environment|config)$",
            "hash.ssh",
        ),
        (r"authorized_keys2?$", "hash.key"),
        (
            r"^/etc/(profile(\.d/.*)?|bash\.bashrc|bashrc|environment|zsh/.*|skel/.*)$",
            "hash.start",
        ),
        (
            r"/\.(bashrc|profile|bash_profile|bash_login|bash_logout|zshrc|zshenv|zprofile|kshrc)$",
            "hash.start",
        ),
        (r"^/etc/sudoers(\.d/|$)", "hash.sudo"),
        (r"^/etc/hosts(\.allow|\.deny)?$", "hash.hosts"),
        (r"^/etc/resolv\.conf$", "hash.resolver"),
        (r"^/etc/(passwd|shadow|group|gshadow|subuid|subgid)-?$", "hash.account"),
        (r"^/etc/(crontab|anacrontab|cron\.)|^/var/spool/(cron|at)", "hash.cron"),
    )
)


def _class(path: str) -> str:
    for pattern, mark in _CLASSES:
        if pattern.search(path):
            return mark
    return (
        "hash.program" if place(path) == "system" and not path.startswith("/etc/") else "hash.plain"
    )


# Names of a package manager's work under way. sudo, cron and PAM read no file of such a name.
_UNDER_WAY = (".dpkg-new", ".dpkg-tmp", ".dpkg-old", ".dpkg-dist", ".rpmnew", ".rpmsave")


def digests(view: View) -> Iterator[Fact]:
    """Of `hash`: one per path; its SHA-256 is the value."""
    for row in view.rows("hash"):
        path, sha256 = text(row, "path"), text(row, "sha256")
        if not sha256 or path.endswith(_UNDER_WAY):
            continue
        mark = _class(path)
        watch = "program" if mark == "hash.program" else ""
        shown = f"{path} (SHA-256 {sha256[:12]})"
        yield Fact("hash", path, sha256, (mark,), f"file:{path}", shown, watch=watch)


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
        if _SHELLS.match(path.rsplit("/", 1)[-1]) and "S" in bits.upper() and where != "layer":
            marks.append("suid.shell")
        plain = "suid.layer" if where == "layer" else "suid.system"
        shown = f"{path} (owner {owner}, bits {bits})"
        yield Fact("suid", path, f"{owner}:{bits}", tuple(marks) or (plain,), f"suid:{path}", shown)
