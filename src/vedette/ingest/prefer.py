"""The preference `wait` of RFC 7240: for how long a client would have its answer held back."""

import re
from typing import Final

__all__ = ["wait_of"]

_MAX_LENGTH: Final = 1_000
# A preference's name and value; what follows after a semicolon are parameters, of which `wait` has none.
_WAIT: Final = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)


def wait_of(prefer: str) -> int:
    """Seconds; 0 where none is asked for. The first counts, and what can't be understood is no preference (section 2)."""
    if len(prefer) > _MAX_LENGTH:
        return 0
    for preference in prefer.split(","):
        if found := _WAIT.fullmatch(preference):
            return int(found[1])
    return 0
