"""What changes leave behind, audit actions and notices, from the places in the code that write them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vedette.core import ActionState

__all__ = ["audit_actions", "notices"]

_SOURCE = Path(__file__).parents[2] / "src" / "vedette"
_ROOMS = ("store", "ingest")
_MARK = re.compile(r"[a-z]+\.[a-z_]+")
_AUDITS = {"audit", "_entry", "_tell"}
_NOTIFIES = {"notify"}


def audit_actions() -> str:
    """The chapter on the audit log's actions."""
    named = {*_written(_AUDITS, ("AuditEntry", "action")), *_turns()}
    named |= {f"action.{state.value}" for state in ActionState}
    return (
        "## Audit actions\n\nThe `action` of an entry of `vedette audit`. Those of the form "
        "`action.STATE` are an action's steps.\n\n" + _list(named)
    )


def notices() -> str:
    """The chapter on the outbox."""
    named = {*_written(_NOTIFIES, ("Notice", "kind")), *_turns()}
    return (
        "## Notices\n\nWhat the store's outbox hands to the responder, written in the transaction of the "
        "change itself.\n\n" + _list(named)
    )


def _list(names: set[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) + "\n"


def _calls() -> Iterator[ast.Call]:
    for room in _ROOMS:
        for path in sorted((_SOURCE / room).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            yield from (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _written(functions: set[str], record: tuple[str, str]) -> Iterator[str]:
    name, field = record
    for call in _calls():
        called = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        if called in functions:
            yield from _marks(call.args)
        if called == name:
            yield from _marks([word.value for word in call.keywords if word.arg == field])


def _turns() -> Iterator[str]:
    """An incident's turns are named in one place, and leave both marks."""
    tree = ast.parse((_SOURCE / "store" / "applying" / "turns.py").read_text(encoding="utf-8"))
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    yield from (mark for mark in _marks(constants) if mark.startswith("incident."))


def _marks(nodes: list[ast.expr] | list[ast.Constant]) -> Iterator[str]:
    texts = (node.value for node in nodes if isinstance(node, ast.Constant))
    yield from (text for text in texts if isinstance(text, str) and _MARK.fullmatch(text))
