"""A cluster on this machine (the labelled fake of the API server) with what stands between it and the responder."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.fixtures.failing_proxy import Asked, Break, FailingProxy, failing_proxy
from tests.respond.ec2_world import Pinned
from tests.respond.world import HOST, TENANT, World, action

from vedette.core import Action, Mode
from vedette.respond import (
    Cluster,
    Kubernetes,
    KubernetesCordon,
    KubernetesIsolate,
    KubernetesScale,
    Registry,
    Responder,
)
from vedette.respond.cluster.fake_api import FakeApi, fake_api
from vedette.respond.cluster.fake_rows import Row

LEASE = 1800.0
NODE = Row("nodes", "", "node-1")
WEB = Row("deployments", "shop", "web")
DB = Row("statefulsets", "shop", "db")
LABELS = {
    "kubernetes.node": "node-1",
    "kubernetes.namespace": "shop",
    "kubernetes.workload": "deployment/web",
}


def thing(
    kind: str, version: str, name: str, spec: dict[str, Any], **labels: str
) -> dict[str, Any]:
    """An object as people write it."""
    metadata = {"name": name, "labels": labels, "annotations": {"team": "shop"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def workload(kind: str, name: str, replicas: int | None, **more: Any) -> dict[str, Any]:
    """A Deployment or StatefulSet of pods labelled with its name."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "example.com/main:1"}]},
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": {"app": name}},
        "template": template,
        **more,
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return thing(kind, "apps/v1", name, spec, app=name)


def refusal(status: int, *, after: bool = False) -> Break:
    """A Status as the API words it."""
    told = {"kind": "Status", "status": "Failure", "message": "made by the test", "code": status}
    return Break(status, json.dumps(told).encode(), "application/json", after=after)


def breaking(
    method: str, answer: Break, *, after: int = 0, times: int = 10**9
) -> Callable[[Asked], Break | None]:
    """Breaks calls by this method: not the first `after` of them, and then `times`."""
    seen = 0

    def breaks(asked: Asked) -> Break | None:
        nonlocal seen
        if asked.method != method or b"dryRun" in asked.path.encode():
            return None
        seen += 1
        return answer if after < seen <= after + times else None

    return breaks


class Scene:
    """The cluster: a node, a deployment of three pods, a stateful set."""

    def __init__(self, api: FakeApi, proxy: FailingProxy, directory: Path) -> None:
        self.api, self.proxy = api, proxy
        self.kubeconfig = directory / "kubeconfig"
        api.create(NODE, thing("Node", "v1", "node-1", {}))
        api.create(WEB, workload("Deployment", "web", 3))
        api.create(DB, workload("StatefulSet", "db", None, serviceName="db"))
        for number in range(3):
            self.pod(f"web-{number}", app="web")
        self.connect(proxy.url)
        self.before = {row: self.plain(row) for row in (NODE, WEB, DB)}

    def connect(self, url: str) -> None:
        """Where the kubeconfig points to."""
        self.kubeconfig.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "c", "cluster": {"server": url}}],
                    "users": [{"name": "u", "user": {"token": "x"}}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )

    def pod(
        self, name: str, *, on_host: bool = False, phase: str = "Running", **labels: str
    ) -> None:
        """`on_host`: in its node's network."""
        spec: dict[str, Any] = {"containers": [{"name": "main", "image": "example.com/main:1"}]}
        made = thing("Pod", "v1", name, spec | ({"hostNetwork": True} if on_host else {}), **labels)
        self.api.create(Row("pods", "shop", name), made | {"status": {"phase": phase}})

    def policy(self, name: str, selector: dict[str, Any], **rules: Any) -> None:
        made = thing(
            "NetworkPolicy", "networking.k8s.io/v1", name, {"podSelector": selector, **rules}
        )
        self.api.create(Row("networkpolicies", "shop", name), made)

    def policies(self) -> list[dict[str, Any]]:
        return self.api.among("networkpolicies", "shop", "")

    def plain(self, row: Row) -> tuple[Any, Any]:
        """What people see of it: its spec and its annotations."""
        one = self.api.get(row)
        return one["spec"], one["metadata"].get("annotations")

    def untouched(self) -> bool:
        same = all(self.plain(row) == before for row, before in self.before.items())
        return same and not self.policies()

    def changes(self) -> list[str]:
        """What was asked for that is neither a look nor a dry run."""
        return [
            one.method
            for one in self.proxy.asked
            if one.method != "GET" and "dryRun" not in one.path
        ]


@contextmanager
def cluster(directory: Path) -> Iterator[Scene]:
    with fake_api() as api, failing_proxy(api.url) as proxy:
        yield Scene(api, proxy, directory)


class Play:
    """A responder over one world, acting on one cluster."""

    def __init__(
        self, world: World, scene: Scene, *, labels: dict[str, str] | None = None, **settings: Any
    ) -> None:
        self.world, self.scene = world, scene
        given: dict[str, Any] = {
            "tenant": TENANT,
            "enabled": True,
            "kubeconfig": str(scene.kubeconfig),
        }
        self.settings = Kubernetes(**(given | settings))
        self.hosts = Pinned(LABELS if labels is None else labels)
        self.restart()

    def restart(self) -> None:
        """A responder that knows nothing but the rows."""
        made, hosts = Cluster(self.settings), self.hosts
        kinds = [
            KubernetesCordon(made, hosts),
            KubernetesIsolate(made, hosts),
            KubernetesScale(made, hosts),
        ]
        self.responder = Responder(
            self.world.ports, Registry(kinds), self.world.clock, sweep_seconds=0.0
        )

    def propose(self, made: Action) -> Action:
        self.world.propose(made)
        self.responder.tick()
        return self.stands(made)

    def stands(self, made: Action) -> Action:
        return self.world.ports.actions.get(TENANT, made.id)

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.responder.tick()


def lease(kind: str, number: int = 1, **changes: Any) -> Action:
    """A proposed lease of this kind in auto mode."""
    given: dict[str, Any] = {
        "kind": f"kubernetes_{kind}",
        "mode": Mode.AUTO,
        "disruptive": True,
        "lease_seconds": LEASE,
        "most_seconds": 86_400.0,
        "parameters": {"lease": LEASE, "at_most": 86_400.0},
        "host": HOST,
    }
    return action(number, **(given | changes))
