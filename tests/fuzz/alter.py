"""Changes of structured values: what a snapshot or a command becomes in the hands of somebody who knows its form."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

__all__ = ["altered", "as_json", "as_msgpack"]

_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**53,
    2**63 - 1,
    -(2**63),
    2**63,
    2**64 - 1,
    10**40,
    10**400,
    0.0,
    -0.0,
    5e-324,
    1e-7,
    1e21,
    1.7976931348623157e308,
    float("nan"),
    float("inf"),
    float("-inf"),
    "",
    "\0",
    "é",
    "\U0001f600",
    "\ufffe",
    "a" * 257,
    "x" * 5000,
    "2026-02-30T00:00:00Z",
    "2026-11-22T20:00:00",
    "9999-12-31T23:59:59.999999+23:59",
    "vedette.snapshot/2",
    [],
    {},
    [[]],
    {"": ""},
    b"\xff\xfe",
)


def altered(value: Any, random: Random) -> Any:
    """The value with one to four changes anywhere within it."""
    for _ in range(random.randint(1, 4)):
        value = _once(value, random)
    return value


def _once(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        return value | {key: _once(value[key], random)}
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        return [*value[:at], _once(value[at], random), *value[at + 1 :]]
    return random.choice(_MOVES)(value, random)


def _replaced(_value: Any, random: Random) -> Any:
    return random.choice(_ODD)


def _without(value: Any, random: Random) -> Any:
    if isinstance(value, dict) and value:
        gone = random.choice(list(value))
        return {key: kept for key, kept in value.items() if key != gone}
    return value[1:] if isinstance(value, list | str | bytes) else _ODD[2]


def _more(value: Any, random: Random) -> Any:
    if isinstance(value, dict):
        return value | {f"k{random.randrange(100)}": random.choice(_ODD)}
    if isinstance(value, list):
        # Long items are not made many: the fuzzer's own memory is bounded too.
        most = 60 if len(repr(value[-1:])) < 500 else 1
        return [*value, *(value[-1:] * random.randint(1, most))]
    if isinstance(value, str | bytes) and len(value) < 10_000:
        return value * random.randint(2, 5)
    return value


def _deep(value: Any, random: Random) -> Any:
    for _ in range(random.choice((2, 40, 400))):
        value = [value] if random.random() < 0.5 else {"d": value}
    return value


def _near(value: Any, random: Random) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    try:
        return value + random.choice((-1, 1, 0.5, 2**32))
    except OverflowError:
        return 0


_MOVES: tuple[Callable[[Any, Random], Any], ...] = (
    _replaced,
    _replaced,
    _without,
    _more,
    _deep,
    _near,
)


def as_json(data: bytes, random: Random) -> bytes:
    """The JSON document altered; unchanged when it is none."""
    try:
        return json.dumps(altered(json.loads(data), random), default=repr).encode()
    except (ValueError, RecursionError):
        return data


def as_msgpack(data: bytes, random: Random) -> bytes:
    """The MessagePack value altered; unchanged when it is none, or can't be encoded."""
    try:
        return msgspec.msgpack.encode(altered(msgspec.msgpack.decode(data), random))
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
        return data
