"""The parameters of `suspend_process`: `process`, `lease` and `at_most`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.named import cause
from vedette.respond.parameters import known_only, lease

__all__ = ["SuspendProcessSchema"]


class SuspendProcessSchema:
    """As policies write it. There is no way to name a process by its name."""

    name: Final = "suspend_process"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "process": "Must be `@cause`: the processes that the incident's reasons name, as its snapshot shows them",
        "lease": "How long they stand still from each renewal; without one they go on by themselves: 60s to 1d, such as 30m",
        "at_most": "How long in all, renewals included; at least the lease, at most 30d; 1d if not given, or the lease",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease and its time in all, in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        return {"process": cause(parameters, "process"), **lease(parameters)}
