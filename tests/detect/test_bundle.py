"""Model bundles: named by digest, checked when read."""

import inspect
from pathlib import Path

import pytest

from vedette.core import ConfigError
from vedette.detect import Bundle, DataFile, Detector, pack_bundle

DATA = (DataFile(name="a.jsonl.gz", sha256="0" * 64),)
PARTS = {"vitals": {"threshold": 7.5}, "judge": {"offsets": {"vitals": 0.5}}}


def packed(made: str = "2026-01-01") -> Bundle:
    return pack_bundle("try", PARTS, made=made, data=DATA, figures={"hosts": 3})


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    packed().save(tmp_path / "bundle")
    assert Bundle.load(tmp_path / "bundle") == packed()


def test_the_same_parts_have_the_same_digest_on_any_day() -> None:
    assert packed("2026-01-01").digest == packed("2027-02-03").digest


def test_other_parts_have_another_digest() -> None:
    other = pack_bundle("try", PARTS | {"vitals": {"threshold": 7.6}}, made="", data=DATA)
    assert other.digest != packed().digest


def test_a_changed_part_is_refused(tmp_path: Path) -> None:
    packed().save(tmp_path)
    part = tmp_path / "vitals.msgpack"
    part.write_bytes(part.read_bytes() + b"\x00")
    with pytest.raises(ConfigError, match="vitals"):
        Bundle.load(tmp_path)


def test_a_changed_manifest_is_refused(tmp_path: Path) -> None:
    packed().save(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace("0" * 64, "1" * 64))
    with pytest.raises(ConfigError, match="digest"):
        Bundle.load(tmp_path)


@pytest.mark.parametrize("text", [None, "", "{", '{"format": "vedette.bundle/9"}'])
def test_what_is_no_bundle_is_refused_with_its_place(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ConfigError, match=str(tmp_path)):
        Bundle.load(tmp_path)


def test_a_part_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    packed().save(tmp_path)
    manifest = tmp_path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"vitals"', '"../vitals"'))
    with pytest.raises(ConfigError):
        Bundle.load(tmp_path)


def test_the_shipped_bundle_holds_and_is_small() -> None:
    bundle = Bundle.shipped()
    assert Detector(bundle).model == bundle.digest
    assert bundle.digest.startswith("sha256:")
    assert bundle.manifest.data
    assert bundle.manifest.figures
    folder = Path(inspect.getfile(Detector)).parent / "shipped"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 300_000


@pytest.mark.parametrize("parts", [{}, {"judge": {}}, {"oracle": {}, "vitals": {}}])
def test_a_bundle_without_experts_or_of_a_later_version_is_refused(
    parts: dict[str, object],
) -> None:
    with pytest.raises(ConfigError, match="model bundle"):
        Detector(pack_bundle("odd", parts, made=""))


@pytest.mark.parametrize("name", ["vitals", "inventory", "behaviour"])
def test_a_part_of_the_wrong_shape_is_named(name: str) -> None:
    parts = Bundle.shipped().parts | {name: [1, 2]}
    with pytest.raises(ConfigError, match=rf"part (for )?{name}"):
        Detector(pack_bundle("odd", parts, made=""))


@pytest.mark.parametrize("name", ["vitals", "inventory", "behaviour", "judge"])
def test_a_bundle_that_lacks_a_part_is_not_whole(name: str) -> None:
    bundle = Bundle.shipped()
    assert bundle.whole(bundle.parts) is bundle
    parts = {part: value for part, value in bundle.parts.items() if part != name}
    with pytest.raises(ConfigError, match=f"lacks {name}"):
        pack_bundle("less", parts, made="").whole(bundle.parts)
