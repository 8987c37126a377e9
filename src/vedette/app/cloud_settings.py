"""Settings of the clouds that policies may act in; all are off until they are turned on."""

from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from msgspec import Meta

from vedette.app.section import Section

__all__ = ["Ec2Settings", "KubernetesSettings", "wrong_clouds"]

_HERE = ("127.0.0.1", "localhost", "::1")


class Ec2Settings(Section, frozen=True, kw_only=True):
    """Amazon EC2, for `ec2_isolate` and `ec2_stop`. Credentials come from AWS's own chain: environment, files, the machine's role."""

    enabled: Annotated[bool, Meta(description="Whether policies may act on instances")] = False
    region: Annotated[
        str, Meta(description="Region of hosts without a label `ec2.region`; empty: the chain's")
    ] = ""
    endpoint: Annotated[str, Meta(description="URL of another endpoint, such as a VPC's own")] = ""
    role_arn: Annotated[
        str, Meta(description="Role that is taken on for every call; empty: the chain's own rights")
    ] = ""
    external_id: Annotated[str, Meta(description="External id that the role asks for")] = ""
    isolation_group: Annotated[
        str,
        Meta(
            description="Id of the security group to isolate with; empty: one without rules is made"
        ),
    ] = ""
    never_touch: Annotated[
        tuple[str, ...], Meta(description="Ids of instances that no policy may touch")
    ] = ()
    timeout_seconds: Annotated[
        float, Meta(description="Longest wait for an answer", gt=0, le=60)
    ] = 15.0


class KubernetesSettings(Section, frozen=True, kw_only=True):
    """A Kubernetes cluster, for `kubernetes_cordon`, `kubernetes_isolate` and `kubernetes_scale`."""

    enabled: Annotated[bool, Meta(description="Whether policies may act on the cluster")] = False
    kubeconfig: Annotated[
        str, Meta(description="Its kubeconfig; empty: the service account of the server's own pod")
    ] = ""
    context: Annotated[
        str, Meta(description="Context of the kubeconfig; empty: its current one")
    ] = ""
    protected_namespaces: Annotated[
        tuple[str, ...], Meta(description="Namespaces never touched, beside the system's own")
    ] = ()
    timeout_seconds: Annotated[
        float, Meta(description="Longest wait for an answer", gt=0, le=60)
    ] = 15.0


def wrong_clouds(ec2: Ec2Settings) -> Iterator[str]:
    """What can't be used."""
    if ec2.endpoint and not _is_safe(ec2.endpoint):
        yield "ec2.endpoint must start with https:// and name a host; plain http is for this machine alone"
    if ec2.external_id and not ec2.role_arn:
        yield "ec2.external_id is set, but no ec2.role_arn that could ask for it"


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in _HERE))
