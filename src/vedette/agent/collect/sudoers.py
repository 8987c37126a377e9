"""osquery's `sudoers`: every rule of /etc/sudoers and of what it includes, comments left out."""

import re

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.core import Row

__all__ = ["collect"]

_MAIN = "/etc/sudoers"
_MAX_DEPTH = 16
_DIRECTIVE = re.compile(r"[@#](include(?:dir)?)\s+(\S.*)")
_UID_RULE = re.compile(r"#\d")


def collect(source: Source) -> Table:
    """One row per rule: source (the file), header (its first word), rule_details (the rest).

    A host without /etc/sudoers has no rules. sudo reads includes where they stand, so they are read in that order too.
    """
    rows: list[Row] = []
    misses = Misses()
    _read(source, _MAIN, rows, misses, 0)
    return Table(rows=rows, partly=str(misses))


def _read(source: Source, path: str, rows: list[Row], misses: Misses, depth: int) -> None:
    if depth > _MAX_DEPTH:
        misses.add(path, "included too deeply")
        return
    lines: list[str] = []
    with misses.noting(path):
        lines = _joined(source.read(path))
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line)
        if directive is None and line.startswith("#") and not _UID_RULE.match(line):
            continue
        header, *details = line.split(None, 1)
        rows.append({"source": text(path), "header": header, "rule_details": "".join(details)})
        if directive is not None:
            _follow(source, directive, path, rows, misses, depth)


def _follow(
    source: Source,
    directive: re.Match[str],
    path: str,
    rows: list[Row],
    misses: Misses,
    depth: int,
) -> None:
    kind, target = directive[1], directive[2].strip().strip('"')
    if not target.startswith("/"):
        target = f"{path.rsplit('/', 1)[0]}/{target}"
    if kind == "include":
        _read(source, target, rows, misses, depth + 1)
        return
    names: list[str] = []
    with misses.noting(target):
        names = source.names(target)
    for name in names:
        # sudoers(5): names that end in ~ or hold a dot are passed over.
        path = f"{target.rstrip('/')}/{name}"
        if not name.endswith("~") and "." not in name and not source.is_dir(path):
            _read(source, path, rows, misses, depth + 1)


def _joined(raw: bytes) -> list[str]:
    """Lines with their continuations, stripped, without empty ones."""
    whole = re.sub(r"\\\n\s*", " ", text(raw))
    return [stripped for line in whole.split("\n") if (stripped := line.strip())]
