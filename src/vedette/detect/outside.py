"""Addresses outside, in numbers, that a command or a device names: honest automation goes by names."""

import re
from functools import lru_cache

__all__ = ["names_outside"]

_LENGTH = 1_000
_ADDRESS = re.compile(
    r"(?:^|[\s@=:,\[\"']|//)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.\w-])"
)


@lru_cache(maxsize=4096)
def _names_outside(text: str) -> bool:
    return any(_is_outside(*map(int, match.groups())) for match in _ADDRESS.finditer(text))


def names_outside(text: str) -> bool:
    """Whether an IPv4 address that is no private one is among its first 1,000 letters. Versions in paths are none."""
    return _names_outside(text[:_LENGTH])


def _is_outside(first: int, second: int, third: int, fourth: int) -> bool:
    if max(first, second, third, fourth) > 255 or not 1 <= first <= 223:
        return False
    if first in {10, 127} or (first, second) in {(192, 168), (169, 254)}:
        return False
    shared = first == 100 and 64 <= second <= 127
    return not shared and not (first == 172 and 16 <= second <= 31)
