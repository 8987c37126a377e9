"""How much may yet be collected: bytes, files and time run out one by one, and what no longer fits is named."""

from collections.abc import Callable
from typing import TypeVar

from vedette.agent.collect.deadline import Deadlines
from vedette.agent.collect.source import Unreadable
from vedette.agent.evidence.reading import LeftOut
from vedette.agent.evidence.request import Bounds
from vedette.core import Clock

__all__ = ["Budget"]

T = TypeVar("T")


class Budget:
    """Begins with the first look at it."""

    def __init__(self, bounds: Bounds, clock: Clock) -> None:
        self._bounds = bounds
        self._clock = clock
        self._ends = clock.monotonic() + bounds.most_seconds
        self._bytes = bounds.most_bytes
        self._files = bounds.most_files

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return self._clock.monotonic() >= self._ends

    @property
    def seconds(self) -> float:
        """That are left; a little always is, so that what was begun can be told."""
        return max(0.1, self._ends - self._clock.monotonic())

    def room(self, *, file: bool = False) -> int:
        """Bytes that one more member may have.

        Raises:
            LeftOut: none, and which bound says so.
        """
        if self.late:
            raise LeftOut(
                f"the time for collecting ({self._bounds.most_seconds:g} seconds) was over"
            )
        if self._bytes <= 0:
            raise LeftOut(f"the bundle had its {self._bounds.most_bytes} bytes")
        if file and self._files <= 0:
            raise LeftOut(f"the bundle had its {self._bounds.most_files} files")
        return min(self._bytes, self._bounds.most_file_bytes)

    def timed(self, what: str, read: Callable[[], T]) -> T:
        """What is read, in a thread that is left behind where it hangs: on a dead file server, or on a process that does.

        Raises:
            LeftOut: it can't be read, or not in time.
        """
        try:
            found: T = Deadlines(self.seconds).run({what: read}).outcomes[what].take()
        except OSError as error:
            raise LeftOut(f"it can't be read: {error.strerror or error}") from error
        except Unreadable as error:
            raise LeftOut(error.detail) from error
        return found

    def take(self, size: int, *, file: bool = False) -> None:
        """So much is kept."""
        self._bytes -= size
        self._files -= file
