"""What a host is told for `shutdown`, and what can be seen of a machine that is off: that it is silent."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from vedette.core import ActionState, Command, CommandResult, Host
from vedette.respond.actions.shutdown.schema import ShutdownSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Job
from vedette.respond.outcome import Outcome, Verified
from vedette.respond.ports import Commands, Hosts
from vedette.respond.power import PATIENCE, due_at, told_power
from vedette.seal import SigningKey

__all__ = ["Shutdown"]

# What was sent before the moment may be judged a little after it.
_AFTER = timedelta(minutes=2)
_INTERVALS = 3


class Shutdown(HostCommand):
    """Verified when the host is silent that was heard until about the moment it named; or by its agent, if it is started again."""

    def __init__(self, commands: Commands, key: SigningKey, hosts: Hosts) -> None:
        super().__init__(ShutdownSchema(), commands, key, told_power)
        self._hosts = hosts

    def _seen(self, job: Job, said: Mapping[ActionState, CommandResult]) -> Outcome | None:
        due = due_at(job.action, said)
        if due is None or job.now < due:
            return None
        return _off(self._hosts.get(job.action.tenant, self._host_of(job)), due)

    def _over_at(
        self, job: Job, command: Command, said: Mapping[ActionState, CommandResult]
    ) -> datetime:
        due = due_at(job.action, said)
        if due is None:
            return super()._over_at(job, command, said)
        host = self._hosts.get(job.action.tenant, self._host_of(job))
        return due + PATIENCE + _INTERVALS * timedelta(seconds=host.interval)


def _off(host: Host, due: datetime) -> Verified | None:
    """A host that fell silent long before, or was heard after, shows nothing."""
    heard, silent = host.last_seen_at, host.silent_since
    if heard is None or silent is None or silent < due:
        return None
    earliest = due - _INTERVALS * timedelta(seconds=host.interval)
    if not earliest <= heard <= due + _AFTER:
        return None
    words = (
        f"last heard at {heard.isoformat(timespec='seconds')}, due at {due.isoformat(timespec='seconds')}, "
        f"found silent at {silent.isoformat(timespec='seconds')}"
    )
    return Verified(
        detail="the host is silent since the moment that it named; a network that broke just then would look the same",
        evidence={"probe": {"silent": words}},
    )
