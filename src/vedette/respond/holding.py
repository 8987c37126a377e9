"""What silences, maintenance windows and inhibitions keep back, before anything begins."""

from collections.abc import Callable, Sequence

from vedette.core import Action, ActionState, Held, Inhibition, TenantId
from vedette.respond.ports import Silences
from vedette.respond.registry import Registry

__all__ = ["Holding"]


class Holding:
    """Asked before each beginning. What tells people waits, what is disruptive is refused.

    What is done to a host without taking anything away, as collecting evidence is, waits for silences alone: evidence that
    waits for an hour is gone.
    """

    def __init__(
        self,
        silences: Silences,
        inhibits: Callable[[TenantId], Sequence[Inhibition]] = lambda _: (),
        kinds: Registry | None = None,
    ) -> None:
        self._silences = silences
        self._kinds = kinds or Registry(())
        self._inhibits = inhibits

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
        if action.held_by and self._held(action) is None:
            return self._silences.over(action)
        return ""

    def keeps(self, action: Action) -> bool:
        """Whether it must wait; it is written down why."""
        if action.disruptive or action.state is not ActionState.PROPOSED:
            return False
        held = self._held(action)
        if held is None:
            return False
        self._silences.hold(action, held)
        return True

    def _held(self, action: Action) -> Held | None:
        """People's word comes before a rule's."""
        silence = self._silences.covering(action)
        if silence is not None:
            return silence.holds
        kind = self._kinds.get(action.kind)
        if kind is not None and kind.schema.on_host:
            return None
        rules = self._inhibits(action.tenant)
        return self._silences.explained(action, rules) if rules else None
