"""An incident's timeline: its own events, and what became of its actions."""

from collections.abc import Sequence
from datetime import datetime

from vedette.core import Action, ActionEvent, ActionState, IncidentEvent, Record

__all__ = ["Life", "Moment", "timeline"]

Life = tuple[Action, tuple[ActionEvent, ...]]
_ENDS = frozenset(
    {
        ActionState.VERIFIED,
        ActionState.SIMULATED,
        ActionState.RELEASED,
        ActionState.FAILED,
        ActionState.EXPIRED,
    }
)
_WORDS = {"opened": "Opened", "joined": "More of it", "raised": "Raised", "reopened": "Reopened"}


class Moment(Record, frozen=True, kw_only=True):
    """One line. `kind` is how it is drawn, `words` what happened, `text` what was said of it."""

    at: datetime
    kind: str
    words: str
    actor: str
    text: str = ""


def timeline(events: Sequence[IncidentEvent], lives: Sequence[Life]) -> tuple[Moment, ...]:
    """Newest first. Of an action's steps only people's decisions and how it ended are lines of the incident."""
    moments = [_of_incident(event) for event in events]
    for action, steps in lives:
        moments += [
            _of_action(action, step)
            for step in steps
            if step.actor.startswith("user:") or step.state in _ENDS
        ]
    # The sort is stable: turned round as a whole, what bears the same time stays newest first too.
    moments.sort(key=lambda moment: moment.at)
    moments.reverse()
    return tuple(moments)


def _of_incident(event: IncidentEvent) -> Moment:
    words = _WORDS.get(event.kind, event.kind.replace("_", " ").capitalize())
    return Moment(at=event.at, kind=event.kind, words=words, actor=event.actor, text=event.text)


def _of_action(action: Action, step: ActionEvent) -> Moment:
    decided = step.actor.startswith("user:")
    return Moment(
        at=step.at,
        kind="decided" if decided else "ended",
        words=f"{action.kind} {step.state.value}".replace("_", " ").capitalize(),
        actor=step.actor,
        text=step.detail,
    )
