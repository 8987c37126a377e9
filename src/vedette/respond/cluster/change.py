"""Changes an object that others may change at the same time, and marks it with the action that did."""

from collections.abc import Callable
from typing import Any, Final

from vedette.core import Conflict, Unavailable, VedetteError
from vedette.respond.cluster.cluster import Cluster
from vedette.respond.cluster.ref import Ref

__all__ = ["ACTION_MARK", "allowed", "change", "mark_of", "uid_of"]

# An annotation with the action's id: only what bears it is ever put back or deleted.
ACTION_MARK: Final = "vedette/action"
_TRIES: Final = 4


def mark_of(thing: dict[str, Any]) -> str:
    """The action that changed it, if one did."""
    return str((thing["metadata"].get("annotations") or {}).get(ACTION_MARK, ""))


def uid_of(thing: dict[str, Any]) -> str:
    """Which very object it is, whatever its name."""
    return str(thing["metadata"]["uid"])


def allowed(cluster: Cluster, ref: Ref, body: dict[str, Any]) -> str:
    """What the API says to the change as a dry run of its own: `allowed`, or why not."""
    try:
        cluster.patch(ref, body, dry=True)
    except VedetteError as error:
        return error.detail
    return "allowed"


def change(
    cluster: Cluster, ref: Ref, made: Callable[[dict[str, Any]], dict[str, Any] | None]
) -> dict[str, Any]:
    """The object with what `made` makes of it as it is now merged into it, if anything; looked at anew when somebody was faster.

    Raises:
        Unavailable: somebody was faster each time.
    """
    for _ in range(_TRIES):
        now = cluster.read(ref)
        body = made(now)
        if body is None:
            return now
        seen = {"resourceVersion": now["metadata"]["resourceVersion"]}
        body = {**body, "metadata": {**body.get("metadata", {}), **seen}}
        try:
            return cluster.patch(ref, body)
        except Conflict:
            continue
    raise Unavailable(f"{ref} is changed by others all the time")
