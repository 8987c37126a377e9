"""FAKE. Objects of a cluster as an API server keeps them, for tests of what acts on one; never for service.

It goes by the API's own rules: every object is checked against the models that the official client is generated with from the
API's OpenAPI document, unknown fields are refused as strict decoding does, a resourceVersion that is old is a conflict, a
changed spec is a new generation. Nothing is scheduled, run or filtered here.
"""

import copy
import uuid
from typing import Any, Final, NamedTuple

__all__ = ["FakeRows", "Refusal", "Row"]

_MODELS: Final = {
    "nodes": "V1Node",
    "pods": "V1Pod",
    "deployments": "V1Deployment",
    "statefulsets": "V1StatefulSet",
    "networkpolicies": "V1NetworkPolicy",
}


class Row(NamedTuple):
    """Where an object is: its resource's plural, its namespace (empty for nodes), its name."""

    plural: str
    namespace: str
    name: str


class Refusal(Exception):  # noqa: N818 - it is what it is called
    """An answer that is not the object: a Status with this code."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class FakeRows:
    """`controllers` off leaves the status of workloads as it is, as when pods take their time to end."""

    def __init__(self) -> None:
        self.rows: dict[Row, dict[str, Any]] = {}
        self.controllers = True
        self._version = 0

    def get(self, row: Row) -> dict[str, Any]:
        """The object."""
        if row not in self.rows:
            raise Refusal(404, "NotFound", f'{row.plural} "{row.name}" not found')
        return copy.deepcopy(self.rows[row])

    def among(self, plural: str, namespace: str, selector: str) -> list[dict[str, Any]]:
        """Those of a namespace (empty: of all) that the selector selects, by name."""
        return [
            copy.deepcopy(one)
            for row, one in sorted(self.rows.items())
            if row.plural == plural
            and namespace in {"", row.namespace}
            and _selects(selector, one["metadata"].get("labels") or {})
        ]

    def create(self, row: Row, body: dict[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """A new object."""
        if row in self.rows:
            raise Refusal(409, "AlreadyExists", f'{row.plural} "{row.name}" already exists')
        made = _checked(row.plural, body)
        made["metadata"]["uid"] = str(uuid.uuid4())
        made["metadata"]["generation"] = 1
        return self._keep(row, made, dry=dry)

    def patch(self, row: Row, body: dict[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """As RFC 7386 merges."""
        before = self.get(row)
        told = body.get("metadata", {}).get("resourceVersion")
        if told not in {None, before["metadata"]["resourceVersion"]}:
            raise Refusal(
                409, "Conflict", f'{row.plural} "{row.name}": the object has been modified'
            )
        after = _checked(row.plural, _merged(before, body))
        if after.get("spec") != before.get("spec"):
            after["metadata"]["generation"] += 1
        return self._keep(row, after, dry=dry)

    def delete(self, row: Row, options: dict[str, Any]) -> None:
        """If its preconditions hold."""
        wanted = (options.get("preconditions") or {}).get("uid")
        if wanted not in {None, self.get(row)["metadata"]["uid"]}:
            raise Refusal(409, "Conflict", f'{row.plural} "{row.name}": uid differs')
        del self.rows[row]

    def _keep(self, row: Row, made: dict[str, Any], *, dry: bool) -> dict[str, Any]:
        self._version += 1
        made["metadata"]["resourceVersion"] = str(self._version)
        if row.plural in {"deployments", "statefulsets"} and self.controllers:
            made["status"] = {
                **made.get("status", {}),
                "replicas": made["spec"].get("replicas", 1),
                "observedGeneration": made["metadata"]["generation"],
            }
        if not dry:
            self.rows[row] = copy.deepcopy(made)
        return made


def _checked(plural: str, body: dict[str, Any]) -> dict[str, Any]:
    """The object without nulls, if the client's own model of it has every field."""
    from kubernetes import client
    from pydantic import ValidationError

    given: dict[str, Any] = _without_nulls(body)
    try:
        model = getattr(client, _MODELS[plural]).from_dict(given)
    except (ValidationError, ValueError, TypeError) as error:
        raise Refusal(422, "Invalid", f"{plural}: {error}") from error
    known = client.ApiClient().sanitize_for_serialization(model)
    if lost := _lost(given, known):
        raise Refusal(400, "BadRequest", f'strict decoding error: unknown field "{lost}"')
    return given


def _lost(given: Any, known: Any, path: str = "") -> str:
    if isinstance(given, dict):
        for key, value in given.items():
            if not isinstance(known, dict) or key not in known:
                return f"{path}{key}"
            if lost := _lost(value, known[key], f"{path}{key}."):
                return lost
    return ""


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return value


def _merged(before: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    after = dict(before) if isinstance(before, dict) else {}
    for key, value in patch.items():
        if value is None:
            after.pop(key, None)
        else:
            after[key] = _merged(after.get(key), value)
    return after


def _selects(selector: str, labels: dict[str, str]) -> bool:
    return all(_holds(term, labels) for term in _terms(selector) if term)


def _terms(selector: str) -> list[str]:
    """Parted at the commas that are not within parentheses."""
    found, depth = [""], 0
    for sign in selector:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return found


def _holds(term: str, labels: dict[str, str]) -> bool:
    if " notin (" in term or " in (" in term:
        key, word, values = term.rstrip(")").replace("(", "").split(" ", 2)
        inside = labels.get(key) in values.split(",")
        return inside if word == "in" else not inside
    if term.startswith("!"):
        return term[1:] not in labels
    key, equals, value = term.partition("=")
    return labels.get(key) == value if equals else key in labels
