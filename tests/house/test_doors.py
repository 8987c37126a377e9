"""Each room's `__init__.py` is its only door, and says truly what is behind it."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "src" / "vedette"
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "app"])
def test_all_is_sorted_and_true(room: str) -> None:
    door = importlib.import_module(f"vedette.{room}")
    names = list(door.__all__)
    assert names, "a room without a door"
    assert len(set(names)) == len(names)
    assert all(hasattr(door, name) for name in names)


def _deep_imports(path: Path, room: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "vedette" and len(parts) > 2 and parts[1] != room:
                found.append(node.module)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_enters_others_by_their_door_only(room: str) -> None:
    offenders = {
        str(path.relative_to(ROOT)): deep
        for path in (ROOT / room).rglob("*.py")
        if (deep := _deep_imports(path, room))
    }
    assert not offenders
