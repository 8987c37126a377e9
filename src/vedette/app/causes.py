"""What a policy means by `@cause`: processes that its incident's reasons name, as the judged snapshot shows them, or accounts."""

from collections.abc import Collection
from typing import Any

from msgspec import structs

from vedette.core import Action, Row, Snapshot
from vedette.decide import Decision
from vedette.detect import subjects_of_process
from vedette.respond import CAUSE

__all__ = ["name_causes"]

# A subject names a program. Where so many run it, most of them are bystanders; agents take no more either.
_MOST = 8
_ASKED = ("process", "account")
_USER = "user:"


def name_causes(decision: Decision, snapshot: Snapshot) -> Decision:
    """The decision with `processes` or `accounts` in the parameters of each action that asks for them.

    Where there are none, `unresolved` says why.

    Bound to pid and start now, so that people approve, and hosts carry out, what the reasons were about and nothing that
    came later.
    """
    if not any(CAUSE in map(action.parameters.get, _ASKED) for action in decision.actions):
        return decision
    subjects = {
        incident.id: {*incident.causes, *(one.subject for one in incident.reasons)}
        for incident in decision.incidents
    }
    return structs.replace(
        decision,
        actions=tuple(
            _named(
                action, subjects.get(action.incident, set()) if action.incident else set(), snapshot
            )
            for action in decision.actions
        ),
    )


def _named(action: Action, subjects: Collection[str], snapshot: Snapshot) -> Action:
    if action.parameters.get("account") == CAUSE:
        return _accounts(action, subjects)
    if action.parameters.get("process") != CAUSE:
        return action
    rows = snapshot.tables.get("processes", [])
    found = [
        named
        for row in rows
        if not subjects_of_process(row).isdisjoint(subjects) and (named := _identity(row))
    ]
    parameters = dict(action.parameters)
    if not found:
        parameters["unresolved"] = "no process that runs now is named by the incident's reasons"
    elif len(found) > _MOST:
        parameters["unresolved"] = (
            f"the incident's reasons fit {len(found)} processes; more than {_MOST} can't all be meant"
        )
    else:
        parameters["processes"] = found
    return structs.replace(action, parameters=parameters)


def _accounts(action: Action, subjects: Collection[str]) -> Action:
    names = sorted(one.removeprefix(_USER) for one in subjects if one.startswith(_USER))
    found: dict[str, Any] = {"accounts": names}
    if not names or len(names) > _MOST:
        found = {
            "unresolved": f"the incident's reasons name {len(names)} accounts, not 1 to {_MOST}"
        }
    return structs.replace(action, parameters=action.parameters | found)


def _identity(row: Row) -> dict[str, Any] | None:
    """Pid, start and path; None where the host did not say which process it is."""
    pid, start, path = row.get("pid"), row.get("start_time"), row.get("path")
    if not isinstance(pid, int) or not isinstance(start, int | float) or pid < 1 or start <= 0:
        return None
    return {"pid": pid, "start_time": start, "path": path if isinstance(path, str) else ""}
