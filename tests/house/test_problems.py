"""docs/api.md names every kind of problem that the code can tell, and none that it can't."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vedette import core
from vedette.core import VedetteError

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "vedette").rglob("*.py"))
ERRORS = {
    name
    for name in core.__all__
    if isinstance(thing := getattr(core, name), type) and issubclass(thing, VedetteError)
}
# Where kinds stand for the refusals of the framework and of the HTTP server.
TABLES = ("ingest/problem.py", "app/processes/wire.py")


def _raised(path: Path) -> Iterator[str]:
    """The `kind` of every error of ours that is made in this file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        if node.func.id in ERRORS:
            for keyword in node.keywords:
                if keyword.arg == "kind":
                    assert isinstance(keyword.value, ast.Constant), f"{path}: write the kind out"
                    yield str(keyword.value.value)


def _defaults() -> Iterator[str]:
    yield VedetteError.default_kind
    for name in ERRORS:
        yield getattr(core, name).default_kind


def _frameworks() -> Iterator[str]:
    for file in TABLES:
        tree = ast.parse((ROOT / "src" / "vedette" / file).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_KINDS":
                assert node.value is not None
                yield from ast.literal_eval(node.value).values()


def _told() -> set[str]:
    kinds = {kind for path in SOURCES for kind in _raised(path)}
    return kinds | set(_defaults()) | set(_frameworks())


def _documented() -> list[str]:
    """The first cell of each row of the tables under "Problem types"."""
    text = (ROOT / "docs" / "api.md").read_text()
    section = text.split("\n## Problem types\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)


def test_every_kind_of_problem_is_documented() -> None:
    told = _told()
    assert len(told) > 40
    assert sorted(told - set(_documented())) == []


def test_no_kind_is_documented_that_nothing_tells() -> None:
    assert sorted(set(_documented()) - _told()) == []


def test_no_kind_is_documented_twice() -> None:
    documented = _documented()
    assert len(documented) == len(set(documented))
