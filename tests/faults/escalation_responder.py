"""A responder that lives through an escalation, and says what time it is at each look; it may kill itself at its nth write.

Arguments: the store's file, the mail server as JSON, the time, for how many seconds, and when to die (`never`, or before:N,
after:N).
"""

import os
import signal
import sys
from datetime import datetime
from pathlib import Path

import msgspec
from tests.respond.escalating import House

from vedette.respond import MailServer


class Mortal(House):
    """Dies at once, without a word."""

    def perish(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def look(self) -> int:
        sys.stdout.write(f"{self.clock.now().isoformat()}\n")
        sys.stdout.flush()
        return super().look()


def main() -> None:
    """See the module."""
    file, server, now, seconds, when = sys.argv[1:]
    settings = msgspec.json.decode(server, type=MailServer)
    house = Mortal(Path(file), settings, datetime.fromisoformat(now))
    side, _, number = when.partition(":")
    house.die = "after" if side == "after" else "before"
    house.die_at = int(number or 0)
    house.run(int(seconds))
    house.store.close()


if __name__ == "__main__":
    main()
