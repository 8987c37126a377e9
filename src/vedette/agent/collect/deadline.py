"""Calls under a deadline: one that hangs is left behind, delays no other, and is not made again while it hangs.

A call that waits for a dead file server can't be ended from outside, only left alone. So calls are made in threads, and
a thread that hangs is given up until its call returns by itself.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from vedette.agent.collect.source import Unreadable

__all__ = ["Deadlines", "Done", "Outcome"]

_PATIENCE = 0.25

Call = Callable[[], Any]


class Outcome(NamedTuple):
    """What became of a call: its value, or why there is none."""

    value: Any
    error: Exception | None = None

    def take(self) -> Any:
        """The value. Raises the error, if the call ended by one or is late (Unreadable)."""
        if self.error is not None:
            raise self.error
        return self.value


class Done(NamedTuple):
    """The outcomes by name, and the CPU seconds of the calls that came to an end."""

    outcomes: dict[str, Outcome]
    cpu_seconds: float


class _Batch:
    """The calls of one run: those that wait, and since when the others run."""

    def __init__(self, waiting: "deque[tuple[str, Call]]") -> None:
        self.waiting = waiting
        self.running: dict[str, float] = {}
        self.outcomes: dict[str, Outcome] = {}
        self.cpu_seconds = 0.0

    def take(self) -> tuple[str, Call] | None:
        """The next call, which runs from now on."""
        if not self.waiting:
            return None
        name, call = self.waiting.popleft()
        self.running[name] = time.monotonic()
        return name, call


class Deadlines:
    """Makes named calls one after the other in one thread, and in a further thread when one takes longer than `patience`.

    No call has more than `seconds`. There are never more threads than names, however often it runs: a name whose last
    call still hangs gets no new one. For use by one thread.
    """

    def __init__(self, seconds: float, *, patience: float = _PATIENCE) -> None:
        self._seconds = seconds
        self._patience = min(patience, seconds)
        self._changed = threading.Condition()
        self._hanging: set[str] = set()

    @property
    def hanging(self) -> frozenset[str]:
        """Names of calls that were left behind and have not returned."""
        with self._changed:
            return frozenset(self._hanging)

    def run(self, calls: Mapping[str, Call]) -> Done:
        """Makes the calls; returns when each has ended or is late."""
        with self._changed:
            batch = _Batch(deque(item for item in calls.items() if item[0] not in self._hanging))
            for name in calls.keys() & self._hanging:
                text = f"timed out after {self._seconds:g} s; that call still hangs"
                batch.outcomes[name] = Outcome(None, Unreadable(text))
            while batch.waiting or batch.running:
                self._leave_the_late(batch)
                self._help(batch)
                self._changed.wait(self._patience)
        return Done(batch.outcomes, batch.cpu_seconds)

    def _leave_the_late(self, batch: _Batch) -> None:
        now = time.monotonic()
        for name in [n for n, since in batch.running.items() if now - since >= self._seconds]:
            del batch.running[name]
            self._hanging.add(name)
            text = f"timed out after {self._seconds:g} s"
            batch.outcomes[name] = Outcome(None, Unreadable(text))

    def _help(self, batch: _Batch) -> None:
        """Starts one more thread where calls wait and all threads are held up."""
        now = time.monotonic()
        if any(now - since < self._patience for since in batch.running.values()):
            return
        task = batch.take()
        if task is None:
            return
        worker = threading.Thread(
            target=self._work, args=(batch, *task), name="collect", daemon=True
        )
        try:
            worker.start()
        except RuntimeError as error:
            del batch.running[task[0]]
            batch.outcomes[task[0]] = Outcome(None, Unreadable(f"no thread for it: {error}"))

    def _work(self, batch: _Batch, name: str, call: Call) -> None:
        task: tuple[str, Call] | None = (name, call)
        while task is not None:
            name, call = task
            began = time.thread_time()
            outcome = _made(call)
            with self._changed:
                if batch.running.pop(name, None) is None:
                    # Nobody waits for it any more; what it found is of a past that is over.
                    self._hanging.discard(name)
                else:
                    batch.outcomes[name] = outcome
                    batch.cpu_seconds += time.thread_time() - began
                task = batch.take()
                if task is None and not batch.running:
                    self._changed.notify()


def _made(call: Call) -> Outcome:
    try:
        return Outcome(call())
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told to whoever asked for the call
        return Outcome(None, error)
