"""What is told of a process by who started it, or nobody: whom its command names, what it waits for, who has come in."""

import re

from vedette.detect.behaviour.form import SERVING
from vedette.detect.behaviour.shape import Process
from vedette.detect.behaviour.trade import is_container, trade
from vedette.detect.outside import names_outside

__all__ = ["has_entered", "is_loose", "names_stranger"]

_IN_CODE = re.compile(r"\b(?:curl|wget|nc|ncat|netcat|socat|telnet|ssh|scp|sftp|ftp|rsync)\s")
_BY_TRADE = {"fetch": "bare", "play": "bare", "copy": "bare.copy", "remote": "bare.remote"}


def names_stranger(process: Process) -> str | None:
    """The mark of a tool for people that is given an address outside in numbers."""
    seen = process.form
    if not process.alone:
        return None
    mark = _BY_TRADE.get(trade(seen))
    if seen.role == "shell" and seen.mode == "code" and _IN_CODE.search(seen.shown):
        mark = "bare"
    command = str(process.row.get("cmdline") or "")
    return mark if mark is not None and names_outside(command) else None


def has_entered(process: Process) -> bool:
    """Whether it is the SSH server's process for a service account that has logged in with a terminal. Copies and pushes need none."""
    seen = process.form
    return process.account == "service" and seen.role == "sshd" and "@pts/" in seen.shown


def is_loose(process: Process) -> bool:
    """Whether a shell waits for commands under the first process, or under a program that has no use for one."""
    seen, above = process.form, process.parent
    if seen.role != "shell" or seen.mode != "interactive":
        return False
    return process.alone or (
        above is not None and above.role in SERVING and not is_container(above)
    )
