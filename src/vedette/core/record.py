"""The base of every record: frozen and keyword-only, encoded by msgspec."""

from typing import Any

import msgspec

__all__ = ["Record", "canonical_json", "to_builtins"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A frozen value. Subclasses repeat `frozen=True, kw_only=True`: msgspec and mypy both read it per class."""


def to_builtins(value: Any) -> Any:
    """The record as plain JSON types: dicts, lists, strings, numbers; times in RFC 3339."""
    return msgspec.to_builtins(value)


def canonical_json(value: Any) -> bytes:
    """One byte form per value: keys sorted, no spaces, UTF-8. For digests and golden files of our own records.

    Not RFC 8785: numbers keep Python's shortest form. Table digests on the wire use RFC 8785.
    """
    return msgspec.json.encode(value, order="deterministic")
