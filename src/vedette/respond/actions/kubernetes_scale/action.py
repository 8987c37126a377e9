"""Carries out `kubernetes_scale`. Verified means: the workload was read back with none wanted and none running."""

from datetime import timedelta
from typing import Any, Final

from vedette.respond.actions.kubernetes_scale.schema import KubernetesScaleSchema
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.cluster import ACTION_MARK, Cluster, Marked, Ref, work_of
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["KubernetesScale"]

_REPLICAS_MARK: Final = "vedette/former-replicas"


class KubernetesScale(CloudLease):
    """Nothing in the cluster ends it: the responder does."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        super().__init__(KubernetesScaleSchema(), _Scale(cluster, enrolments))


class _Scale(Marked):
    """It changes `spec.replicas` and two annotations. What pods have in memory and in local volumes is lost."""

    # Pods have a time of their own to end in.
    settles: Final = timedelta(minutes=10)
    word = "scaled"

    def _find(self, job: Job) -> tuple[Ref, dict[str, Any]]:
        return work_of(self._cluster, self._enrolments, job)

    def _former(self, ref: Ref, thing: dict[str, Any]) -> dict[str, Any]:
        return {
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "replicas": _wanted(thing),
        }

    def _ref(self, former: dict[str, Any]) -> Ref:
        return Ref(kind=former["kind"], name=former["name"], namespace=former["namespace"])

    def _change(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        return _body(job.action.id, 0, former["replicas"])

    def _is_changed(self, thing: dict[str, Any]) -> bool:
        return not _wanted(thing)

    def _missing(self, thing: dict[str, Any], former: dict[str, Any], *, ours: bool) -> str:
        status = thing.get("status") or {}
        told = status.get("observedGeneration", 0) >= thing["metadata"].get("generation", 0)
        running = int(status.get("replicas") or 0)
        if ours and self._is_changed(thing) and told and not running:
            return ""
        return (
            f"{self._ref(former)} wants {_wanted(thing)} and runs {running}"
            f"{'' if told else ', as far as its controller has seen'}"
        )

    def _evidence(self, former: dict[str, Any]) -> dict[str, Any]:
        return {**self._named(former), "wanted": 0, "running": 0}

    def _back(self, thing: dict[str, Any], former: dict[str, Any]) -> dict[str, Any]:
        return _body(None, _wanted(thing) or former["replicas"], None)

    def _named(self, former: dict[str, Any]) -> dict[str, Any]:
        return {"workload": str(self._ref(former))}

    def _stands(self, thing: dict[str, Any]) -> dict[str, Any]:
        return {"wanted": _wanted(thing)}


def _wanted(work: dict[str, Any]) -> int:
    given = work["spec"].get("replicas")
    return 1 if given is None else int(given)


def _body(mark: str | None, replicas: int, former: int | None) -> dict[str, Any]:
    noted = None if former is None else str(former)
    return {
        "metadata": {"annotations": {ACTION_MARK: mark, _REPLICAS_MARK: noted}},
        "spec": {"replicas": replicas},
    }
