"""The one step of this room: a verdict and the host's situation in, a decision out. No I/O, no clock."""

from vedette.core import Verdict
from vedette.decide.incidents import Grouping, track
from vedette.decide.policies import PolicySet
from vedette.decide.proposal import propose
from vedette.decide.situation import Decision, Situation

__all__ = ["decide"]

_NOTHING = Decision()
_GROUPING = Grouping()


def decide(
    verdict: Verdict,
    situation: Situation,
    policies: PolicySet,
    grouping: Grouping = _GROUPING,
) -> Decision:
    """What becomes of the host's incidents, and which actions the policies propose.

    Deterministic: the same verdict in the same situation gives the same decision, ids included.
    """
    changes = track(verdict, situation, grouping, policies.reopen_seconds)
    if not changes:
        return _NOTHING
    proposals = [propose(verdict, situation, change, policies) for change in changes]
    return Decision(
        incidents=tuple(change.incident for change in changes),
        events=tuple(
            event
            for change, proposal in zip(changes, proposals, strict=True)
            for event in (*change.events, *proposal.events)
        ),
        actions=tuple(action for proposal in proposals for action in proposal.actions),
    )
