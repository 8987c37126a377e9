"""Tells a person what is going on: steps, waits with a progress bar, failures. Standard error only."""

from collections.abc import Callable
from typing import TextIO, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from vedette.core import Clock, Unavailable

__all__ = ["Stage"]

T = TypeVar("T")


class Stage:
    """What the demonstration says, and how it waits."""

    def __init__(self, stream: TextIO, clock: Clock) -> None:
        self._console = Console(file=stream, highlight=False, soft_wrap=True)
        self._clock = clock

    def step(self, text: str) -> None:
        """A new step."""
        self._console.print(f"\n[bold]▸[/bold] {_plain(text)}")

    def say(self, text: str) -> None:
        """A line about the present step."""
        self._console.print(f"  {_plain(text)}")

    def fail(self, text: str) -> None:
        """Something that should have happened, and did not."""
        self._console.print(f"[red]✗[/red] {_plain(text)}")

    def count_up(self, text: str, count: Callable[[], int], goal: int, seconds: float) -> None:
        """Waits until the count reaches the goal, with a progress bar.

        Raises:
            Unavailable: it did not in time.
        """
        columns = (TextColumn("  " + _plain(text)), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task(text, total=goal)

            def reached() -> bool | None:
                now = count()
                progress.update(task, completed=min(now, goal))
                return now >= goal or None

            self.wait_for(text, reached, seconds)

    def wait_for(self, what: str, look: Callable[[], T | None], seconds: float) -> T:
        """The first thing that `look` finds.

        Raises:
            Unavailable: nothing came in time.
        """
        deadline = self._clock.monotonic() + seconds
        while True:
            found = look()
            if found is not None:
                return found
            if self._clock.monotonic() > deadline:
                raise Unavailable(f"waited {seconds:.0f} s in vain for: {what}")
            self._clock.sleep(0.2)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
