"""The model bundle: all that is learned or tuned, as one folder named by its digest."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, Self

import msgspec

from vedette.core import ConfigError, Record, canonical_json

__all__ = ["FORMAT", "Bundle", "DataFile", "Manifest", "pack_bundle"]

FORMAT: Literal["vedette.bundle/1"] = "vedette.bundle/1"
_MANIFEST = "manifest.json"


class DataFile(Record, frozen=True, kw_only=True):
    """A recording that a bundle was made from."""

    name: str
    sha256: str


class Manifest(Record, frozen=True, kw_only=True):
    """`digest` names the model: it covers format, name, data and every part's digest, but neither `made` nor `figures`.

    So the same recordings and code give the same digest whenever they are built.
    """

    format: Literal["vedette.bundle/1"] = FORMAT
    name: str
    digest: str
    made: str
    data: tuple[DataFile, ...]
    parts: dict[str, str]
    figures: dict[str, Any] = {}


class Bundle(Record, frozen=True, kw_only=True):
    """A manifest and the parts it names, checked against it. Parts are plain values, one for each expert and the judge."""

    manifest: Manifest
    parts: dict[str, Any]

    @property
    def digest(self) -> str:
        """The model's id."""
        return self.manifest.digest

    @classmethod
    def load(cls, directory: Path) -> "Bundle":
        """Reads and checks a bundle.

        Raises:
            ConfigError: it is missing, of another format, or a digest does not hold.
        """
        try:
            manifest = msgspec.json.decode((directory / _MANIFEST).read_bytes(), type=Manifest)
            raw = {name: (directory / f"{name}.msgpack").read_bytes() for name in manifest.parts}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(f"no model bundle can be read from {directory}: {error}") from error
        for name, blob in raw.items():
            if hashlib.sha256(blob).hexdigest() != manifest.parts[name]:
                raise ConfigError(
                    f"part {name} of the model bundle in {directory} was changed; build or fetch it again"
                )
        expected = _digest(manifest.name, manifest.data, manifest.parts)
        if manifest.digest != expected:
            raise ConfigError(
                f"the manifest in {directory} was changed: its digest should be {expected}"
            )
        return cls(
            manifest=manifest,
            parts={name: msgspec.msgpack.decode(blob) for name, blob in raw.items()},
        )

    def whole(self, parts: Iterable[str]) -> Self:
        """Itself, if it has all of these parts: with one missing, a host would be called normal by those that are left.

        Raises:
            ConfigError: it lacks one.
        """
        missing = sorted(set(parts) - self.parts.keys())
        if missing:
            raise ConfigError(
                f"the model bundle {self.manifest.name!r} lacks {', '.join(missing)}; build or fetch it again"
            )
        return self

    @classmethod
    def shipped(cls) -> "Bundle":
        """The bundle that comes with the package."""
        return cls.load(Path(__file__).parent / "shipped")

    def save(self, directory: Path) -> None:
        """Writes the folder; parts first, so that a manifest never names what isn't there."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, part in self.parts.items():
            (directory / f"{name}.msgpack").write_bytes(_encode(part))
        manifest = msgspec.json.format(canonical_json(self.manifest), indent=1)
        (directory / _MANIFEST).write_bytes(manifest + b"\n")


def pack_bundle(
    name: str,
    parts: dict[str, Any],
    *,
    made: str,
    data: tuple[DataFile, ...] = (),
    figures: dict[str, Any] | None = None,
) -> Bundle:
    """A bundle of these parts (MessagePack's types), with its digests worked out. `made` is a date in ISO 8601."""
    blobs = {part: _encode(value) for part, value in sorted(parts.items())}
    digests = {part: hashlib.sha256(blob).hexdigest() for part, blob in blobs.items()}
    manifest = Manifest(
        name=name,
        digest=_digest(name, data, digests),
        made=made,
        data=data,
        parts=digests,
        figures=figures or {},
    )
    # Through bytes, so that a bundle in memory is exactly what would be loaded.
    return Bundle(
        manifest=manifest,
        parts={part: msgspec.msgpack.decode(blob) for part, blob in blobs.items()},
    )


def _digest(name: str, data: tuple[DataFile, ...], parts: dict[str, str]) -> str:
    named = {"format": FORMAT, "name": name, "data": data, "parts": parts}
    return "sha256:" + hashlib.sha256(canonical_json(named)).hexdigest()


def _encode(value: Any) -> bytes:
    return msgspec.msgpack.encode(_ordered(value))


def _ordered(value: Any) -> Any:
    """The same value with the keys of every map in order; whole numbers may be keys, so MessagePack can't do it."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (isinstance(key, str), key))
        return {key: _ordered(value[key]) for key in keys}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value
