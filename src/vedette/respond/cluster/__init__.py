"""A Kubernetes cluster as the actions need it: calls, what a host is in it, and changes that others' changes don't lose."""

from vedette.respond.cluster.change import ACTION_MARK, allowed, change, mark_of, uid_of
from vedette.respond.cluster.cluster import Cluster, Kubernetes
from vedette.respond.cluster.marked import Marked
from vedette.respond.cluster.place import node_of, work_of
from vedette.respond.cluster.ref import Ref

__all__ = [
    "ACTION_MARK",
    "Cluster",
    "Kubernetes",
    "Marked",
    "Ref",
    "allowed",
    "change",
    "mark_of",
    "node_of",
    "uid_of",
    "work_of",
]
