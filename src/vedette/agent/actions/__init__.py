"""What a host can be told to do: one file per kind."""

from vedette.agent.actions.kind import Kind
from vedette.agent.actions.leased import Leased
from vedette.agent.actions.quarantine import Quarantine

__all__ = ["ACTIONS", "Kind"]

_KINDS: tuple[Kind, ...] = (Leased(Quarantine()),)
ACTIONS: dict[str, Kind] = {kind.name: kind for kind in _KINDS}
