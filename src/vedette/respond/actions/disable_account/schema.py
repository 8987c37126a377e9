"""The parameters of `disable_account`: `account`, `end_sessions`, `lease` and `at_most`."""

import re
from collections.abc import Mapping
from typing import Any, Final

from vedette.core import InvalidInput
from vedette.respond.named import CAUSE
from vedette.respond.parameters import known_only, lease

__all__ = ["DisableAccountSchema"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}")


class DisableAccountSchema:
    """As policies write it. Root, accounts of services and the last that could become root are the host's to refuse."""

    name: Final = "disable_account"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "account": "`@cause`: the accounts that the incident's reasons name; or the name of one",
        "end_sessions": "Whether all that it runs in its sessions is ended too, which can't be undone; false if not given",
        "lease": "How long from each renewal; without one it is opened by itself: 60s to 1d, such as 30m",
        "at_most": "How long in all, renewals included; at least the lease, at most 30d; 1d if not given, or the lease",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease and its time in all, in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        account, end = parameters.get("account"), parameters.get("end_sessions", False)
        if not isinstance(account, str) or (account != CAUSE and not _NAME.fullmatch(account)):
            where = ["account"] if "account" in parameters else []
            raise InvalidInput(f'account must be "{CAUSE}" or the name of an account', at=where)
        if account == "root":
            raise InvalidInput("root is never locked", at=["account"])
        if not isinstance(end, bool):
            raise InvalidInput("end_sessions must be true or false", at=["end_sessions"])
        return {"account": account, "end_sessions": end, **lease(parameters)}
