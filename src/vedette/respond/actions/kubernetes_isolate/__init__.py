"""Cuts pods off by a NetworkPolicy, for the time of a lease."""

from vedette.respond.actions.kubernetes_isolate.action import KubernetesIsolate
from vedette.respond.actions.kubernetes_isolate.schema import KubernetesIsolateSchema

__all__ = ["KubernetesIsolate", "KubernetesIsolateSchema"]
