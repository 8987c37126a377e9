"""Whether the kill switch holds a command back, as the action's own steps tell."""

from typing import Final

from vedette.respond.kind import Job

__all__ = ["HELD_BACK", "LET_THROUGH", "held_back"]

HELD_BACK: Final = "held-back"
LET_THROUGH: Final = "let-through"


def held_back(job: Job) -> str:
    """The last word of that; empty where it was never held back, or was let through since."""
    said = [one for one in job.events if one.data.get("mark") in {HELD_BACK, LET_THROUGH}]
    return said[-1].detail if said and said[-1].data["mark"] == HELD_BACK else ""
