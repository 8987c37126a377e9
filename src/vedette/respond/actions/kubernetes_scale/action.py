"""Carries out `kubernetes_scale`. Verified means: the workload was read back with none wanted and none running."""

from datetime import timedelta
from typing import Any, Final

from vedette.core import Conflict, NotFound
from vedette.respond.actions.kubernetes_scale.schema import KubernetesScaleSchema
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.cluster import (
    ACTION_MARK,
    Cluster,
    Ref,
    allowed,
    change,
    mark_of,
    uid_of,
    work_of,
)
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["KubernetesScale"]

_REPLICAS_MARK: Final = "vedette/former-replicas"


class KubernetesScale(CloudLease):
    """Nothing in the cluster ends it: the responder does."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        super().__init__(KubernetesScaleSchema(), _Scale(cluster, enrolments))


class _Scale:
    """It changes `spec.replicas` and two annotations. What pods have in memory and in local volumes is lost."""

    # Pods have a time of their own to end in.
    settles: Final = timedelta(minutes=10)

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        self._cluster = cluster
        self._enrolments = enrolments

    @property
    def lacks(self) -> str:
        """The client, or settings."""
        return self._cluster.lacks

    def look(self, job: Job) -> dict[str, Any]:
        """What it is now, if it may be touched."""
        ref, work = work_of(self._cluster, self._enrolments, job)
        if mark_of(work) not in {"", job.action.id}:
            raise Conflict(f"{ref} is scaled by action {mark_of(work)}")
        return {
            "kind": ref.kind,
            "namespace": ref.namespace,
            "name": ref.name,
            "uid": uid_of(work),
            "replicas": _wanted(work),
        }

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What would be changed, and whether the API would take it."""
        body = _body(job.action.id, 0, former["replicas"])
        return {**former, "check": allowed(self._cluster, _ref(former), body)}

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Changes it, unless that is done."""
        change(
            self._cluster,
            _ref(former),
            lambda work: (
                None
                if _ours(job, former, work) and not _wanted(work)
                else _body(job.action.id, 0, former["replicas"])
            ),
        )

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """It is as it was made."""
        work = self._cluster.read(_ref(former))
        status = work.get("status") or {}
        told = status.get("observedGeneration", 0) >= work["metadata"].get("generation", 0)
        running = int(status.get("replicas") or 0)
        if not _ours(job, former, work) or _wanted(work) or running or not told:
            raise Conflict(
                f"{_ref(former)} wants {_wanted(work)} and runs {running}"
                f"{'' if told else ', as far as its controller has seen'}"
            )
        return {"workload": str(_ref(former)), "wanted": 0, "running": 0}

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Puts back what it was, unless somebody else changed it meanwhile."""
        by_others: list[int] = []

        def back(work: dict[str, Any]) -> dict[str, Any] | None:
            if not _ours(job, former, work):
                return None
            if now := _wanted(work):
                by_others.append(now)
            return _body(None, now or former["replicas"], None)

        try:
            change(self._cluster, _ref(former), back)
            work = self._cluster.read(_ref(former))
        except NotFound:
            return {"workload": str(_ref(former)), "gone": True}
        return {
            "workload": str(_ref(former)),
            "wanted": _wanted(work),
            "changed_by_others": bool(by_others),
        }


def _ref(former: dict[str, Any]) -> Ref:
    return Ref(kind=former["kind"], name=former["name"], namespace=former["namespace"])


def _ours(job: Job, former: dict[str, Any], work: dict[str, Any]) -> bool:
    return mark_of(work) == job.action.id and uid_of(work) == former["uid"]


def _wanted(work: dict[str, Any]) -> int:
    given = work["spec"].get("replicas")
    return 1 if given is None else int(given)


def _body(mark: str | None, replicas: int, former: int | None) -> dict[str, Any]:
    noted = None if former is None else str(former)
    return {
        "metadata": {"annotations": {ACTION_MARK: mark, _REPLICAS_MARK: noted}},
        "spec": {"replicas": replicas},
    }
