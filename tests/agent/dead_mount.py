"""Run under `unshare --mount` as root: mounts a file system that never answers below a made host, and looks at it.

A FUSE daemon that takes no request is, to whoever asks, what an NFS server is that has died: each call blocks for as
long as the daemon's process lives. Prints one JSON object.
"""

import ctypes
import json
import os
import sys
import threading
import time
from pathlib import Path

from vedette.agent import Collector, Limits, Source
from vedette.agent.collect.deadline import Deadlines
from vedette.agent.collect.gauges import filesystem
from vedette.core import HostId, SystemClock


def _mount_dead(where: str) -> None:
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"dead", where.encode(), b"fuse", 0, options):
        raise OSError(ctypes.get_errno(), "mount", where)


def main(root: str) -> None:
    """Looks at a host whose /etc/cron.d and somebody's home are dead, and the usage of a dead file system."""
    cron = f"{root}/etc/cron.d"
    Path(cron).mkdir(parents=True)
    _mount_dead(cron)
    home = Path(root) / "home" / "dead files"
    home.mkdir(parents=True)
    _mount_dead(str(home))
    # As the kernel writes it.
    info = Path(root) / "proc/1/mountinfo"
    info.write_text(info.read_text() + "90 22 0:77 / /home/dead\\040files rw - fuse dead rw\n")
    collector = Collector(Source(root), SystemClock(), Limits(collect_timeout=0.5))
    looks, threads = [], []
    for _ in range(4):
        looks.append(collector.snapshot(HostId("h"), 1, {}))
        # Only those that hang stay; one that is done may be there for a moment.
        until = time.monotonic() + 10
        while threading.active_count() > 3 and time.monotonic() < until:
            time.sleep(0.01)
        threads.append(threading.active_count())
    usage = Deadlines(0.2).run({"system.filesystem": lambda: filesystem(Source(cron))})
    found = {
        "unread": [look.unread for look in looks],
        "tables": [sorted(look.tables) for look in looks],
        "threads": threads,
        "usage": str(usage.outcomes["system.filesystem"].error),
    }
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    # The threads that hang would hold up an orderly end.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
