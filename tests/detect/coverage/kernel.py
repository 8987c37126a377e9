"""What is in the kernel and over the files: modules and mounts."""

from tests.detect.coverage.entry import fact
from tests.detect.coverage.stage import Change, module, mount

__all__ = ["ENTRIES"]


def _module(name: str) -> Change:
    return lambda stage: stage.add("kernel_modules", module(name))


def _flags(path: str, flags: str) -> Change:
    return lambda stage: stage.edit("mounts", {"path": path}, flags=flags)


def _mount(path: str, device: str, kind: str) -> Change:
    return lambda stage: stage.add("mounts", mount(path, device, kind))


# fmt: off
ENTRIES = (
    fact("T1547.006", "a strange kernel module", "`kernel_modules`: a name that no common driver bears", _module("diamorphine"), "module:diamorphine"),
    fact("T1014", "a module named a little like a driver", "`kernel_modules`: a name that no common driver bears", _module("netkit64"), "module:netkit64", role="database", told_as="T1547.006"),
    fact("T1564", "a process hidden under a mount", "`mounts`: something on /proc/<pid>", _mount("/proc/4711", "tmpfs", "tmpfs"), "mount:/proc/4711"),
    fact("T1564.013", "a file hidden under a bind mount", "`mounts`: something new on a file of /etc", _mount("/etc/passwd", "/dev/vda1", "ext4"), "mount:/etc/passwd"),
    fact("T1554", "a program laid over by a mount", "`mounts`: something new on a program of /usr/bin", _mount("/usr/bin/ps", "/dev/vda1", "ext4"), "mount:/usr/bin/ps", told_as="T1564.013"),
    fact("T1070.002", "the logs laid over by an empty file system", "`mounts`: a tmpfs on /var/log", _mount("/var/log", "tmpfs", "tmpfs"), "mount:/var/log", told_as="T1564.013"),
    fact("T1611", "control groups mounted to break out of a container", "`mounts`: a cgroup file system outside /sys/fs/cgroup", _mount("/tmp/cgrp", "cgroup", "cgroup"), "mount:/tmp/cgrp", role="build"),
    fact("T1611", "the machine's own disk mounted once more", "`mounts`: the root's device at another place", _mount("/mnt/h", "/dev/vda1", "ext4"), "mount:/mnt/h", role="build"),
    fact("T1564.005", "a hidden file system", "`mounts`: a mount point with a hidden name", _mount("/usr/share/.fs", "/dev/loop7", "ext4"), "mount:/usr/share/.fs"),
    fact("T1567", "a stranger's storage mounted", "`mounts`: a file system over ssh or of a cloud store", _mount("/mnt/x", "u@198.51.100.1:/srv", "fuse.sshfs"), "mount:/mnt/x", role="database"),
    fact("T1222.002", "programs may run from the temporary directory", "`mounts`: noexec is gone from /tmp", _flags("/tmp", "rw,nosuid,nodev"), "mount:/tmp", before=_flags("/tmp", "rw,nosuid,nodev,noexec"), needs="flags of mounts"),
    fact("ops.read-only", "the disk can no longer be written to", "`mounts`: the root file system is read-only", _flags("/", "ro"), "mount:/", role="database", before=_flags("/", "rw"), needs="flags of mounts"),
    fact("ops.mount-lost", "the data disk is no longer mounted", "`mounts`: the row of a lasting file system is gone", lambda stage: stage.drop("mounts", path="/var/lib/data"), "mount:/var/lib/data", within=2, role="database"),
)
# fmt: on
