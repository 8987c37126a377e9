"""What a host can be told to do: one file per kind."""

from vedette.agent.actions.collect import Collect
from vedette.agent.actions.disable_account import DisableAccount
from vedette.agent.actions.graced import Graced
from vedette.agent.actions.kill_process import KillProcess
from vedette.agent.actions.kind import Kind
from vedette.agent.actions.leased import Leased
from vedette.agent.actions.power import Power
from vedette.agent.actions.quarantine import Quarantine
from vedette.agent.actions.suspend_process import SuspendProcess

__all__ = ["ACTIONS", "Kind"]

_KINDS: tuple[Kind, ...] = (
    Leased(Quarantine()),
    Leased(SuspendProcess()),
    Leased(DisableAccount()),
    Graced(KillProcess()),
    Graced(Power("shutdown")),
    Graced(Power("reboot")),
    Collect(),
)
ACTIONS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
