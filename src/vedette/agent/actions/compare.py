"""What differs between two texts, in few words: for people who must see whether a host is as it was."""

import difflib
from typing import Any

__all__ = ["changes"]

_MOST_LINES, _MOST_LETTERS = 20, 200


def changes(before: str, after: str) -> dict[str, Any]:
    """How many lines went and came, and the first of them, each with its sign."""
    differing = [
        line
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
        if line[0] in "+-" and line[:3] not in {"+++", "---"}
    ]
    gone = sum(line.startswith("-") for line in differing)
    return {
        "gone": gone,
        "come": len(differing) - gone,
        "lines": [line[:_MOST_LETTERS] for line in differing[:_MOST_LINES]],
    }
