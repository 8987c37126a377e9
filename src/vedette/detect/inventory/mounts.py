"""Facts about mounts: what hides something, what leads out, what a host lives on."""

import re
from collections.abc import Iterator

from vedette.detect.inventory.fact import Fact, text
from vedette.detect.outside import names_outside
from vedette.detect.place import hidden, place
from vedette.detect.view import View

__all__ = ["flags", "mounts"]

_OVER_PROCESS = re.compile(r"^/proc/\d+(/|$)")
_OVER_SYSTEM = re.compile(r"^/(etc|usr|bin|sbin|lib\w*|root|var/log|var/spool/cron)(/|$)")
_STRANGERS = re.compile(
    r"^(fuse\.(sshfs|rclone|s3fs|gcsfuse|goofys|davfs\w*|curlftpfs|mega\S*)|davfs)$"
)
_SHARES = re.compile(r"^(nfs4?|cifs|smb3)$")
_LASTING = frozenset(
    [
        "ext2",
        "ext3",
        "ext4",
        "xfs",
        "btrfs",
        "zfs",
        "f2fs",
        "jfs",
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "ceph",
        "glusterfs",
        "lustre",
        "ocfs2",
        "gfs2",
    ]
)
_FLAGS = frozenset({"ro", "nosuid", "nodev", "noexec"})
_WRITABLE = re.compile(r"^/(tmp|var/tmp|dev/shm|home)$")
_FLEETING = re.compile(r"^/(run|media|snap|proc|sys)(/|$)")
_NEEDED = re.compile(r"^/(dev|dev/shm|dev/pts|proc|sys|run)$")
_PASSING = re.compile(r"^/(run|media|snap|tmp|var/tmp|var/snap|proc|sys|dev)(/|$)")


def mounts(view: View) -> Iterator[Fact]:
    """Of `mounts`: one per path; its type is the value."""
    demanded = {text(row, "path") for row in view.rows("mounts") if text(row, "type") == "autofs"}
    roots = {text(row, "device") for row in view.rows("mounts") if text(row, "path") == "/"}
    for row in view.rows("mounts"):
        path, kind = text(row, "path"), text(row, "type")
        again = (
            path != "/" and text(row, "device") in roots and text(row, "device").startswith("/dev/")
        )
        lasting = kind in _LASTING and place(path) != "layer" and not _PASSING.match(path)
        # What is mounted when it is asked for goes when nobody does.
        lasting = lasting and path != "/" and not _within(path, demanded)
        yield Fact(
            "mount",
            path,
            kind,
            (_mark(path, kind, text(row, "device"), again=again),),
            f"mount:{path}",
            f"{path} ({kind})",
            watch="mount" if lasting else "mount.memory" if _NEEDED.match(path) else "",
        )


def _within(path: str, others: set[str]) -> bool:
    return bool(others) and any(path == one or path.startswith(f"{one}/") for one in others)


def _mark(path: str, kind: str, device: str, *, again: bool) -> str:
    if _OVER_PROCESS.match(path):
        return "mount.process"
    if kind in {"cgroup", "cgroup2"} and not path.startswith(("/sys/", "/run/")):
        return "mount.plain" if place(path) == "layer" else "mount.cgroup"
    if _STRANGERS.match(kind) or (_SHARES.match(kind) and names_outside(device)):
        return "mount.stranger"
    if hidden(path) and not kind.startswith("fuse"):
        return "mount.hidden"
    if _OVER_SYSTEM.match(path):
        return "mount.over"
    return (
        "mount.again"
        if again and place(path) != "layer" and not _PASSING.match(path)
        else "mount.plain"
    )


def flags(view: View) -> Iterator[Fact]:
    """Of the same, where the agent tells them: what each mount allows is the value."""
    for row in view.rows("mounts"):
        path, told = text(row, "path"), text(row, "flags")
        if not told or _FLEETING.match(path) or place(path) == "layer":
            continue
        some = set(told.split(",")) & _FLAGS
        changed = "flags.there"
        if _WRITABLE.match(path) and not {"noexec", "nosuid"} <= some:
            changed = "mount.loosened"
        elif "ro" in some and text(row, "type") in _LASTING:
            changed = "mount.readonly"
        shown = f"{path} ({','.join(sorted(some)) or 'no limits'})"
        yield Fact(
            "mount.flags",
            path,
            ",".join(sorted(some)),
            ("flags.there",),
            f"mount:{path}",
            shown,
            changed,
        )
