"""A NetworkPolicy that denies all, put there and taken away.

Policies add up: what any of them lets through passes. So one that denies isolates only where no other selects the same pods
and lets something through; that is looked for, and told. What shares its node's network (`hostNetwork`) no policy holds for:
to the plugin its packets are the node's, so it is refused.
"""

from datetime import timedelta
from typing import Any, Final

from vedette.core import Conflict, NotFound, Unavailable, VedetteError
from vedette.respond.cluster import ACTION_MARK, Cluster, Ref, mark_of, uid_of, work_of
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["Denial"]

_NO_HOLD: Final = "and network policies do not hold for these"
_MOST_NAMED: Final = 5
# Of a pod that runs no more.
_OVER: Final = frozenset({"Succeeded", "Failed"})


class Denial:
    """A measure. It makes one NetworkPolicy with this action's mark, and deletes that one alone."""

    settles: Final = timedelta(minutes=1)

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    @property
    def lacks(self) -> str:
        """The client, or settings."""
        return self._cluster.lacks

    def look(self, job: Job) -> dict[str, Any]:
        """The workload's own selector, or none for the whole namespace.

        Raises:
            Conflict: another policy would let through what this one denies, or it would not hold for some of the pods.
        """
        ref, work = work_of(self._cluster, self._enrolments, job)
        if work["spec"]["template"]["spec"].get("hostNetwork"):
            raise Conflict(f"pods of {ref} are in their node's network (hostNetwork), {_NO_HOLD}")
        whole = job.action.parameters.get("whole_namespace")
        former = {
            "namespace": ref.namespace,
            "name": f"vedette-{job.action.id}",
            "selector": {} if whole else work["spec"]["selector"],
        }
        self._enforceable(former)
        self._unopposed(former)
        return former

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """The policy itself, and whether the API would take it."""
        body = _policy(job, former)
        try:
            self._cluster.create(_ref(former), body, dry=True)
        except VedetteError as error:
            return {"policy": body, "check": error.detail}
        return {"policy": body, "check": "allowed"}

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Makes it; one that is there already is read back later like any other."""
        try:
            self._cluster.create(_ref(former), _policy(job, former))
        except Conflict:
            self._ours(job, former)

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """It is there as it was made, holds for all of the pods, and nothing is let through beside it."""
        there = self._ours(job, former)
        spec = there["spec"]
        if spec.get("ingress") or spec.get("egress") or spec["podSelector"] != former["selector"]:
            raise Conflict(f"{_ref(former)} was changed by somebody")
        self._enforceable(former)
        self._unopposed(former)
        return {"policy": str(_ref(former)), "uid": uid_of(there), "selector": former["selector"]}

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Deletes it, if it is there and bears this action's mark, or is the very one that was seen in force."""
        gone = {"policy": str(_ref(former)), "there": False}
        try:
            there = self._cluster.read(_ref(former))
            if uid_of(there) not in _seen(job):
                there = self._ours(job, former)
            self._cluster.delete(_ref(former), uid_of(there))
            self._cluster.read(_ref(former))
        except NotFound:
            return gone
        raise Unavailable(f"{_ref(former)} is still there")

    def _ours(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        there = self._cluster.read(_ref(former))
        if mark_of(there) != job.action.id:
            raise Conflict(f"{_ref(former)} is not of this action")
        return there

    def _enforceable(self, former: dict[str, Any]) -> None:
        namespace = former["namespace"]
        free = [
            str(one["metadata"]["name"])
            for one in self._cluster.find("pod", namespace, _words(former["selector"]))
            if one["spec"].get("hostNetwork")
            and (one.get("status") or {}).get("phase") not in _OVER
        ]
        if free:
            raise Conflict(
                f"{len(free)} of the pods are in their node's network (hostNetwork), {_NO_HOLD}:"
                f" {', '.join(free[:_MOST_NAMED])}"
            )

    def _unopposed(self, former: dict[str, Any]) -> None:
        namespace = former["namespace"]
        ours = self._pods(namespace, former["selector"])
        for one in self._cluster.find("network_policy", namespace):
            spec = one["spec"]
            if spec.get("ingress") or spec.get("egress"):
                both = ours & self._pods(namespace, spec["podSelector"])
                if both:
                    raise Conflict(
                        f"network policy {namespace}/{one['metadata']['name']} lets something through to or from"
                        f" {len(both)} of the pods, which a second one can't deny"
                    )

    def _pods(self, namespace: str, selector: dict[str, Any]) -> set[str]:
        found = self._cluster.find("pod", namespace, _words(selector))
        return {str(one["metadata"]["name"]) for one in found}


def _seen(job: Job) -> set[str]:
    """The uids of what was read back so far, by the rows."""
    return {str(event.data["uid"]) for event in job.events if "uid" in event.data}


def _ref(former: dict[str, Any]) -> Ref:
    return Ref(kind="network_policy", name=former["name"], namespace=former["namespace"])


def _policy(job: Job, former: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": former["name"],
            "namespace": former["namespace"],
            "labels": {"app.kubernetes.io/managed-by": "vedette"},
            "annotations": {ACTION_MARK: str(job.action.id)},
        },
        "spec": {"podSelector": former["selector"], "policyTypes": ["Ingress", "Egress"]},
    }


def _words(selector: dict[str, Any]) -> str:
    """As the API takes selectors in a query."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        key, values = one["key"], ",".join(one.get("values") or [])
        terms.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": key,
                "DoesNotExist": f"!{key}",
            }[one["operator"]]
        )
    return ",".join(terms)
