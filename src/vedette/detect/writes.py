"""Which files a command puts something into, whatever its tool, and what that is where the file matters.

Tools that write are many and places that matter are few: `curl -o`, `cp`, `tee` and a redirection do the same to root's keys.
"""

import re
from collections.abc import Iterator
from posixpath import normpath
from typing import NamedTuple

from vedette.detect.place import DISK, RISKY, place

__all__ = ["Written", "written"]

_LENGTH = 1_000  # letters of a command that are read
_MOST_WORDS = 60  # of one part of it that are looked at
_PLAIN = r"[^\s;&|<>()'\"`]"
_FILE = rf"['\"]?({_PLAIN}+)"
_TAIL = r"([^;&|<>\n]*)"
# What a file is written by: the pattern's group is the file.
_NAMED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\bcurl(?=\s)[^;&|]*?\s(?:-\w*o\s*|--output[=\s]+){_FILE}",
        rf"\bwget(?=\s)[^;&|]*?(?:\s-\w*[OP]\s*|--(?:output-document|directory-prefix)[=\s]+){_FILE}",
        rf"\bdd(?=\s)[^;&|]*?\sof={_FILE}",
        r"\bopen\(\s*['\"](/[^'\"]{1,200})['\"]\s*,\s*['\"][wx]",
    )
)
_REDIRECTED = re.compile(rf"(>>?)\|?\s*{_FILE}")
_TEE = re.compile(rf"\btee\s+(-a\s+|--append\s+)?{_FILE}")
# The last word of these is the file; of the first kind, those before it are what is put there.
# Package managers install too.
_LAST = re.compile(
    rf"(?:(?:^|[\s;&|(/])(?=cp|mv|ln|scp|rsync)|(?:^|[;&|(/]|(?:sudo|-c|-exec)\s)\s?(?=install))(cp|mv|install|ln|scp|rsync)\s{_TAIL}"
)
# The folder may stand before what is put there.
_INTO = re.compile(rf"(?:^|\s)(?:-[a-zA-Z]*t\s*|--target-directory[=\s]+){_FILE}")
_KEPT_BY_NOBODY = RISKY | {"home", "roothome"}  # where no log has any business
_EDITED = re.compile(rf"\b(?:sed|perl)\s+(?:-\S+\s+)*(?:-\w*i\S*|--in-place\S*)\s{_TAIL}")
_TWICE = re.compile(r"/(?:\.?/)+")

_STARTS = re.compile(
    r"^/etc/(?:cron|anacrontab|rc\.local|rc\d?\.d/|ld\.so\.(?:preload|conf)|profile|bash\.bashrc|zsh|environment$|pam\.d/"
    r"|systemd/|sudoers|passwd$|g?shadow$|init\.d/|xdg/autostart|update-motd\.d|udev/rules\.d|NetworkManager/dispatcher"
    r"|network/if-|ssh/sshrc)|^/var/spool/cron/"
    r"|^(?:/root|/home/[^/]+|~[^/]*)/\.(?:ssh/(?:authorized_keys|rc)|bash(?:rc|_profile|_login)|profile|zshrc|config/(?:systemd|autostart)/)"
    r"|/\.ssh/authorized_keys2?$|^(?:/usr)?/lib/systemd/(?:system|user|system-generators)/"
)
_PROGRAMS = re.compile(
    r"^(?:/usr)?/(?:s?bin|lib64|libexec)/|^(?:/usr)?/lib/(?:x86_64|aarch64|security)"
)
_LOGS = re.compile(
    r"^/var/log/(?:auth\.log|syslog|secure|messages|[bw]tmp|lastlog|faillog|kern\.log|cron(?:\.log)?|audit/audit\.log)$"
)
_DISKS = re.compile(rf"^{DISK}")
_KERNEL = re.compile(
    r"^/proc/sys/kernel/(?:core_pattern|modprobe)$|^/sys/kernel/uevent_helper$|/release_agent$"
)
# A command that names none of these is not looked at further.
_ANY = re.compile(
    r"/etc/|/\.|/s?bin\b|/lib|/var/(?:spool|log)/|/dev/|/proc/sys|/sys/kernel|release_agent"
)


class Written(NamedTuple):
    """The evidence of what is written, and its technique (None: the evidence's own, or the closest by the command)."""

    mark: str
    attack: str | None = None


class _File(NamedTuple):
    path: str
    added: bool = False


class _Move(NamedTuple):
    """What a tool puts where; the target is a file, or the folder for it."""

    tool: str
    what: list[str]
    target: str


def written(command: str) -> Written | None:
    """The first file that matters among those that the beginning of the command writes, or None."""
    command = command[:_LENGTH]
    if not _ANY.search(command):
        return None
    for file in _files(command):
        found = _meaning(file)
        if found is not None:
            return found
    return Written("cover") if _takes_logs_away(command) else None


def _files(command: str) -> Iterator[_File]:
    for pattern in _NAMED:
        yield from (_File(match[1]) for match in pattern.finditer(command))
    yield from (_File(match[2], match[1] == ">>") for match in _REDIRECTED.finditer(command))
    yield from (_File(match[2], bool(match[1])) for match in _TEE.finditer(command))
    for move in _moves(command):
        yield _File(move.target)
        yield _File(f"{move.target}/")
    for match in _EDITED.finditer(command):
        words = _operands(match[1])
        if len(words) > 1:
            yield _File(words[-1])


def _moves(command: str) -> Iterator[_Move]:
    for match in _LAST.finditer(command):
        tool, tail = match[1], match[2]
        into = _INTO.search(tail) if tool not in {"scp", "rsync"} else None
        if into is not None:
            yield _Move(tool, _operands(tail[: into.start()] + tail[into.end() :]), into[1])
            continue
        words = _operands(tail)
        if len(words) > 2 and words[-1].isdigit() and command[match.end() : match.end() + 1] == ">":
            words.pop()  # the number of what is redirected
        if len(words) > 1:
            yield _Move(tool, words[:-1], words[-1])


def _operands(text: str) -> list[str]:
    return [word.strip("'\"") for word in text.split()[:_MOST_WORDS] if not word.startswith("-")]


def _meaning(file: _File) -> Written | None:
    path = _TWICE.sub("/", file.path)
    if "/../" in path:
        path = normpath(path)
    if _STARTS.search(path):
        return Written("plant")
    if _PROGRAMS.match(path):
        return Written("plant", "T1554")
    if _DISKS.match(path):
        return Written("wipe", "T1561.001")
    if _KERNEL.search(path):
        return Written("escape")
    return Written("cover") if _LOGS.match(path) and not file.added else None


def _takes_logs_away(command: str) -> bool:
    """Whether logs are moved to where nobody keeps any."""
    return any(
        move.tool == "mv"
        and any(map(_LOGS.match, move.what))
        and place(f"{move.target}/") in _KEPT_BY_NOBODY
        for move in _moves(command)
    )
