"""Calls to one cluster's API server, and what its errors mean: what may pass is Unavailable, all else stays."""

import importlib.util
import json
from typing import Any, Final

from vedette.core import (
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    Record,
    TenantId,
    Unavailable,
    VedetteError,
)
from vedette.respond.cluster.ref import Kind, Ref

__all__ = ["Cluster", "Kubernetes"]

_MOST_WORDS: Final = 300
_MERGE: Final = "application/merge-patch+json"
_CALLS: Final[dict[Kind, tuple[str, str]]] = {
    "node": ("CoreV1Api", "node"),
    "pod": ("CoreV1Api", "namespaced_pod"),
    "deployment": ("AppsV1Api", "namespaced_deployment"),
    "stateful_set": ("AppsV1Api", "namespaced_stateful_set"),
    "network_policy": ("NetworkingV1Api", "namespaced_network_policy"),
}
_ERRORS: Final[dict[int, type[VedetteError]]] = {
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    429: Unavailable,
}


class Kubernetes(Record, frozen=True, kw_only=True):
    """Which cluster, and what of it is never touched.

    `tenant` is the only one that is acted for. `kubeconfig` is a file (empty: the service account of the pod that this runs in),
    `context` one of its contexts (empty: its current one). Namespaces of the system are protected beside `protected_namespaces`.
    """

    tenant: TenantId
    enabled: bool = False
    kubeconfig: str = ""
    context: str = ""
    protected_namespaces: tuple[str, ...] = ()
    timeout_seconds: float = 15.0


class Cluster:
    """Objects come and go as the API's own JSON."""

    def __init__(self, settings: Kubernetes) -> None:
        self.settings = settings
        self._client: Any = None

    @property
    def lacks(self) -> str:
        """What must be set or installed before anything begins; empty if nothing."""
        if not self.settings.enabled:
            return (
                "acting on Kubernetes is off; set kubernetes.enabled and what docs/cloud.md names"
            )
        return _uninstalled()

    def read(self, ref: Ref) -> dict[str, Any]:
        """The object.

        Raises:
            NotFound: there is none.
            Unavailable: out of reach, or too busy.
            VedetteError: it will not work later either.
        """
        return self._ask("read", ref.kind, *_place(ref))

    def patch(self, ref: Ref, body: dict[str, Any], *, dry: bool = False) -> dict[str, Any]:
        """The object with `body` merged into it; with a resourceVersion in that, only if nobody changed it since.

        Raises:
            Conflict: somebody did.
        """
        return self._ask(
            "patch",
            ref.kind,
            *_place(ref),
            body,
            _content_type=_MERGE,
            dry_run="All" if dry else None,
        )

    def create(self, ref: Ref, body: dict[str, Any], *, dry: bool = False) -> None:
        """Makes the object.

        Raises:
            Conflict: one of this name is there.
        """
        self._ask("create", ref.kind, ref.namespace, body, dry_run="All" if dry else None)

    def delete(self, ref: Ref, uid: str) -> None:
        """Deletes the object if it is still the very one.

        Raises:
            Conflict: it is another.
        """
        self._ask("delete", ref.kind, *_place(ref), body={"preconditions": {"uid": uid}})

    def find(self, kind: Kind, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All that the selector selects."""
        where = (namespace,) if namespace else ()
        found: list[dict[str, Any]] = []
        more: str | None = ""
        while more is not None:
            page = self._ask(
                "list", kind, *where, label_selector=selector, limit=500, _continue=more or None
            )
            found += page["items"]
            more = page["metadata"].get("continue") or None
        return found

    def _ask(self, verb: str, kind: Kind, *given: Any, **named: Any) -> dict[str, Any]:
        # Not whether it is turned on: what is in force must be released all the same.
        if why := _uninstalled():
            raise InvalidInput(why)
        from kubernetes import client
        from kubernetes.client.exceptions import ApiException, OpenApiException
        from urllib3.exceptions import HTTPError

        room, thing = _CALLS[kind]
        words = f"{verb} {thing.removeprefix('namespaced_')}"
        timeout = (self.settings.timeout_seconds, self.settings.timeout_seconds)
        api = getattr(client, room)(self._connected())
        try:
            answer = getattr(api, f"{verb}_{thing}")(*given, _request_timeout=timeout, **named)
            return _plain(self._client.sanitize_for_serialization(answer))
        except ApiException as error:
            raise _said(words, error) from error
        except (HTTPError, OpenApiException, ValueError) as error:
            raise Unavailable(f"{words}: {str(error)[:_MOST_WORDS]}") from error

    def _connected(self) -> Any:
        if self._client is None:
            from kubernetes import client, config

            set_up = client.Configuration()
            set_up.retries = False
            file = self.settings.kubeconfig
            try:
                if file:
                    config.load_kube_config(
                        config_file=file,
                        context=self.settings.context or None,
                        client_configuration=set_up,
                    )
                else:
                    config.load_incluster_config(client_configuration=set_up)
            except (config.ConfigException, OSError, ValueError) as error:
                named = f"kubernetes.kubeconfig {file}" if file else "no kubernetes.kubeconfig, and"
                raise InvalidInput(f"{named}: {str(error)[:_MOST_WORDS]}") from error
            self._client = client.ApiClient(set_up)
        return self._client


def _place(ref: Ref) -> tuple[str, ...]:
    return (ref.name, ref.namespace) if ref.namespace else (ref.name,)


def _plain(answer: Any) -> dict[str, Any]:
    return dict(answer) if answer else {}


def _uninstalled() -> str:
    there = importlib.util.find_spec("kubernetes")
    return "" if there else "needs the kubernetes client: install vedette[kubernetes]"


def _said(words: str, error: Any) -> VedetteError:
    try:
        told = str(json.loads(error.body)["message"])
    except (ValueError, TypeError, KeyError):
        told = str(error.reason)
    status = int(error.status or 0)
    kind = _ERRORS.get(status, Unavailable if status >= 500 or not status else InvalidInput)
    return kind(f"{words}: {status} {told}"[:_MOST_WORDS])
