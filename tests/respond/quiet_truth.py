"""Which silences and maintenance windows are in force, by what people made and ended."""

from dataclasses import dataclass
from datetime import datetime

from tests.respond.people_truth import takes

from vedette.core import Action, ActionEvent, HostId

__all__ = ["Quiet"]


@dataclass
class _Window:
    host: HostId
    maintenance: bool
    begins: datetime
    ends: datetime
    ended: bool = False


class Quiet:
    """Each is about one host."""

    def __init__(self) -> None:
        self._made: list[_Window] = []

    def begins(self, host: HostId, now: datetime, until: datetime, *, maintenance: bool) -> None:
        """Somebody makes one."""
        self._made.append(_Window(host, maintenance, now, until))

    def ends(self, now: datetime) -> None:
        """Somebody ends all that are in force."""
        for one in self._made:
            one.ended |= one.begins <= now < one.ends

    def maintained(self, action: Action, now: datetime) -> bool:
        """Whether somebody works on its host."""
        return any(one.maintenance for one in self._about(action, now))

    def check(self, action: Action, event: ActionEvent, before: str, now: datetime) -> None:
        """Whether a step that was just taken from `before` keeps to them."""
        state, held = event.state.value, list(self._about(action, now))
        if state == "dispatched" and takes(action):
            assert not self.maintained(action, now), "begun while its host is maintained"
        if before == "proposed" and state in {"approved", "awaiting_approval"}:
            assert action.disruptive or not held, "told though it was silenced"
        if state == "refused" and event.detail.startswith("maintenance of"):
            assert self.maintained(action, now), "refused for a maintenance that is over"

    def _about(self, action: Action, now: datetime) -> list[_Window]:
        return [
            one
            for one in self._made
            if one.host == action.host and one.begins <= now < one.ends and not one.ended
        ]
