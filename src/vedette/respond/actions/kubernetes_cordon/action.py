"""Carries out `kubernetes_cordon`. Verified means: the node was read back unschedulable, with this action's mark."""

from datetime import timedelta
from typing import Any, Final

from vedette.core import Conflict, NotFound
from vedette.respond.actions.kubernetes_cordon.schema import KubernetesCordonSchema
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.cluster import (
    ACTION_MARK,
    Cluster,
    Ref,
    allowed,
    change,
    mark_of,
    node_of,
    uid_of,
)
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["KubernetesCordon"]


class KubernetesCordon(CloudLease):
    """Nothing in the cluster ends it: the responder does."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        super().__init__(KubernetesCordonSchema(), _Cordon(cluster, enrolments))


class _Cordon:
    """It changes `spec.unschedulable` and one annotation; pods that run there go on running."""

    settles: Final = timedelta(minutes=1)

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    @property
    def lacks(self) -> str:
        """The client, or settings."""
        return self._cluster.lacks

    def look(self, job: Job) -> dict[str, Any]:
        """What it is now, if it may be touched."""
        ref, node = node_of(self._cluster, self._enrolments, job)
        if mark_of(node) not in {"", job.action.id}:
            raise Conflict(f"{ref} is cordoned by action {mark_of(node)}")
        return {"node": ref.name, "uid": uid_of(node), "unschedulable": _is_cordoned(node)}

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What would be changed, and whether the API would take it."""
        body = _body(job.action.id, unschedulable=True)
        return {**former, "check": allowed(self._cluster, _ref(former), body)}

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Changes it, unless that is done."""
        change(
            self._cluster,
            _ref(former),
            lambda node: (
                None
                if _ours(job, former, node) and _is_cordoned(node)
                else _body(job.action.id, unschedulable=True)
            ),
        )

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """It is as it was made."""
        node = self._cluster.read(_ref(former))
        if not _ours(job, former, node) or not _is_cordoned(node):
            raise Conflict(f"node {former['node']} is not cordoned by this action")
        return {"node": former["node"], "unschedulable": True}

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Puts back what it was, unless somebody else changed it meanwhile."""
        by_others: list[bool] = []

        def back(node: dict[str, Any]) -> dict[str, Any] | None:
            if not _ours(job, former, node):
                return None
            if not _is_cordoned(node):
                by_others.append(True)
                return {"metadata": {"annotations": {ACTION_MARK: None}}}
            return _body(None, unschedulable=former["unschedulable"] or None)

        try:
            change(self._cluster, _ref(former), back)
            node = self._cluster.read(_ref(former))
        except NotFound:
            return {"node": former["node"], "gone": True}
        return {
            "node": former["node"],
            "unschedulable": _is_cordoned(node),
            "changed_by_others": bool(by_others),
        }


def _ref(former: dict[str, Any]) -> Ref:
    return Ref(kind="node", name=former["node"])


def _ours(job: Job, former: dict[str, Any], node: dict[str, Any]) -> bool:
    return mark_of(node) == job.action.id and uid_of(node) == former["uid"]


def _is_cordoned(node: dict[str, Any]) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def _body(mark: str | None, *, unschedulable: bool | None) -> dict[str, Any]:
    return {
        "metadata": {"annotations": {ACTION_MARK: mark}},
        "spec": {"unschedulable": unschedulable},
    }
