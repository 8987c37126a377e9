"""The parameters of `kubernetes_scale`: `lease` and `at_most`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.parameters import LEASE, known_only, lease

__all__ = ["KubernetesScaleSchema"]


class KubernetesScaleSchema:
    """As policies write it. Which workload it is, no policy can say, and never another number than none."""

    name: Final = "kubernetes_scale"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = LEASE

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        return dict(lease(parameters))
