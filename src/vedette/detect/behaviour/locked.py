"""Accounts that can't log in."""

from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.inventory.fact import number
from vedette.detect.view import View

__all__ = ["locked_accounts"]

_MOST_LOCKED = 4_096  # the lowest user ids, which are those of services


def locked_accounts(view: View, state: BehaviourState) -> list[int]:
    """User ids whose accounts can't log in; as last seen when `users` is unchanged or was not seen."""
    known = "users" in view.unchanged or "users" in view.doubted
    if "users" not in view.seen or (known and state.locked):
        return state.locked
    found = {
        number(row, "uid")
        for row in view.rows("users")
        if str(row.get("shell") or "").rsplit("/", 1)[-1] in {"nologin", "false"}
    }
    return sorted(found)[:_MOST_LOCKED]
