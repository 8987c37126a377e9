"""The parameters of `ec2_stop`: `grace` and `snapshot_first`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.parameters import flag, known_only, seconds

__all__ = ["Ec2StopSchema"]


class Ec2StopSchema:
    """As policies write it. There is no way without a grace: a stop can't be called off once it was asked for."""

    name: Final = "ec2_stop"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "grace": "How long it waits, approved, so that it can be called off: 10s to 10m; 1m if not given",
        "snapshot_first": "Whether snapshots of its volumes are started before it stops; false if not given",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The grace in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        return {
            "grace": seconds({"grace": "1m", **parameters}, "grace", least=10.0, most=600.0),
            "snapshot_first": flag(parameters, "snapshot_first"),
        }
