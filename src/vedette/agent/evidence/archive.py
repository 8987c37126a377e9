"""The archive of what was collected: a tar file in one zstd frame, its first member a manifest of all the others.

`manifest.json` (schema `vedette.evidence/1`) names each member with size, SHA-256 and times, and everything that was asked for and
is not there, with why. Nothing of it is ever written to this host's disk unsealed.
"""

import hashlib
import io
import tarfile
from datetime import datetime
from typing import Any, Final

import msgspec
import zstandard

from vedette.core import Record

__all__ = ["MANIFEST", "Archive", "Entry", "Omitted", "Packed"]

MANIFEST: Final = "manifest.json"
_SCHEMA: Final = "vedette.evidence/1"
_LEVEL: Final = 3
_NAME_LETTERS: Final = 900
_TOLD: Final = 100


class Entry(Record, frozen=True, kw_only=True):
    """One member. `of` is what it was taken from, `size` and `sha256` are of what is in here.

    `whole` is the source's size where that is known. `modified` and `mode` are the source's; `note` says what is not whole.
    """

    path: str
    of: str
    size: int
    sha256: str
    read_at: datetime
    whole: int | None = None
    modified: datetime | None = None
    mode: str = ""
    owner: str = ""
    note: str = ""


class Omitted(Record, frozen=True, kw_only=True):
    """Something that was asked for and is not in here."""

    what: str
    why: str


class Packed(Record, frozen=True, kw_only=True):
    """An archive as bytes, and what people are told of it beside its seal."""

    content: bytes
    told: dict[str, Any]


class Archive:
    """In the making, in memory."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._data: list[bytes] = []
        self._names: set[str] = {MANIFEST}
        self._omitted: dict[tuple[str, str], Omitted] = {}

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is in it so far."""
        return tuple(self._entries)

    @property
    def omitted(self) -> tuple[Omitted, ...]:
        """What is not."""
        return tuple(self._omitted.values())

    def add(self, path: str, of: str, data: bytes, read_at: datetime, **about: Any) -> None:
        """Adds a member; a name that is taken already gets a number."""
        name = _free(path, self._names)
        self._names.add(name)
        self._data.append(data)
        self._entries.append(
            Entry(
                path=name,
                of=of,
                size=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                read_at=read_at,
                **about,
            )
        )

    def leave_out(self, what: str, why: str) -> None:
        """Says that something is not in it."""
        self._omitted.setdefault((what, why), Omitted(what=what, why=why))

    def packed(self, about: dict[str, Any]) -> Packed:
        """All of it, with more about the whole in its manifest."""
        manifest = {
            "schema": _SCHEMA,
            **about,
            "entries": self._entries,
            "omitted": list(self._omitted.values()),
        }
        raw = io.BytesIO()
        compressor = zstandard.ZstdCompressor(level=_LEVEL)
        with (
            compressor.stream_writer(raw, closefd=False) as packing,
            tarfile.open(mode="w|", fileobj=packing, format=tarfile.PAX_FORMAT) as tar,
        ):
            body = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
            _write(tar, MANIFEST, body, 0)
            for entry, data in zip(self._entries, self._data, strict=True):
                _write(tar, entry.path, data, int(entry.read_at.timestamp()))
        return Packed(content=raw.getvalue(), told=self._told())

    def _told(self) -> dict[str, Any]:
        """What may be told in the clear: names and sizes, never contents."""
        return {
            "entries": len(self._entries),
            "entry_bytes": sum(one.size for one in self._entries),
            "not_whole": sum(bool(one.note) for one in self._entries),
            "omitted": len(self._omitted),
            "contents": [f"{one.path} ({one.size} bytes)" for one in self._entries[:_TOLD]],
            "left_out": [f"{one.what}: {one.why}" for one in self.omitted[:_TOLD]],
        }


def _free(path: str, taken: set[str]) -> str:
    """A relative name that unpacks below a folder and is not there yet."""
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    name = "/".join(parts)[:_NAME_LETTERS].rstrip("/") or "unnamed"
    found, number = name, 1
    while found in taken:
        number += 1
        found = f"{name}~{number}"
    return found


def _write(tar: tarfile.TarFile, name: str, data: bytes, at: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = len(data), at, 0o600
    tar.addfile(member, io.BytesIO(data))
