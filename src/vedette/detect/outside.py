"""Addresses outside, in numbers, that a command or a device names: honest automation goes by names."""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

__all__ = ["names_outside"]

_LENGTH = 1_000
_ADDRESS = re.compile(
    r"(?:^|[\s@=:,\[\"']|//)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.\w-])"
)
# In brackets, or by itself where it is one that is given out: hours and hardware addresses have colons too.
_ADDRESS_6 = re.compile(
    r"\[([0-9A-Fa-f:.]{3,45})\]|(?:^|[\s@=,\"'])([23][0-9A-Fa-f]{3}:[0-9A-Fa-f:.]{2,41})(?![\w:.])"
)
_PLAIN = 96  # bits below which no address begins that is given out; `[::2]` is a slice


@lru_cache(maxsize=4096)
def _names_outside(text: str) -> bool:
    return any(_is_outside(*map(int, match.groups())) for match in _ADDRESS.finditer(text)) or any(
        _is_outside_6(match[1] or match[2]) for match in _ADDRESS_6.finditer(text)
    )


def names_outside(text: str) -> bool:
    """Whether an address that is no private one is among its first 1,000 letters. Versions in paths are none."""
    return _names_outside(text[:_LENGTH])


def _is_outside(first: int, second: int, third: int, fourth: int) -> bool:
    if max(first, second, third, fourth) > 255 or not 1 <= first <= 223:
        return False
    if first in {10, 127} or (first, second) in {(192, 168), (169, 254)}:
        return False
    shared = first == 100 and 64 <= second <= 127
    return not shared and not (first == 172 and 16 <= second <= 31)


def _is_outside_6(text: str) -> bool:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        return False
    return address.is_global and int(address) >> _PLAIN != 0
