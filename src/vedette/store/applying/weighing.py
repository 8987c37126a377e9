"""Whether what was decided of an incident still holds, beside what the store has of it now. Values in, values out."""

import msgspec

from vedette.core import Incident, IncidentState

__all__ = ["is_outdated", "with_words"]


def is_outdated(before: Incident, after: Incident) -> bool:
    """Whether people closed it, or changed its make-up, after it was read: writing it now would undo what they did."""
    if before.edits != after.edits:
        return True
    if before.state is not IncidentState.CLOSED or after.returns == before.returns + 1:
        return False
    # It was seen again and stays closed, as it was closed before.
    return (after.state, after.closed_at, after.closed_by) != (
        before.state,
        before.closed_at,
        before.closed_by,
    )


def with_words(before: Incident, after: Incident) -> Incident:
    """With what people said of it meanwhile, and what it was made part of. Whoever saw to what came back sees to it anew."""
    kept = msgspec.structs.replace(after, part_of=before.part_of, assigned_to=before.assigned_to)
    if after.returns > before.returns:
        return kept
    return msgspec.structs.replace(
        kept, acknowledged_by=before.acknowledged_by, acknowledged_at=before.acknowledged_at
    )
