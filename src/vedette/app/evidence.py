"""Opens evidence on the server, with the key ring that only the detector and whoever administers this machine may read.

What a host sealed may be made to harm who unpacks it, so the archive is checked against its own manifest before a byte of it is written:
plain files below one folder, of the sizes and digests that stand there, within bounds.
"""

import hashlib
import io
import itertools
import tarfile
from typing import Any, Final

import msgspec
import zstandard

from vedette.core import InvalidInput, Record
from vedette.seal import BundleHeader, KeyRing, open_bundle

__all__ = ["MAX_CONTENT_BYTES", "OpenedEvidence", "open_evidence"]

MAX_CONTENT_BYTES: Final = 256 * 1024 * 1024
_MOST_MEMBERS: Final = 10_000
_PIECE: Final = 1024 * 1024
_MANIFEST: Final = "manifest.json"
_SCHEMA: Final = "vedette.evidence/1"
# What the readers of tar and JSON raise on what was made to break them: numbers beyond all files, nesting without end.
_UNREADABLE: Final = (
    tarfile.TarError,
    msgspec.MsgspecError,
    ValueError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    LookupError,
    OSError,
)


class _Entry(msgspec.Struct, frozen=True):
    path: str
    size: int
    sha256: str


class _Omitted(msgspec.Struct, frozen=True):
    what: str
    why: str


class _Manifest(msgspec.Struct, frozen=True):
    schema: str
    tenant: str
    host: str
    action: str
    command: str
    entries: tuple[_Entry, ...]
    omitted: tuple[_Omitted, ...] = ()


class OpenedEvidence(Record, frozen=True, kw_only=True):
    """Who sealed it, its manifest, and its tar archive, which is what the manifest says."""

    header: BundleHeader
    manifest: dict[str, Any]
    tar: bytes


def open_evidence(bundle: bytes, ring: KeyRing) -> OpenedEvidence:
    """The archive of a sealed bundle.

    Raises:
        InvalidInput: bad-bundle, unknown-key, unopenable; or (bad-archive) it is not what its manifest says.
    """
    header, content = open_bundle(bundle, ring)
    tar = _unpacked(content)
    try:
        raw = _checked(tar, header)
        manifest: dict[str, Any] = msgspec.json.decode(raw)
    except _UNREADABLE as error:
        raise _bad(f"it can't be read: {error}") from error
    return OpenedEvidence(header=header, manifest=manifest, tar=tar)


def _unpacked(content: bytes) -> bytes:
    """Never more than the bound, whatever the frame says."""
    found = io.BytesIO()
    try:
        reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(content)
        while data := reader.read(_PIECE):
            found.write(data)
            if found.tell() > MAX_CONTENT_BYTES:
                raise _bad(f"it unpacks to more than {MAX_CONTENT_BYTES} bytes")
    except zstandard.ZstdError as error:
        raise _bad(f"it is no zstd frame: {error}") from error
    return found.getvalue()


def _checked(tar: bytes, header: BundleHeader) -> bytes:
    """The manifest, if all members are what it says."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        members = []
        while (member := archive.next()) is not None:
            members.append(member)
            if len(members) > _MOST_MEMBERS:
                raise _bad(f"it has more than {_MOST_MEMBERS} members")
        if not members or members[0].name != _MANIFEST:
            raise _bad("its first member is no manifest.json")
        raw = _data(archive, members[0])
        manifest = msgspec.json.decode(raw, type=_Manifest)
        _check_header(manifest, header)
        named = [entry.path for entry in manifest.entries]
        if [member.name for member in members[1:]] != named:
            raise _bad("its members are not those of its manifest")
        _check_places([_MANIFEST, *named])
        for member, entry in zip(members[1:], manifest.entries, strict=True):
            data = _data(archive, member)
            if (len(data), hashlib.sha256(data).hexdigest()) != (entry.size, entry.sha256):
                raise _bad(f"{member.name!r} is not what its manifest says")
    return raw


def _check_places(names: list[str]) -> None:
    """No member lies where another lies, or needs a folder. In the order of their parts such two are neighbours."""
    for one, other in itertools.pairwise(sorted(names, key=lambda name: name.split("/"))):
        if one == other or other.startswith(f"{one}/"):
            raise _bad(f"{other[:200]!r} needs the place of {one[:200]!r}")


def _data(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    parts = member.name.split("/")
    if not member.isreg() or member.issparse() or not {"", ".", ".."}.isdisjoint(parts):
        raise _bad(f"{member.name[:200]!r} is no plain file below its folder")
    file = archive.extractfile(member)
    return b"" if file is None else file.read()


def _check_header(manifest: _Manifest, header: BundleHeader) -> None:
    inside = (manifest.schema, manifest.tenant, manifest.host, manifest.action, manifest.command)
    outside = (_SCHEMA, header.tenant, header.host, header.action, header.command)
    if inside != outside:
        raise _bad("its manifest is of another host or action than its header")


def _bad(words: str) -> InvalidInput:
    return InvalidInput(f"the bundle's archive can't be used: {words}", kind="bad-archive")
