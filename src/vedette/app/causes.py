"""What a policy means by `@cause`: processes that its incident's reasons name, as the judged snapshot shows them, accounts, files."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from msgspec import structs

from vedette.core import Action, Row, Snapshot
from vedette.decide import Decision
from vedette.detect import subjects_of_process
from vedette.respond import CAUSE

__all__ = ["name_causes"]

# A subject names a program. Where so many run it, most of them are bystanders; agents take no more either.
_MOST = 8
_ASKED = ("process", "account", "file")
_USER = "user:"
# What of a reason's subject is the path of a file.
_FILES = ("file:", "suid:", "key:", "cron:", "sudo:", "process:")
_MOST_FILES = 32
# A subject that is longer was cut, and names no file any more.
_PATH_LETTERS = 390
# As agents take it.
_SHA256 = re.compile("[0-9a-f]{64}")


def name_causes(decision: Decision, snapshot: Snapshot) -> Decision:
    """The decision with `processes`, `accounts` or `cause_files` in the parameters of each action that asks for them.

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
    found: dict[str, Any] = {}
    if action.parameters.get("account") == CAUSE:
        found = _accounts(subjects)
    else:
        if action.parameters.get("process") == CAUSE:
            found |= _processes(subjects, snapshot)
        if action.parameters.get("file") == CAUSE:
            found = _together(found, _files(subjects))
    return structs.replace(action, parameters=action.parameters | found) if found else action


def _processes(subjects: Collection[str], snapshot: Snapshot) -> dict[str, Any]:
    rows = snapshot.tables.get("processes", [])
    digests = {
        path: digest
        for row in snapshot.tables.get("hash", [])
        if isinstance(path := row.get("path"), str)
        and isinstance(digest := row.get("sha256"), str)
        and _SHA256.fullmatch(digest)
    }
    found = [
        named
        for row in rows
        if not subjects_of_process(row).isdisjoint(subjects) and (named := _identity(row, digests))
    ]
    if not found:
        return {"unresolved": "no process that runs now is named by the incident's reasons"}
    if len(found) > _MOST:
        why = f"the incident's reasons fit {len(found)} processes; more than {_MOST} can't all be meant"
        return {"unresolved": why}
    return {"processes": found}


def _files(subjects: Collection[str]) -> dict[str, Any]:
    """Paths that subjects name; whether such files are there only the host can tell."""
    paths = {
        one.partition(":")[2]
        for one in subjects
        if one.startswith(_FILES) and len(one) <= _PATH_LETTERS
    }
    found = sorted(path for path in paths if path.startswith("/") and path.isprintable())
    if not found:
        return {"unresolved": "no file is named by the incident's reasons"}
    return {"cause_files": found[:_MOST_FILES]}


def _together(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both, with why something is missing of either."""
    whys = [found["unresolved"] for found in (one, other) if "unresolved" in found]
    return one | other | ({"unresolved": "; ".join(whys)} if whys else {})


def _accounts(subjects: Collection[str]) -> dict[str, Any]:
    names = sorted(one.removeprefix(_USER) for one in subjects if one.startswith(_USER))
    if not names or len(names) > _MOST:
        return {
            "unresolved": f"the incident's reasons name {len(names)} accounts, not 1 to {_MOST}"
        }
    return {"accounts": names}


def _identity(row: Row, digests: Mapping[str, str]) -> dict[str, Any] | None:
    """Pid, start, path, and the digest of the file there; None where the host did not say which process it is.

    `digests` are the snapshot's, by path. Of a program whose file was deleted or replaced since it began it has none.
    """
    pid, start, path = row.get("pid"), row.get("start_time"), row.get("path")
    if not isinstance(pid, int) or not isinstance(start, int | float) or pid < 1 or start <= 0:
        return None
    path = path if isinstance(path, str) else ""
    digest = digests.get(path) if row.get("on_disk") == 1 else None
    bound = {"sha256": digest} if digest else {}
    return {"pid": pid, "start_time": start, "path": path, **bound}
