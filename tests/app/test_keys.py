"""Keys that were lost: a server that hosts rely on does not start with new ones, unless it is asked to make them."""

import shutil
from contextlib import closing
from pathlib import Path

import pytest
from tests.app.test_cli import Run, vedette
from tests.store.make import enrol

from vedette.app.keys import KeyFiles
from vedette.app.prepare import prepare
from vedette.app.settings import Settings
from vedette.app.wiring import open_store
from vedette.core import ConfigError, SystemClock

__all__ = ["vedette"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder that was prepared once."""
    made = Settings(data_dir=str(tmp_path / "var"))
    prepare(made)
    return made


def _enrol(settings: Settings) -> None:
    with closing(open_store(settings, SystemClock())) as store:
        enrol(store)


def _lose(keys: KeyFiles, what: str) -> None:
    if what == "all":
        shutil.rmtree(keys.opening_ring.parent)
        shutil.rmtree(keys.tls)
    elif what == "ring":
        keys.opening_ring.unlink()
        keys.ingest_public.unlink()
    elif what == "command":
        keys.command_key.unlink()
        keys.command_public.unlink()
    else:
        (keys.tls / "ca.pem").unlink()


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("all", "opening.ring"),
        ("ring", "opening.ring"),
        ("command", "command.key"),
        ("ca", "ca.pem"),
    ],
)
def test_lost_keys_are_not_made_anew_while_hosts_rely_on_them(
    settings: Settings, what: str, named: str
) -> None:
    _enrol(settings)
    keys = KeyFiles(settings)
    _lose(keys, what)
    lost = keys.lost()
    for _ in range(2):
        with pytest.raises(ConfigError, match=f"{named}.*1 hosts are enrolled.*make-keys"):
            prepare(settings)
    assert keys.lost() == lost


def test_a_private_half_is_not_made_anew_beside_its_public_one(settings: Settings) -> None:
    keys = KeyFiles(settings)
    keys.opening_ring.unlink()
    with pytest.raises(
        ConfigError, match=r"opening\.ring is missing though .*ingest\.pub is there"
    ):
        prepare(settings)


def test_public_halves_come_back_and_a_folder_without_hosts_gets_all_keys(
    settings: Settings,
) -> None:
    keys = KeyFiles(settings)
    _lose(keys, "all")
    prepare(settings)
    _enrol(settings)
    before = keys.ingest_public.read_bytes(), keys.opening_ring.read_bytes()
    keys.ingest_public.unlink()
    keys.command_public.unlink()
    prepare(settings)
    assert (keys.ingest_public.read_bytes(), keys.opening_ring.read_bytes()) == before
    assert keys.command_public.exists()


def test_new_keys_are_made_when_that_is_asked_for(settings: Settings, vedette: Run) -> None:
    _enrol(settings)
    keys = KeyFiles(settings)
    command = keys.command_key.read_bytes()
    keys.opening_ring.unlink()
    public = keys.ingest_public.read_bytes()
    said = vedette("data", "make-keys")
    assert said.code == 0
    assert said.out.splitlines()[0] == f"made {keys.opening_ring}"
    assert "--again" in said.out
    assert keys.ingest_public.read_bytes() != public
    assert keys.command_key.read_bytes() == command
    prepare(settings)
    assert vedette("data", "make-keys").out == "no key is missing\n"
