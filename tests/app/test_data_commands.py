"""`vedette data check` and `salvage`: what they say, and that they keep away from a server's files."""

from contextlib import closing
from importlib import import_module
from pathlib import Path

import msgspec
import pytest
from tests.app.test_cli import Run, vedette

from vedette.app.processes import DataLock
from vedette.core import DataFile, SystemClock
from vedette.queue import SqlQueue
from vedette.store import Store

__all__ = ["vedette"]

PAGE = 4096


def _data(folder: Path) -> Path:
    data = folder / "var"
    data.mkdir()
    with closing(Store(f"sqlite:///{data / 'store.sqlite'}", SystemClock())) as store:
        store.migrate()
    SqlQueue(f"sqlite:///{data / 'queue.sqlite'}", SystemClock()).close()
    return data


def _damage(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(2 * PAGE)
        file.write(b"\xa5" * 64)


def test_whole_files_are_ok_and_there_is_nothing_to_salvage(vedette: Run, tmp_path: Path) -> None:
    _data(tmp_path)
    said = vedette("data", "check")
    assert (said.code, said.out) == (0, "queue: ok\nstore: ok\n")
    assert vedette("data", "salvage").out == "nothing is damaged\n"


def test_damage_is_told_and_salvaged(
    vedette: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A million, in each of the tables, find no more of what was never there.
    monkeypatch.setattr(import_module("vedette.app.damage.salvage"), "_MOST_LOOKUPS", 1_000)
    data = _data(tmp_path)
    for name in ("queue", "store"):
        _damage(data / f"{name}.sqlite")
    DataFile(data / "queue.sqlite").mark_damaged("found in use")
    said = vedette("data", "check", "--json")
    assert said.code == 1
    assert "queue and store damaged" in said.error
    assert set(msgspec.json.decode(said.out)) == {"queue", "store"}
    saved = vedette("data", "salvage")
    assert saved.code == 0
    assert saved.out.count("the damaged file is") == 2
    assert not (data / "queue.sqlite-damaged").exists()
    assert {path.name for path in data.iterdir()} >= {
        "queue.sqlite.damaged-1",
        "store.sqlite.damaged-1",
    }
    assert vedette("data", "check").code == 0
    again = vedette("data", "salvage", "--json")
    assert msgspec.json.decode(again.out) == []


def test_the_files_of_a_running_server_are_left_alone(vedette: Run, tmp_path: Path) -> None:
    with DataLock(_data(tmp_path)):
        for command in ("check", "salvage"):
            said = vedette("data", command)
            assert said.code == 2
            assert "another server uses" in said.error


def test_a_folder_that_is_not_there_is_named(vedette: Run) -> None:
    said = vedette("data", "check")
    assert said.code == 2
    assert "var" in said.error
