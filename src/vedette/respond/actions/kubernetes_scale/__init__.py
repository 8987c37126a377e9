"""Takes a workload down to no pods, for the time of a lease."""

from vedette.respond.actions.kubernetes_scale.action import KubernetesScale
from vedette.respond.actions.kubernetes_scale.schema import KubernetesScaleSchema

__all__ = ["KubernetesScale", "KubernetesScaleSchema"]
