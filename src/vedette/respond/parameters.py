"""Checks of action parameters that several kinds share: names, lists of text, durations."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from vedette.core import InvalidInput

__all__ = ["LEASE", "flag", "known_only", "lease", "numbers", "seconds", "texts", "whole"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LEASE: Final[Mapping[str, str]] = {
    "lease": "How long it lasts from each renewal: 60s to 1d, such as 30m",
    "at_most": "How long it lasts in all, renewals included; at least the lease, at most 30d; 1d if not given, or the lease",
}
_LEAST_LEASE, _MOST_LEASE, _AT_MOST = 60.0, 86_400.0, 30 * 86_400.0
_DEFAULT_AT_MOST = "1d"
_MINUTE = 60.0
_DURATION = re.compile(r"([0-9]{1,6})(s|m|h|d)")


def known_only(parameters: Mapping[str, Any], names: Collection[str]) -> None:
    """Raises InvalidInput at the first parameter that is not of these names."""
    for name in parameters:
        if name not in names:
            raise InvalidInput(
                f"there is no parameter {name!r}; known: {', '.join(names)}", at=[name]
            )


def texts(parameters: Mapping[str, Any], name: str, *, most: int) -> list[str]:
    """A list of at most `most` texts; absent means empty.

    Raises:
        InvalidInput: it is no list, too long, or holds something else.
    """
    given = parameters.get(name, [])
    if not isinstance(given, list) or len(given) > most:
        raise InvalidInput(f"{name} must be a list of at most {most} texts", at=[name])
    for index, entry in enumerate(given):
        if not isinstance(entry, str):
            raise InvalidInput(
                f"an entry of {name} must be text; put it in quotes", at=[name, index]
            )
    return list(given)


def numbers(
    parameters: Mapping[str, Any], name: str, *, least: int, most: int, many: int
) -> list[int]:
    """A list of at most `many` whole numbers within bounds; absent means empty.

    Raises:
        InvalidInput: it is no list, too long, or holds something else.
    """
    given = parameters.get(name, [])
    if not isinstance(given, list) or len(given) > many:
        raise InvalidInput(f"{name} must be a list of at most {many} whole numbers", at=[name])
    for index, entry in enumerate(given):
        if not isinstance(entry, int) or isinstance(entry, bool) or not least <= entry <= most:
            raise InvalidInput(
                f"an entry of {name} must be a whole number from {least} to {most}",
                at=[name, index],
            )
    return list(given)


def whole(
    parameters: Mapping[str, Any], name: str, *, least: int, most: int, otherwise: int
) -> int:
    """A whole number within bounds; absent means `otherwise`.

    Raises:
        InvalidInput: it is something else.
    """
    given = parameters.get(name, otherwise)
    if not isinstance(given, int) or isinstance(given, bool) or not least <= given <= most:
        raise InvalidInput(f"{name} must be a whole number from {least} to {most}", at=[name])
    return given


def seconds(parameters: Mapping[str, Any], name: str, *, least: float, most: float) -> float:
    """A duration such as 90s, 30m, 2h or 1d, in seconds.

    Raises:
        InvalidInput: it is missing, no duration, or out of bounds.
    """
    given = parameters.get(name)
    found = _DURATION.fullmatch(given) if isinstance(given, str) else None
    if found is None:
        where = [name] if name in parameters else []
        raise InvalidInput(f"{name} must be a duration such as 90s, 30m or 2h", at=where)
    length = float(int(found[1]) * _UNITS[found[2]])
    if not least <= length <= most:
        unit, word = (1, "seconds") if least < _MINUTE else (_MINUTE, "minutes")
        raise InvalidInput(
            f"{name} must be from {least / unit:g} to {most / unit:g} {word}", at=[name]
        )
    return length


def flag(parameters: Mapping[str, Any], name: str) -> bool:
    """True or false; absent means false.

    Raises:
        InvalidInput: it is something else.
    """
    given = parameters.get(name, False)
    if not isinstance(given, bool):
        raise InvalidInput(f"{name} must be true or false", at=[name])
    return given


def lease(parameters: Mapping[str, Any]) -> dict[str, float]:
    """`lease` and `at_most` in seconds: what ends by itself unless it is renewed, and ends in any case.

    Raises:
        InvalidInput: one of them is no duration, or out of bounds.
    """
    length = seconds(parameters, "lease", least=_LEAST_LEASE, most=_MOST_LEASE)
    in_all = {"at_most": _DEFAULT_AT_MOST, **parameters}
    return {
        "lease": length,
        "at_most": seconds(in_all, "at_most", least=length, most=_AT_MOST),
    }
