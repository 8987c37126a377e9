"""The parameters of `kubernetes_isolate`: `lease`, `at_most` and `whole_namespace`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.parameters import LEASE, flag, known_only, lease

__all__ = ["KubernetesIsolateSchema"]


class KubernetesIsolateSchema:
    """As policies write it. Which pods they are, no policy can say."""

    name: Final = "kubernetes_isolate"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        **LEASE,
        "whole_namespace": "Whether all pods of the namespace are cut off, not only the workload's; false if not given",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        return {**lease(parameters), "whole_namespace": flag(parameters, "whole_namespace")}
