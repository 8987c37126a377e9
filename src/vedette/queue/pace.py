"""How much of what is behind fits into one batch, learned from what batches took."""

from typing import Final

__all__ = ["LEAST", "Pace"]

LEAST: Final = 8
"""So many are taken even where they last longer: a transaction of its own for each would last longer still."""
_MOST: Final = 1024
_WEIGHT: Final = 0.1


class Pace:
    """`limit` falls when a batch took longer than it may, and grows while full ones take less.

    A batch may take `seconds`, or where a small one takes more than half of that already (a slow disk's syncs), twice as long as
    a small one: to be shorter would make nobody wait less, and do the more syncs for as much work.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._small: float | None = None
        self.limit = LEAST

    @property
    def seconds(self) -> float:
        """How long a batch may take."""
        return max(self._seconds, 2 * (self._small or 0.0))

    def note(self, size: int, seconds: float, *, behind: bool) -> None:
        """A batch of so many took so long; `behind` when it had any of those."""
        if size < LEAST:
            before = seconds if self._small is None else self._small
            self._small = before + (seconds - before) * _WEIGHT
        if not behind:
            return
        if seconds > self.seconds:
            fitting = self.limit * max(0.5, self.seconds / seconds)
            self.limit = max(LEAST, int(fitting))
        elif size >= self.limit:
            self.limit = min(_MOST, self.limit + max(1, self.limit // 8))
