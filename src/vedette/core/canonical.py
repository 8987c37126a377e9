"""The one byte form of a table's rows, and the digest that stands for a table in a snapshot's `same`."""

import hashlib
import re
from collections.abc import Iterable, Sequence

import msgspec

from vedette.core.snapshot import Cell, Row

__all__ = ["canonical_row", "lines_digest", "plain_lines", "quick_digest", "table_digest"]

_SAFE_INTEGER = 2**53 - 1
_PACKED = msgspec.msgpack.Encoder()
_ENCODER = msgspec.json.Encoder(order="sorted")
# A cell that is no text: where there is none, as in most tables of packages, there are no numbers to look at.
_NO_TEXT = re.compile(rb'":[^"]')
# What may be a fraction, or a whole number that may be beyond the safe ones. A text can look like it, which costs time alone.
_OTHER_NUMBER = re.compile(rb'":-?\d+(?:[.eE]|(?<=\d{16}))')


def canonical_row(row: Row) -> bytes:
    """The row in canonical JSON (RFC 8785): keys sorted, no spaces, numbers as ECMAScript writes them."""
    if _is_plain(row):
        return _ENCODER.encode(row)
    keys = sorted(row, key=lambda key: key.encode("utf-16-be"))
    cells = (_ENCODER.encode(key) + b":" + _cell(row[key]) for key in keys)
    return b"{" + b",".join(cells) + b"}"


def plain_lines(rows: Sequence[Row]) -> list[bytes] | None:
    """The canonical form of each row, made at once; None where a row needs more care than msgspec's own form has."""
    body = _ENCODER.encode_lines(rows)
    # Keys sorted by UTF-8 bytes are sorted by UTF-16 units only where no surrogate pairs are needed.
    if not body.isascii() or (_NO_TEXT.search(body) and _OTHER_NUMBER.search(body)):
        return None
    lines = body.split(b"\n")
    lines.pop()
    return lines


def table_digest(rows: Iterable[Row]) -> str:
    """SHA-256 (`sha256:<hex>`) over the canonical JSON array of the rows, sorted by their own canonical form."""
    rows = list(rows)
    lines = plain_lines(rows)
    return lines_digest([canonical_row(row) for row in rows] if lines is None else lines)


def lines_digest(lines: Iterable[bytes]) -> str:
    """The digest of a table whose rows have these canonical forms."""
    body = b"[" + b",".join(sorted(lines)) + b"]"
    return "sha256:" + hashlib.sha256(body).hexdigest()


def quick_digest(rows: Sequence[object]) -> bytes:
    """16 bytes over rows, or tables, as they stand: cheap, and another for another order. Only to see that nothing changed."""
    try:
        data = _PACKED.encode(rows)
    except OverflowError:  # a whole number of more than 64 bits, which JSON can bring
        data = msgspec.json.encode(rows)
    return hashlib.sha256(data).digest()[:16]


def _is_plain(row: Row) -> bool:
    # Sorting by UTF-8 bytes equals sorting by UTF-16 units only where no surrogate pairs are needed.
    for key, cell in row.items():
        if isinstance(cell, float) or not key.isascii():
            return False
        if isinstance(cell, int) and not -_SAFE_INTEGER <= cell <= _SAFE_INTEGER:
            return False
    return True


def _cell(cell: Cell) -> bytes:
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        return _ENCODER.encode(cell)
    if isinstance(cell, int) and abs(cell) <= _SAFE_INTEGER:
        return str(cell).encode()
    return _number(float(cell))


def _number(value: float) -> bytes:
    """ECMAScript's Number::toString: the shortest digits, an exponent from 1e21 up and below 1e-6."""
    if value == 0:
        return b"0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = f"{abs(value)!r}".partition("e")
    whole, _, part = mantissa.partition(".")
    part = "" if part == "0" else part
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + part) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        fraction = f".{digits[1:]}" if len(digits) > 1 else ""
        text = f"{digits[0]}{fraction}e{point - 1:+d}"
    return (sign + text).encode()
