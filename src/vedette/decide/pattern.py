r"""How large a program a regular expression becomes, roughly and never too small: what RE2 takes to build and run it.

Counted repeats are copies, and a class of Unicode (`\pL`) is thousands of instructions: such a class may not be used.
"""

import re

__all__ = ["banned", "weigh"]

_TOKEN = re.compile(
    r"""(?P<count>\{(?P<least>\d+)(?:,(?P<most>\d*))?\})
    |(?P<group>\((?:\?(?:P?<\w+>|[a-zA-Z-]*:?))?)
    |(?P<end>\))
    |(?P<class>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    |(?P<escape>\\(?:x\{[0-9a-fA-F]*\}|.))
    |(?P<often>[*+?|])
    |(?P<plain>.)""",
    re.DOTALL | re.VERBOSE,
)
_BANNED = re.compile(r"\\(?:\\|([pPQ]))")
# Instructions: of a class of any kind without its members, and of each letter, which may stand for both cases.
_CLASS = 10
_LETTER = 2


def banned(pattern: str) -> str:
    """The first thing in it that is not to be used, or nothing."""
    found = next((one for one in _BANNED.finditer(pattern) if one[1]), None)
    return found[0] if found else ""


def weigh(pattern: str) -> int:
    """Its size. What RE2 can't read has one, too."""
    groups: list[int] = []
    size = last = 0
    for token in _TOKEN.finditer(pattern):
        if token["count"]:
            least = int(token["least"])
            most = int(token["most"]) if token["most"] else least + (token["most"] == "")
            size += last * (max(most, 1) - 1)
            last *= max(most, 1)
        elif token["group"]:
            groups.append(size)
            size = last = 0
        elif token["end"]:
            last = size + _LETTER
            size = last + (groups.pop() if groups else 0)
        elif token["often"]:
            # A repeat of a repeat is one of what is before it.
            size += 1
            last += 1
        else:
            letter = token["plain"] not in (None, ".")
            last = _LETTER * len(token[0].encode()) if letter else _CLASS + _LETTER * len(token[0])
            size += last
    return size
