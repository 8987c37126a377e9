"""Accounts of a folder of the test's own, for the real usermod, and a loginctl that records what it is told."""

from pathlib import Path

__all__ = ["GROUP", "HASH", "PASSWD", "SHADOW", "make_accounts"]

HASH = "$6$salt$ImadethisuP1111111111111111111111111111111111111111111111111111111111111111"
PASSWD = """root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
ann:x:1000:1000::/home/ann:/bin/bash
bob:x:1001:1001::/home/bob:/bin/bash
keys:x:1002:1002::/home/keys:/bin/bash
"""
SHADOW = f"""root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
ann:{HASH}:19000:0:99999:7:::
bob:{HASH}:19000:0:99999:7::25000:
keys:!:19000:0:99999:7:::
"""
GROUP = "root:x:0:\nsudo:x:27:ann\nann:x:1000:\nbob:x:1001:\nkeys:x:1002:\n"
LOGINS = '#!/bin/sh\necho "$*" >>{root}/told\n[ "$2" = bob ] && echo \'User bob is not logged in\' >&2 && exit 1\nexit 0\n'


def make_accounts(root: Path, programs: Path) -> Path:
    """Root, a service, and three people below `root`; gives the loginctl, which lies in `programs` and writes to `root`/told."""
    for folder in ("etc/systemd/system/sysinit.target.wants", "run", "home"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "proc").symlink_to("/proc")
    for name, text in (("passwd", PASSWD), ("shadow", SHADOW), ("group", GROUP), ("gshadow", "")):
        (root / "etc" / name).write_text(text)
    (root / "etc/systemd/system/sysinit.target.wants/vedette-agent-hold.service").symlink_to("x")
    program = programs / "loginctl"
    program.write_text(LOGINS.format(root=root))
    program.chmod(0o755)
    return program
