"""A responder that looks a few times and then ends, or kills itself with SIGKILL at its nth write, or while it gathers.

Arguments: the store's URL, the mail server as JSON, the command key's file, the time, when to die (`never`, or before:N,
after:N, inside), and how often to look.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec

from vedette.core import Gathered, ManualClock, Spread
from vedette.decide import gather
from vedette.respond import Mail, MailServer, Ports, Quarantine, Registry, Responder
from vedette.seal import SigningKey
from vedette.store import Store

_WRITES = frozenset({"advance", "dispatch", "note", "recall", "wake", "put", "done"})


class Deadly:
    """A port of which the nth write is the last, before or after its row is there."""

    def __init__(self, inner: Any, count: list[str]) -> None:
        self._inner = inner
        self._fates = count

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        return self._last(value) if name in _WRITES else value

    def _last(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            fate = self._fates.pop(0) if self._fates else "live"
            if fate == "before":
                die()
            result = write(*args, **kwargs)
            if fate == "after":
                die()
            return result

        return call


class DeadlyPorts:
    """All ports."""

    def __init__(self, store: Store, fates: list[str]) -> None:
        self.outbox = Deadly(store.outbox, fates)
        self.actions = Deadly(store.actions, fates)
        self.commands = Deadly(store.commands, fates)
        self.incidents = store.incidents
        self.guards = store.guards
        self.silences = store.silences
        self.hosts = store.hosts


def die() -> None:
    """At once, without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """See the module."""
    url, server, key, now, when, looks = sys.argv[1:]
    moment, _, number = when.partition(":")
    fates = [*["live"] * int(number), moment] if number else []

    def rule(spread: Spread) -> Gathered:
        made = gather(spread)
        if moment == "inside" and made.incidents:
            die()
        return made

    clock = ManualClock(datetime.fromisoformat(now))
    store = Store(url, clock)
    ports = cast("Ports", DeadlyPorts(store, fates))
    mail = Mail(msgspec.json.decode(server, type=MailServer), "https://vedette.example.com/")
    kinds = Registry([mail, Quarantine(ports.commands, SigningKey.load(Path(key)))])
    responder = Responder(
        ports, kinds, clock, sweep_seconds=0.0, gather=lambda: store.incidents.gather(rule)
    )
    for _ in range(int(looks)):
        while responder.tick():
            pass
        clock.advance(timedelta(seconds=1).total_seconds())
    store.close()


if __name__ == "__main__":
    main()
