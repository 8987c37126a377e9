"""The parameters of `kubernetes_cordon`: `lease` and `at_most`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.parameters import LEASE, known_only, lease

__all__ = ["KubernetesCordonSchema"]


class KubernetesCordonSchema:
    """As policies write it. Which node it is, no policy can say."""

    name: Final = "kubernetes_cordon"
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
