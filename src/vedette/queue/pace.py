"""How many snapshots fit into a time, learned from what batches took."""

from typing import Final

__all__ = ["Pace"]

LEAST: Final = 8
"""So many are taken even where they last longer: a transaction of its own for each would last longer still."""
_MOST: Final = 1024


class Pace:
    """`limit` falls when a batch took longer than `seconds`, and grows while full ones take less."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.limit = LEAST

    def note(self, size: int, seconds: float) -> None:
        """A batch of so many took so long."""
        if seconds > self._seconds:
            fitting = self.limit * max(0.5, self._seconds / seconds)
            self.limit = max(LEAST, int(fitting))
        elif size >= self.limit:
            self.limit = min(_MOST, self.limit + max(1, self.limit // 8))
