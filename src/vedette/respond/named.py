"""What an action is about beside its host: named by the incident's reasons when it was proposed, never by a policy's text."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.core import Action, InvalidInput

__all__ = ["CAUSE", "accounts", "cause", "processes"]

CAUSE: Final = "@cause"


def cause(parameters: Mapping[str, Any], name: str) -> str:
    """The one word that a policy may write there.

    Raises:
        InvalidInput: it is missing, or another.
    """
    if parameters.get(name) != CAUSE:
        where = [name] if name in parameters else []
        raise InvalidInput(
            f'{name} must be "{CAUSE}": what the incident\'s reasons name; never a name, which others can bear too',
            at=where,
        )
    return CAUSE


def processes(action: Action) -> list[dict[str, Any]]:
    """Those that were found when it was proposed, each with pid, start_time and path.

    Raises:
        InvalidInput: there are none; says why.
    """
    found: list[dict[str, Any]] = action.parameters.get("processes", [])
    if not found:
        why = action.parameters.get("unresolved", "nobody looked for them")
        raise InvalidInput(f"{action.kind} has no process to be about: {why}")
    return found


def accounts(action: Action) -> list[str]:
    """The one that the policy names, or those that were found when it was proposed.

    Raises:
        InvalidInput: there are none; says why.
    """
    if action.parameters["account"] != CAUSE:
        return [action.parameters["account"]]
    found: list[str] = action.parameters.get("accounts", [])
    if not found:
        why = action.parameters.get("unresolved", "nobody looked for them")
        raise InvalidInput(f"{action.kind} has no account to be about: {why}")
    return found
