"""Carries out `kubernetes_cordon`. Verified means: the node was read back unschedulable, with this action's mark."""

from datetime import timedelta
from typing import Any, Final

from vedette.respond.actions.kubernetes_cordon.schema import KubernetesCordonSchema
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.cluster import ACTION_MARK, Cluster, Marked, Ref, node_of
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["KubernetesCordon"]


class KubernetesCordon(CloudLease):
    """Nothing in the cluster ends it: the responder does."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        super().__init__(KubernetesCordonSchema(), _Cordon(cluster, enrolments))


class _Cordon(Marked):
    """It changes `spec.unschedulable` and one annotation; pods that run there go on running."""

    settles: Final = timedelta(minutes=1)
    word = "cordoned"

    def _find(self, job: Job) -> tuple[Ref, dict[str, Any]]:
        return node_of(self._cluster, self._enrolments, job)

    def _former(self, ref: Ref, thing: dict[str, Any]) -> dict[str, Any]:
        return {"node": ref.name, "unschedulable": self._is_changed(thing)}

    def _ref(self, former: dict[str, Any]) -> Ref:
        return Ref(kind="node", name=former["node"])

    def _change(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        del former
        return _body(job.action.id, unschedulable=True)

    def _is_changed(self, thing: dict[str, Any]) -> bool:
        return bool((thing.get("spec") or {}).get("unschedulable"))

    def _missing(self, thing: dict[str, Any], former: dict[str, Any], *, ours: bool) -> str:
        if ours and self._is_changed(thing):
            return ""
        return f"node {former['node']} is not cordoned by this action"

    def _evidence(self, former: dict[str, Any]) -> dict[str, Any]:
        return {**self._named(former), "unschedulable": True}

    def _back(self, thing: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
        if not self._is_changed(thing):
            return {"metadata": {"annotations": {ACTION_MARK: None}}}
        return _body(None, unschedulable=former["unschedulable"] or None)

    def _named(self, former: dict[str, Any]) -> dict[str, Any]:
        return {"node": former["node"]}

    def _stands(self, thing: dict[str, Any]) -> dict[str, Any]:
        return {"unschedulable": self._is_changed(thing)}


def _body(mark: str | None, *, unschedulable: bool | None) -> dict[str, Any]:
    return {
        "metadata": {"annotations": {ACTION_MARK: mark}},
        "spec": {"unschedulable": unschedulable},
    }
