"""How many snapshots fit into a time, judged by what they took lately."""

from typing import Final

__all__ = ["Pace"]

_FIRST: Final = 8
_WEIGHT: Final = 0.2


class Pace:
    """Little's law turned round: so many snapshots as are done in `seconds`, at the speed of the last batches."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._each: float | None = None

    @property
    def limit(self) -> int:
        """At least one, so that what is slow is done all the same."""
        return _FIRST if not self._each else max(1, int(self._seconds / self._each))

    def note(self, size: int, seconds: float) -> None:
        """A batch of so many took so long."""
        each = seconds / size
        self._each = each if self._each is None else self._each + (each - self._each) * _WEIGHT
