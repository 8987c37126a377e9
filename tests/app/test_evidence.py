"""Opening evidence: what a host sealed is checked before a byte of it is used, and whatever is wrong with it is said."""

import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from typer.testing import CliRunner

from vedette.agent.evidence.archive import Archive
from vedette.app import evidence as opening
from vedette.app.cli.main import app
from vedette.app.evidence import open_evidence
from vedette.app.keys import KeyFiles
from vedette.app.settings import load_settings
from vedette.core import ActionId, CommandId, HostId, InvalidInput, TenantId
from vedette.seal import BundleHeader, KeyRing, seal_bundle

RING = KeyRing.generate()
AT = datetime(2026, 3, 1, tzinfo=UTC)
WHO = {"tenant": "default", "host": "h-1", "action": "a-1", "command": "c-1"}


def sealed(content: bytes, ring: KeyRing = RING) -> bytes:
    header = BundleHeader(
        tenant=TenantId("default"),
        host=HostId("h-1"),
        action=ActionId("a-1"),
        command=CommandId("c-1"),
        kid=ring.current.kid,
        sealed_at=AT,
    )
    return seal_bundle(header, content, ring.current.public)


def packed(**about: Any) -> bytes:
    archive = Archive()
    archive.add("files/etc/hosts", "/etc/hosts", b"localhost\n", AT)
    archive.leave_out("/etc/shadow", "a secret")
    return archive.packed({**WHO, **about}).content


def made(change: Callable[[dict[str, Any], list[tarfile.TarInfo]], None]) -> bytes:
    """A bundle that a lying host might make."""
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(packed())
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        members = tar.getmembers()
        data = {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in members}
    manifest = msgspec.json.decode(data["manifest.json"])
    change(manifest, members)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for member in members:
            name = member.name
            body = data.get(name, b"localhost\n")
            if name == "manifest.json":
                body = msgspec.json.encode(manifest)
            member.size = len(body) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(body))
    return zstandard.ZstdCompressor().compress(out.getvalue())


def _rename(to: str) -> Callable[[dict[str, Any], list[tarfile.TarInfo]], None]:
    def change(manifest: dict[str, Any], members: list[tarfile.TarInfo]) -> None:
        manifest["entries"][0]["path"] = to
        members[1].name = to

    return change


def _link(_: dict[str, Any], members: list[tarfile.TarInfo]) -> None:
    members[1].type, members[1].linkname = tarfile.SYMTYPE, "/etc/passwd"


def _twice(_: dict[str, Any], members: list[tarfile.TarInfo]) -> None:
    members.append(members[1])


def _digest(manifest: dict[str, Any], _: list[tarfile.TarInfo]) -> None:
    manifest["entries"][0]["sha256"] = "0" * 64


def _host(manifest: dict[str, Any], _: list[tarfile.TarInfo]) -> None:
    manifest["host"] = "h-2"


def _shape(manifest: dict[str, Any], _: list[tarfile.TarInfo]) -> None:
    manifest["omitted"] = ["x"]


def _no_manifest(_: dict[str, Any], members: list[tarfile.TarInfo]) -> None:
    members.reverse()


def test_what_a_host_sealed_is_opened_with_its_manifest() -> None:
    opened = open_evidence(sealed(packed()), RING)
    assert opened.header.host == "h-1"
    assert [one["path"] for one in opened.manifest["entries"]] == ["files/etc/hosts"]
    with tarfile.open(fileobj=io.BytesIO(opened.tar)) as tar:
        assert tar.getnames() == ["manifest.json", "files/etc/hosts"]
    assert open_evidence(sealed(made(lambda *_: None)), RING).manifest == opened.manifest


@pytest.mark.parametrize(
    "change",
    [
        _rename("/etc/x"),
        _rename("../x"),
        _rename("a//b"),
        _link,
        _twice,
        _digest,
        _host,
        _shape,
        _no_manifest,
    ],
)
def test_an_archive_that_is_made_to_harm_or_lies_is_refused(
    change: Callable[[dict[str, Any], list[tarfile.TarInfo]], None],
) -> None:
    with pytest.raises(InvalidInput) as error:
        open_evidence(sealed(made(change)), RING)
    assert error.value.kind == "bad-archive"


def _deep() -> bytes:
    raw = zstandard.ZstdDecompressor().decompressobj().decompress(packed())
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        manifest = (tar.extractfile("manifest.json") or io.BytesIO()).read().rstrip()
    nested = manifest[:-1] + b',"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    return _tar([("manifest.json", nested, {})])


def _endless() -> bytes:
    """A member whose extended header tells a size beyond all files."""
    return _tar([("manifest.json", b"{}", {}), ("a", b"x", {"size": "9" * 30})])


def _tar(members: list[tuple[str, bytes, dict[str, str]]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, body, headers in members:
            member = tarfile.TarInfo(name)
            member.size, member.pax_headers = len(body), headers
            tar.addfile(member, io.BytesIO(body))
    return zstandard.ZstdCompressor().compress(out.getvalue())


@pytest.mark.parametrize("content", [_deep, _endless])
def test_what_breaks_the_readers_of_archives_is_refused(content: Callable[[], bytes]) -> None:
    with pytest.raises(InvalidInput, match="it can't be read") as error:
        open_evidence(sealed(content()), RING)
    assert error.value.kind == "bad-archive"


@pytest.mark.parametrize("names", [["a", "a-b", "a/b"], ["a/b/c", "a"], ["manifest.json/x"]])
def test_members_that_need_one_place_are_refused(names: list[str]) -> None:
    entry = {"size": 1, "sha256": hashlib.sha256(b"x").hexdigest()}
    manifest = {
        **WHO,
        "schema": "vedette.evidence/1",
        "entries": [{"path": name, **entry} for name in names],
    }
    members: list[tuple[str, bytes, dict[str, str]]] = [
        ("manifest.json", msgspec.json.encode(manifest), {})
    ]
    content = _tar(members + [(name, b"x", {}) for name in names])
    with pytest.raises(InvalidInput, match="needs the place of") as error:
        open_evidence(sealed(content), RING)
    assert error.value.kind == "bad-archive"


@pytest.mark.parametrize("content", [b"", b"x", zstandard.ZstdCompressor().compress(b"no tar")])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as error:
        open_evidence(sealed(content), RING)
    assert error.value.kind == "bad-archive"


def test_a_bomb_and_a_crowd_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_CONTENT_BYTES", 1_000_000)
    bomb = zstandard.ZstdCompressor().compress(bytes(3_000_000))
    with pytest.raises(InvalidInput, match="unpacks to more than"):
        open_evidence(sealed(bomb), RING)
    monkeypatch.setattr(opening, "_MOST_MEMBERS", 1)
    with pytest.raises(InvalidInput, match="more than 1 members"):
        open_evidence(sealed(packed()), RING)


def test_the_command_line_opens_it_with_the_servers_ring_and_overwrites_nothing(
    tmp_path: Path,
) -> None:
    config = tmp_path / "vedette.toml"
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    keys = KeyFiles(load_settings(config, {}))
    keys.make_missing()
    ring = KeyRing.load(keys.opening_ring)
    bundle, tar = tmp_path / "b.sealed", tmp_path / "b.tar"
    bundle.write_bytes(sealed(packed(), ring))
    words = ["evidence", "open", str(bundle), "--config", str(config)]
    said = CliRunner().invoke(app, [*words, "--to", str(tar)], catch_exceptions=False)
    assert said.exit_code == 0
    assert "files/etc/hosts" in said.stdout
    assert "/etc/shadow" in said.stdout
    assert oct(tar.stat().st_mode & 0o777) == "0o600"
    again = CliRunner().invoke(app, [*words, "--to", str(tar)])
    assert "can't write" in str(again.exception)
    tampered = bytearray(bundle.read_bytes())
    tampered[-1] ^= 1
    bundle.write_bytes(tampered)
    assert "does not open" in str(CliRunner().invoke(app, words).exception)
    words[2] = str(tmp_path / "none")
    assert "can't read" in str(CliRunner().invoke(app, words).exception)


def test_the_command_line_reads_no_more_than_a_bundle_has(tmp_path: Path) -> None:
    config, large, pipe = (tmp_path / name for name in ("vedette.toml", "large", "pipe"))
    config.write_text(f'data_dir = "{tmp_path / "data"}"\n[ingest]\nmax_evidence_bytes = 1000000\n')
    KeyFiles(load_settings(config, {})).make_missing()
    with large.open("wb") as file:
        file.truncate(1 << 42)
    os.mkfifo(pipe)
    for path, why in (
        (large, "more than 1000000 bytes"),
        (Path("/dev/zero"), "no regular file"),
        (pipe, "no regular file"),
    ):
        said = CliRunner().invoke(app, ["evidence", "open", str(path), "--config", str(config)])
        assert why in str(said.exception)
