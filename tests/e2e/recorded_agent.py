"""`vedette agent run` on a machine of which two programs record what they are told: shutdown and loginctl.

Arguments: the settings' file, and the folder with both. Accounts of this machine it never changes.
"""

import signal
import sys
import threading
from pathlib import Path

from vedette.agent import AgentSettings, run
from vedette.agent.actions.scene import Ran, ThisMachine
from vedette.core import SystemClock

_RECORDED = ("shutdown", "loginctl")
_find, _run = ThisMachine.find, ThisMachine.run


def main(config: str, programs: str) -> None:
    """Runs until SIGTERM."""

    def find(self: ThisMachine, program: str) -> str | None:
        return str(Path(programs) / program) if program in _RECORDED else _find(self, program)

    def run_it(self: ThisMachine, command: list[str], stdin: str) -> Ran:
        if "usermod" in command[0] and command[1] != "--prefix":
            raise OSError("this machine's own accounts are not the test's")
        return _run(self, command, stdin)

    ThisMachine.find, ThisMachine.run = find, run_it  # type: ignore[method-assign] # for this process
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run(AgentSettings.load(Path(config), {}), SystemClock(), stop)


if __name__ == "__main__":
    main(*sys.argv[1:])
