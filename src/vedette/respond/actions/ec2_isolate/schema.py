"""The parameters of `ec2_isolate`: `lease`, `at_most`, and `snapshot_first`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.parameters import LEASE, flag, known_only, lease

__all__ = ["Ec2IsolateSchema"]


class Ec2IsolateSchema:
    """As policies write it. Which instance it is, and with which group it is isolated, no policy can say."""

    name: Final = "ec2_isolate"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        **LEASE,
        "snapshot_first": "Whether snapshots of its volumes are started before anything is changed; false if not given",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        return {**lease(parameters), "snapshot_first": flag(parameters, "snapshot_first")}
