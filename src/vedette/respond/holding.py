"""What silences and maintenance windows keep back, before anything begins."""

from vedette.core import Action, ActionState
from vedette.respond.ports import Silences

__all__ = ["Holding"]


class Holding:
    """Asked before each beginning. What tells people waits, what is disruptive is refused."""

    def __init__(self, silences: Silences) -> None:
        self._silences = silences

    def refuses(self, action: Action) -> str:
        """Why it must not be carried out at all, or nothing."""
        if action.disruptive:
            if action.dry_run:
                return ""
            window = self._silences.covering(action)
            if window is None:
                return ""
            return (
                f"maintenance of {window.owner} until {window.ends_at:%Y-%m-%d %H:%M} UTC"
                f" ({window.id}): {window.reason}"
            )
        if action.held_by and self._silences.covering(action) is None:
            return self._silences.over(action)
        return ""

    def keeps(self, action: Action) -> bool:
        """Whether it must wait; it is written down why."""
        if action.disruptive or action.state is not ActionState.PROPOSED:
            return False
        silence = self._silences.covering(action)
        if silence is None:
            return False
        self._silences.hold(action, silence)
        return True
