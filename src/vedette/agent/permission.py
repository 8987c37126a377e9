"""What this host lets itself be told: the operator's own allow-list, on the host, whatever the server says."""

import ipaddress
import posixpath
from collections.abc import Iterable, Mapping
from enum import StrEnum

from vedette.agent.evidence.settings import EvidenceSettings
from vedette.core import ConfigError, Network, Record, too_much, too_wide

__all__ = ["Permission", "Untouchable", "read_untouchables"]

_FORBID_INSTEAD = "to forbid quarantine altogether leave it out of `actions`"
_EXAMPLES = "network:10.0.0.0/24, process:/usr/sbin/sshd, account:root, file:/srv/payroll"


class Untouchable(StrEnum):
    """What kinds of things a host can keep actions away from."""

    NETWORK = "network"
    PROCESS = "process"
    ACCOUNT = "account"
    FILE = "file"


class Permission(Record, frozen=True, kw_only=True):
    """`kinds` is None where the settings name none: then each kind's own default holds.

    `max_lease` is in seconds. `per_hour` bounds commands that disturb the host and, counted apart, collects of evidence;
    releases and renewals are never bounded.
    `evidence` is what may be collected. `own` is the agent's folder, of which nothing is.
    """

    kinds: frozenset[str] | None = None
    max_lease: float = 86_400.0
    per_hour: int = 10
    never_touch: tuple[tuple[Untouchable, str], ...] = ()
    evidence: EvidenceSettings = EvidenceSettings()
    own: str = ""

    def forbids(self, kind: str, *, by_default: bool) -> str:
        """Why this host does not do that kind of thing; empty when it may."""
        if self.kinds is None:
            if by_default:
                return ""
            return f"this host does not allow {kind!r}: name it in its setting `actions` first"
        if kind in self.kinds:
            return ""
        allowed = ", ".join(sorted(self.kinds)) or "nothing"
        return f"this host does not allow {kind!r}; its setting `actions` allows {allowed}"

    def allowed(self, kinds: Mapping[str, bool]) -> tuple[str, ...]:
        """Those of the kinds that this host lets be done, by name; of each, whether it may be done by default."""
        return tuple(
            sorted(
                kind
                for kind, by_default in kinds.items()
                if not self.forbids(kind, by_default=by_default)
            )
        )

    def objects_to_lease(self, seconds: float) -> str:
        """Why it does not take a lease of that length; empty when it does."""
        if not seconds > 0:
            return "a lease must have a length: lease_seconds is missing, 0 or no number"
        if seconds > self.max_lease:
            return f"a lease of {seconds:g} seconds is longer than this host allows ({self.max_lease:g}, its setting `max_lease`)"
        return ""

    def objects_to_pace(self, within_the_hour: int, of: str = "disruptive commands") -> str:
        """Why it does no more now, after so many within the last hour; empty when it does. `of` is what is counted."""
        if within_the_hour < self.per_hour:
            return ""
        return (
            f"this host takes {self.per_hour} {of} an hour (its setting `actions_per_hour`), and has had "
            f"{within_the_hour}"
        )

    def networks(self) -> list[Network]:
        """What must stay reachable through every quarantine."""
        kept = [what for sort, what in self.never_touch if sort is Untouchable.NETWORK]
        return [ipaddress.ip_network(what, strict=False) for what in kept]


def read_untouchables(texts: Iterable[str]) -> tuple[tuple[Untouchable, str], ...]:
    """The whole setting `never_touch`.

    Raises:
        ConfigError: an entry names nothing that could be kept away from, or the networks would leave nothing of a quarantine.
    """
    found = tuple(map(_read_untouchable, texts))
    if why := too_much(Permission(never_touch=found).networks()):
        raise ConfigError(f"never_touch: {why}; {_FORBID_INSTEAD}")
    return found


def _read_untouchable(text: str) -> tuple[Untouchable, str]:
    """One entry of the setting `never_touch`.

    Raises:
        ConfigError: it names nothing that could be kept away from.
    """
    sort, given, what = text.strip().partition(":")
    what = what.strip()
    if not given or not what or sort not in set(Untouchable):
        raise ConfigError(f"never_touch has {text!r}; an entry is one of {_EXAMPLES}")
    if sort == Untouchable.NETWORK:
        _check_network(what)
    if sort == Untouchable.PROCESS and not what.startswith("/"):
        raise ConfigError(f"never_touch has {text!r}; a process is named by its program's path")
    if sort == Untouchable.FILE and (not what.startswith("/") or posixpath.normpath(what) != what):
        raise ConfigError(
            f"never_touch has {text!r}; a file or folder is named by its absolute path, without . or .."
        )
    return Untouchable(sort), what


def _check_network(text: str) -> None:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise ConfigError(f"never_touch has the network {text!r}: {error}") from error
    if why := too_wide(network):
        raise ConfigError(
            f"never_touch has a network that can't always stay reachable: {why}; {_FORBID_INSTEAD}"
        )
