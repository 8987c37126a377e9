"""Keys and their files: text forms, modes, atomic writes, refusals that say what to do."""

import os
import stat
from pathlib import Path
from typing import NoReturn

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from vedette.core import ConfigError, InvalidInput, hash_secret, new_secret
from vedette.seal import (
    IngestPublicKey,
    KeyRing,
    OpeningKey,
    SigningKey,
    VerifyKey,
    write_file,
)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_ring_survives_its_file(tmp_path: Path) -> None:
    ring = KeyRing.generate().rotated()
    ring.save(tmp_path / "ring.json")
    loaded = KeyRing.load(tmp_path / "ring.json")
    assert loaded.kids == ring.kids
    assert loaded.current.kid == ring.current.kid
    assert loaded.get(ring.current.kid).public == ring.current.public


def test_private_files_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        KeyRing.generate().save(tmp_path / "deep" / "ring.json")
        SigningKey.generate().save(tmp_path / "deep" / "key.pem")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "deep" / "ring.json") == 0o600
    assert mode_of(tmp_path / "deep" / "key.pem") == 0o600
    assert mode_of(tmp_path / "deep") == 0o700


@pytest.mark.parametrize("mode", [0o604, 0o602, 0o620, 0o777])
def test_a_private_file_open_to_others_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.pem"
    SigningKey.generate().save(path)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        SigningKey.load(path)


def test_a_file_readable_by_its_group_is_used_as_mounted_secrets_are(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    key = SigningKey.generate()
    key.save(path)
    path.chmod(0o440)
    assert SigningKey.load(path).kid == key.kid


def test_a_write_that_fails_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_file(path, b"old")

    def full(_descriptor: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_folders_on_the_way_are_made_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "key"
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    for folder in (path.parent, path.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_in_the_files_place_is_replaced_and_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"precious")
    (tmp_path / "link").symlink_to(target)
    write_file(tmp_path / "link", b"new")
    assert target.read_bytes() == b"precious"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"\xff\xfe",
        b'{"format":"other","current":"x","keys":{}}',
        b'{"format":"vedette.keyring/1","current":"x","keys":{}}',
        b'{"format":"vedette.keyring/1","current":"x","keys":{"x":"AAAA"}}',
        b'{"format":"vedette.keyring/1","current":"x","keys":{"x":"' + b"A" * 128 + b'"}}',
    ],
)
def test_a_damaged_key_ring_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ring.json"
    write_file(path, content)
    with pytest.raises(ConfigError):
        KeyRing.load(path)


def test_a_ring_whose_current_key_is_not_in_it_is_refused() -> None:
    with pytest.raises(ConfigError):
        KeyRing([OpeningKey.generate()], current="other")


def test_a_missing_or_foreign_signing_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        SigningKey.load(tmp_path / "absent")
    write_file(tmp_path / "junk", b"junk")
    with pytest.raises(ConfigError, match="not a private key"):
        SigningKey.load(tmp_path / "junk")
    other = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    write_file(tmp_path / "x25519", other)
    with pytest.raises(ConfigError, match="not an Ed25519"):
        SigningKey.load(tmp_path / "x25519")


def test_public_keys_survive_their_text() -> None:
    ingest = OpeningKey.generate().public
    assert IngestPublicKey.from_text(ingest.to_text()) == ingest
    assert hash(IngestPublicKey.from_text(ingest.to_text())) == hash(ingest)
    verify = SigningKey.generate().public
    assert VerifyKey.from_text(verify.to_text()) == verify
    assert len({verify, VerifyKey.from_text(verify.to_text())}) == 1


@pytest.mark.parametrize(
    "text", ["", "vvk1.", "vvk1.AAAA", "vvk1.*", "vvk1.AAA=", "vvk1.é", "other", "vvk1.AAB"]
)
def test_a_damaged_public_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        VerifyKey.from_text(text)
    assert refusal.value.kind == "bad-key"
    with pytest.raises(InvalidInput) as refusal:
        IngestPublicKey.from_text(text.replace("vvk1", "vik1"))
    assert refusal.value.kind == "bad-key"


def test_an_ingest_key_of_the_right_length_that_is_no_key_is_refused() -> None:
    with pytest.raises(InvalidInput) as refusal:
        IngestPublicKey(b"\xff" * 1216)
    assert refusal.value.kind == "bad-key"


def test_no_secret_shows_in_a_keys_text_form() -> None:
    opening = OpeningKey.generate()
    ring = KeyRing([opening])
    for thing in (opening, ring, ring.current.public, SigningKey.generate()):
        assert opening.private_bytes().hex() not in repr(thing)
        assert len(repr(thing)) < 120


def test_a_secret_is_kept_as_a_hash_that_tells_nothing_of_it() -> None:
    secret = new_secret()
    assert len(secret) == 43
    assert secret != new_secret()
    assert hash_secret(secret) == hash_secret(secret)
    assert len(hash_secret(secret)) == 64
    assert secret not in hash_secret(secret)
