"""What a host is in the cluster. Never a guess: a host's own word, its name and its addresses prove nothing.

A proof is labels that came with the host's enrolment token, which the host can't change, or a node's label `vedette/host` with
the host's id, which only somebody with rights in the cluster can set.
"""

from collections.abc import Mapping
from typing import Any, Final

from vedette.core import Conflict, Forbidden, InvalidInput, NotFound
from vedette.respond.cluster.cluster import Cluster
from vedette.respond.cluster.ref import Kind, Ref
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["node_of", "work_of"]

_HOST_LABEL: Final = "vedette/host"
_PROTECTED: Final = "vedette/protected"
_CONTROL: Final = "node-role.kubernetes.io/control-plane"
_SYSTEM: Final = frozenset({"kube-system", "kube-public", "kube-node-lease"})
_WORKLOADS: Final[dict[str, Kind]] = {"deployment": "deployment", "statefulset": "stateful_set"}


def node_of(cluster: Cluster, enrolments: Enrolments, job: Job) -> tuple[Ref, dict[str, Any]]:
    """The node that the host is, if it may be touched.

    Raises:
        VedetteError: none proves to be the host's, several do, or it is protected.
    """
    name = _labels(cluster, enrolments, job).get("kubernetes.node", "")
    if name:
        ref = Ref(kind="node", name=name)
        node = cluster.read(ref)
        if _labelled(node).get(_HOST_LABEL, job.action.host) != job.action.host:
            raise Conflict(f"{ref} is labelled as this host's, but its own label names another")
    else:
        found = cluster.find("node", selector=f"{_HOST_LABEL}={job.action.host}")
        if len(found) != 1:
            raise (Conflict if found else NotFound)(
                f"{len(found)} nodes prove to be this host's: by a label kubernetes.node of its enrolment,"
                f" or the node's label {_HOST_LABEL} = {job.action.host}"
            )
        (node,) = found
        ref = Ref(kind="node", name=node["metadata"]["name"])
    if _CONTROL in _labelled(node):
        raise Forbidden(f"{ref} is of the control plane")
    return ref, _unprotected(ref, node)


def work_of(cluster: Cluster, enrolments: Enrolments, job: Job) -> tuple[Ref, dict[str, Any]]:
    """The workload that the host is a pod of, if it may be touched.

    Raises:
        VedetteError: the enrolment names none, it is not there, or it is protected.
    """
    labels = _labels(cluster, enrolments, job)
    namespace = labels.get("kubernetes.namespace", "")
    word, _, name = labels.get("kubernetes.workload", "").partition("/")
    if not namespace or not name or word not in _WORKLOADS:
        raise NotFound(
            "no workload proves to be this host's: its enrolment has no labels kubernetes.namespace and"
            " kubernetes.workload (deployment/NAME or statefulset/NAME)"
        )
    if namespace in _SYSTEM or namespace in cluster.settings.protected_namespaces:
        raise Forbidden(f"namespace {namespace} is protected")
    ref = Ref(kind=_WORKLOADS[word], name=name, namespace=namespace)
    return ref, _unprotected(ref, cluster.read(ref))


def _labels(cluster: Cluster, enrolments: Enrolments, job: Job) -> Mapping[str, str]:
    tenant = cluster.settings.tenant
    if job.action.host is None or job.action.tenant != tenant:
        raise InvalidInput(f"there are settings for hosts of tenant {tenant} alone")
    return enrolments.pinned(job.action.tenant, job.action.host)


def _labelled(thing: dict[str, Any]) -> dict[str, str]:
    return thing["metadata"].get("labels") or {}


def _unprotected(ref: Ref, thing: dict[str, Any]) -> dict[str, Any]:
    annotations = thing["metadata"].get("annotations") or {}
    if _PROTECTED in annotations or _PROTECTED in _labelled(thing):
        raise Forbidden(f"{ref} bears {_PROTECTED}")
    return thing
