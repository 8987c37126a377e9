"""`vedette agent run` with a wall clock that an operator steps: SIGUSR1 sets it an hour ahead, SIGUSR2 to the true time."""

import signal
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

from vedette.agent import AgentSettings, run
from vedette.core import SystemClock


class Stepped(SystemClock):
    """The machine's clocks, with the wall clock off by `ahead`."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        """What the host takes for the present."""
        return super().now() + self.ahead


def main(config: str) -> None:
    """Runs until SIGTERM."""
    clock, stop = Stepped(), threading.Event()

    def step(number: int, _frame: object) -> None:
        clock.ahead = timedelta(hours=1 if number == signal.SIGUSR1 else 0)

    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, step)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(AgentSettings.load(Path(config), {}), clock, stop)


if __name__ == "__main__":
    main(sys.argv[1])
