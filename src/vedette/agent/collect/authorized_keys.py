"""osquery's `authorized_keys`: who may come in by ssh. Keys leave the host only as their SHA-256."""

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.agent.collect.users import users

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["collect"]

_FILES = ("authorized_keys", "authorized_keys2")
_ALGORITHM = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa|x509v3)-[A-Za-z0-9@.-]+")
# Options may hold spaces and escaped quotes, but only within quotes: sshd(8), AUTHORIZED_KEYS FILE FORMAT.
_OPTIONS = re.compile(r'(?:[^\s"]|"(?:\\.|[^"\\])*")+\s+')


def collect(source: Source) -> Table:
    """One row per key line of every local user's files: uid, algorithm, key (SHA-256 hex of the key blob), key_file."""
    rows: list[Row] = []
    misses = Misses()
    visited: set[tuple[int, str]] = set()
    for user in users(source):
        if not user.directory.startswith("/"):
            continue
        for name in _FILES:
            path = f"{user.directory.rstrip('/')}/.ssh/{name}"
            if (user.uid, path) in visited:
                continue
            visited.add((user.uid, path))
            with misses.noting(path):
                raw = source.read(path)
                rows.extend(
                    {"uid": user.uid, "algorithm": algorithm, "key": key, "key_file": text(path)}
                    for algorithm, key in _keys(raw)
                )
    return Table(rows=rows, partly=str(misses))


def _keys(raw: bytes) -> list[tuple[str, str]]:
    found = []
    for part in raw.split(b"\n"):
        line = text(part).strip()
        if not line or line.startswith("#"):
            continue
        if not _ALGORITHM.match(line) and (options := _OPTIONS.match(line)):
            line = line[options.end() :]
        fields = line.split(None, 2)
        if len(fields) >= 2 and _ALGORITHM.fullmatch(fields[0]):
            found.append((fields[0], _sha256(fields[1])))
    return found


def _sha256(key: str) -> str:
    """What `ssh-keygen -l` shows in base64, in hex; of the text itself where it is not base64."""
    try:
        blob = base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        blob = key.encode()
    return hashlib.sha256(blob).hexdigest()
