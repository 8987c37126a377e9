"""Ways in which an agent could be wrong, each a small patch, and by which words the machine must find it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from tests.respond.broken_host_life import Break, Patch

from vedette.agent.journal import Journal
from vedette.agent.lease import Lease, Moment
from vedette.agent.obedience import Obedience
from vedette.core import Clock, Command

__all__ = ["BROKEN_AGENTS"]


def _longer_by_a_reboot(patch: Patch) -> None:
    left = Lease.left_at

    def more(lease: Lease, at: Moment) -> float:
        return left(lease, at) + (0 if lease.boot == at.boot else 900)

    patch.setattr(Lease, "left_at", more)


def _nonces_in_memory(patch: Patch) -> None:
    """A start finds none of those that were used."""
    begin = Journal.__init__

    def forgetful(journal: Journal, path: Path, clock: Clock) -> None:
        begin(journal, path, clock)
        with journal._lock:
            journal._db.execute("UPDATE commands SET nonce = 'forgotten ' || id")

    patch.setattr(Journal, "__init__", forgetful)


def _passing_over(what: str) -> Callable[[Patch], None]:
    """One thing that a command says is never against it."""

    def does(patch: Patch) -> None:
        objection = Obedience._objection

        def blind(agent: Obedience, command: Command) -> str:
            now = agent._clock.now()
            fine: dict[str, Any] = {
                "host": agent._enrolment.host,
                "expires_at": now.max.replace(tzinfo=now.tzinfo),
            }
            return objection(agent, msgspec.structs.replace(command, **{what: fine[what]}))

        patch.setattr(Obedience, "_objection", blind)

    return does


BROKEN_AGENTS: Final = (
    Break(name="agent: longer by a reboot", does=_longer_by_a_reboot, found="outlasts its lease"),
    Break(name="agent: nonces in memory", does=_nonces_in_memory, found="a nonce used twice"),
    Break(
        name="agent: whatever its end",
        does=_passing_over("expires_at"),
        found="begun after its command expired",
    ),
    Break(
        name="agent: whosever it is",
        does=_passing_over("host"),
        found="begun by another host's command",
    ),
)
