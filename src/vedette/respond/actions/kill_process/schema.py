"""The parameters of `kill_process`: `process` and `grace`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.named import cause
from vedette.respond.parameters import known_only, seconds

__all__ = ["KillProcessSchema"]

_LEAST_SECONDS, _MOST_SECONDS = 1.0, 300.0
_DEFAULT_GRACE = "10s"


class KillProcessSchema:
    """As policies write it. There is no way to name a process by its name."""

    name: Final = "kill_process"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "process": "Must be `@cause`: the processes that the incident's reasons name, as its snapshot shows them",
        "grace": "Between SIGTERM and SIGKILL, in which it can be called off: 1s to 5m; 10s if not given",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The grace in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        given = {"grace": _DEFAULT_GRACE, **parameters}
        grace = seconds(given, "grace", least=_LEAST_SECONDS, most=_MOST_SECONDS)
        return {"process": cause(parameters, "process"), "grace": grace}
