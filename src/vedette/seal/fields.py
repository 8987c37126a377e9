"""The part of Structured Fields (RFC 9651) that signatures and digests use: dictionaries of inner lists and items.

Strict and bounded: a field over MAX_FIELD_BYTES, or with more members than fits reason, is refused before work is done.
"""

import base64
import binascii
import re
from typing import Final, NamedTuple

__all__ = [
    "MAX_FIELD_BYTES",
    "FieldError",
    "InnerList",
    "Item",
    "Value",
    "parse_dictionary",
    "serialize",
    "serialize_bytes",
]

MAX_FIELD_BYTES: Final = 8192
MAX_MEMBERS: Final = 32

_KEY: Final = re.compile(r"[a-z*][a-z0-9_.*-]*")
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_STRING: Final = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN: Final = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")
_BYTES: Final = re.compile(r":([A-Za-z0-9+/=]*):")
_SPACE: Final = re.compile(r"[ \t]*")


class FieldError(ValueError):
    """The field is not what RFC 9651 allows, or over a bound. Says where."""


class Token(str):
    """An unquoted word, told from a quoted string when it is serialised again."""

    __slots__ = ()


Value = str | int | bool | bytes
Parameters = dict[str, Value]


class Item(NamedTuple):
    """One value with its parameters."""

    value: Value
    parameters: Parameters


class InnerList(NamedTuple):
    """Items in parentheses, with parameters of the whole."""

    value: tuple[Item, ...]
    parameters: Parameters


def parse_dictionary(field: str) -> dict[str, Item | InnerList]:
    """The members by key, in order; a repeated key keeps its last value (RFC 9651 section 4.2.2).

    Raises:
        FieldError: malformed or over a bound.
    """
    if len(field) > MAX_FIELD_BYTES:
        raise FieldError(f"longer than {MAX_FIELD_BYTES} bytes")
    return _Parser(field.strip(" ")).dictionary()


def serialize(member: Item | InnerList) -> str:
    """The canonical text of a member (RFC 9651 section 4.1)."""
    if isinstance(member, InnerList):
        text = "(" + " ".join(serialize(item) for item in member.value) + ")"
    else:
        text = _serialize_value(member.value)
    return text + "".join(map(_serialize_parameter, member.parameters.items()))


def serialize_bytes(data: bytes) -> str:
    """A byte sequence: base64 between colons."""
    return f":{base64.b64encode(data).decode('ascii')}:"


def _serialize_parameter(parameter: tuple[str, Value]) -> str:
    key, value = parameter
    return f";{key}" if value is True else f";{key}={_serialize_value(value)}"


def _serialize_value(value: Value) -> str:
    match value:
        case bool():
            return f"?{value:d}"
        case int():
            return str(value)
        case bytes():
            return serialize_bytes(value)
        case Token():
            return str(value)
        case _:
            if not value.isascii() or not value.isprintable():
                raise FieldError("a string may hold printable ASCII only")
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


class _Parser:
    """Reads one field from left to right; never looks back."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def dictionary(self) -> dict[str, Item | InnerList]:
        members: dict[str, Item | InnerList] = {}
        while self._at < len(self._text):
            key = self._take(_KEY, "a key")
            member = self._member() if self._accept("=") else Item(True, self._parameters())
            members.pop(key, None)
            members[key] = member
            if len(members) > MAX_MEMBERS:
                raise FieldError(f"more than {MAX_MEMBERS} members")
            self._take(_SPACE, "space")
            if self._at == len(self._text):
                break
            self._expect(",")
            self._take(_SPACE, "space")
            if self._at == len(self._text):
                raise FieldError("ends in a comma")
        return members

    def _member(self) -> Item | InnerList:
        if not self._accept("("):
            return self._item()
        items: list[Item] = []
        while True:
            self._skip_spaces()
            if self._accept(")"):
                return InnerList(tuple(items), self._parameters())
            items.append(self._item())
            if len(items) > MAX_MEMBERS:
                raise FieldError(f"more than {MAX_MEMBERS} items in a list")
            if self._peek() not in {" ", ")"}:
                raise FieldError(f"expected a space or ')' at {self._at}")

    def _item(self) -> Item:
        return Item(self._value(), self._parameters())

    def _parameters(self) -> Parameters:
        parameters: Parameters = {}
        while self._accept(";"):
            self._skip_spaces()
            key = self._take(_KEY, "a key")
            value: Value = self._value() if self._accept("=") else True
            parameters.pop(key, None)
            parameters[key] = value
            if len(parameters) > MAX_MEMBERS:
                raise FieldError(f"more than {MAX_MEMBERS} parameters")
        return parameters

    def _value(self) -> Value:
        match self._peek():
            case '"':
                quoted = self._take(_STRING, "a string")[1:-1]
                return re.sub(r"\\(.)", r"\1", quoted)
            case ":":
                return self._bytes()
            case "?":
                return self._boolean()
            case "-" | "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9":
                return int(self._take(_INTEGER, "an integer"))
            case _:
                return Token(self._take(_TOKEN, "a value"))

    def _bytes(self) -> bytes:
        text = self._take(_BYTES, "a byte sequence")[1:-1]
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise FieldError(f"bad base64: {error}") from error

    def _boolean(self) -> bool:
        self._expect("?")
        if self._accept("1"):
            return True
        self._expect("0")
        return False

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _accept(self, character: str) -> bool:
        found = self._peek() == character
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._accept(character):
            raise FieldError(f"expected {character!r} at {self._at}")

    def _skip_spaces(self) -> None:
        while self._accept(" "):
            pass

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise FieldError(f"expected {what} at {self._at}")
        self._at = match.end()
        return match.group()
