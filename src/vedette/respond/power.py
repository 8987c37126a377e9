"""What `shutdown` and `reboot` share: their parameters, and when each is over."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from vedette.core import Action, ActionState, CommandResult, InvalidInput
from vedette.respond.parameters import known_only, seconds

__all__ = ["PATIENCE", "POWER_PARAMETERS", "due_at", "power", "told_power"]

PATIENCE: Final = timedelta(hours=1)
"""After the moment: by then it was seen, or it has failed."""

POWER_PARAMETERS: Final[Mapping[str, str]] = {
    "grace": "How long before it happens, in which it can be called off; whole minutes on the host: 1m to 1h; 5m if not given",
    "message": "What who is logged in there is told, in at most 200 letters",
}
_LEAST_SECONDS, _MOST_SECONDS = 60.0, 3_600.0
_DEFAULT_GRACE = "5m"
_MOST_LETTERS = 200


def power(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Both, checked.

    Raises:
        InvalidInput: what is wrong and where.
    """
    known_only(parameters, POWER_PARAMETERS)
    message = parameters.get("message", "")
    if not isinstance(message, str) or len(message) > _MOST_LETTERS:
        raise InvalidInput(
            f"message must be text of at most {_MOST_LETTERS} letters", at=["message"]
        )
    given = {"grace": _DEFAULT_GRACE, **parameters}
    grace = seconds(given, "grace", least=_LEAST_SECONDS, most=_MOST_SECONDS)
    return {"grace": grace, "message": message}


def told_power(action: Action) -> dict[str, Any]:
    """What a host is told."""
    return {
        "grace_seconds": action.parameters["grace"],
        "message": action.parameters["message"],
    }


def due_at(action: Action, said: Mapping[ActionState, CommandResult]) -> datetime | None:
    """The moment that the host scheduled, as far as its word can be true; None where it scheduled nothing."""
    applied = said.get(ActionState.APPLIED)
    if applied is None:
        return None
    # The host counts in whole minutes; and a host whose clock is wrong must not make it last.
    begun = action.dispatched_at or action.proposed_at
    latest = min(max(applied.at, begun), begun + PATIENCE) + _after(action)
    try:
        due = datetime.fromisoformat(str(applied.data.get("at")))
    except ValueError:
        return latest
    return latest if due.tzinfo is None else min(max(due, begun), latest)


def _after(action: Action) -> timedelta:
    return timedelta(seconds=action.grace_seconds + 60)
