"""Keeps new pods off a node, for the time of a lease."""

from vedette.respond.actions.kubernetes_cordon.action import KubernetesCordon
from vedette.respond.actions.kubernetes_cordon.schema import KubernetesCordonSchema

__all__ = ["KubernetesCordon", "KubernetesCordonSchema"]
