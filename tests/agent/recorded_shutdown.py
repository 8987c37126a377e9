"""A `shutdown` that turns nothing off."""

from pathlib import Path

__all__ = ["make_shutdown"]

# Records what it was told and keeps the schedule where logind keeps it. It never asks anybody for a shutdown.
SCRIPT = """#!/bin/sh
echo "$*" >>{root}/told
[ -e {root}/breaks ] && {{ echo "Failed to talk to logind" >&2; exit 1; }}
case "$1" in
  -c) [ -e {root}/deaf ] || rm -f {root}/run/systemd/shutdown/scheduled ;;
  --poweroff) [ -e {root}/idle ] || printf 'USEC=1\\nMODE=poweroff\\n' >{root}/run/systemd/shutdown/scheduled ;;
  --reboot) printf 'USEC=1\\nMODE=reboot\\n' >{root}/run/systemd/shutdown/scheduled ;;
esac
"""


def make_shutdown(root: Path, programs: Path) -> Path:
    """Put into `programs`; it records in `root`/told, and its schedule is below `root`."""
    for folder in ("run/systemd/system", "run/systemd/shutdown"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    program = programs / "shutdown"
    program.write_text(SCRIPT.format(root=root))
    program.chmod(0o755)
    return program
