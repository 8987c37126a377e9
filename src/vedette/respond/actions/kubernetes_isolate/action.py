"""Carries out `kubernetes_isolate`. Verified means: the API has the policy, it can hold for all of the pods, and no other lets through what it denies."""

from vedette.respond.actions.kubernetes_isolate.denial import Denial
from vedette.respond.actions.kubernetes_isolate.schema import KubernetesIsolateSchema
from vedette.respond.cloud_lease import CloudLease
from vedette.respond.cluster import Cluster
from vedette.respond.ports import Enrolments

__all__ = ["KubernetesIsolate"]


class KubernetesIsolate(CloudLease):
    """Nothing in the cluster ends it: the responder does."""

    def __init__(self, cluster: Cluster, enrolments: Enrolments) -> None:
        super().__init__(KubernetesIsolateSchema(), Denial(cluster, enrolments))
