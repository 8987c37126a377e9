"""What explains other things while it stands, so that people are not told of these beside it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from vedette.core.action import Action
from vedette.core.incident import Incident, IncidentKind
from vedette.core.record import Record
from vedette.core.verdict import Severity

__all__ = ["Explained", "Explaining", "Held", "Inhibition"]


class Held(Record, frozen=True, kw_only=True):
    """What keeps a notification back: `by` a silence's id, or `inhibition:NAME`; until when at most, and why in words.

    `source` is the incident, action or host that explains it; empty for a silence.
    """

    by: str
    until: datetime
    why: str
    source: str = ""


class Explaining(Record, frozen=True, kw_only=True):
    """What must stand: an incident, a silent host or an action.

    An open incident at least as severe as `severity`, of this `kind` (None: either) and by a cause of these patterns (empty:
    any); or a `silent` host with these labels (None: no host); or one of these `actions` in force.
    """

    severity: Severity | None = None
    kind: IncidentKind | None = None
    causes: tuple[str, ...] = ()
    silent: dict[str, str] | None = None
    actions: tuple[str, ...] = ()

    def meets(self, incident: Incident) -> bool:
        """Whether this incident is one."""
        return (
            self.severity is not None
            and incident.severity.rank >= self.severity.rank
            and self.kind in {None, incident.kind}
            and (not self.causes or any(fits(one, self.causes) for one in incident.causes))
        )


class Explained(Record, frozen=True, kw_only=True):
    """What is held: that a host is `silent`, or news of incidents up to `severity` that have no cause beside these patterns'."""

    silent: bool = False
    severity: Severity = Severity.NONE
    causes: tuple[str, ...] = ()

    def meets(self, action: Action, incident: Incident | None) -> bool:
        """Whether the action tells of such. News of many hosts never is, nor what people propose or an escalation's tiers."""
        if action.disruptive or action.host is None or action.proposed_by:
            return False
        if incident is None:
            return self.silent and action.trigger == "silent"
        return (
            not self.silent
            and action.trigger != "escalated"
            and incident.severity.rank <= self.severity.rank
            and (
                not self.causes
                or (
                    bool(incident.causes) and all(fits(one, self.causes) for one in incident.causes)
                )
            )
        )


class Inhibition(Record, frozen=True, kw_only=True):
    """While what `explains` stands, what is `explained` is held: on the same host, or (`equal`) where this label is the same.

    No notification is held for longer than `most_seconds`, nor for more than half of the time in which it may be sent.
    """

    name: str
    explains: Explaining
    explained: Explained
    equal: str = ""
    most_seconds: float = 3_600.0

    def until(self, action: Action) -> datetime:
        """When the action is told at the latest."""
        half = (action.expires_at - action.proposed_at) / 2
        return action.proposed_at + min(timedelta(seconds=self.most_seconds), half)

    def is_source(self, labels: Mapping[str, str]) -> bool:
        """Whether a silent host with these labels explains by this rule: then it is not explained by it, too."""
        return (
            self.explains.silent is not None
            and self.explained.silent
            and self.explains.silent.items() <= labels.items()
        )


def fits(cause: str, patterns: Collection[str]) -> bool:
    """Whether it fits one of the patterns; `*` stands for any letters, and everything else for itself.

    Not `fnmatch`: an IPv6 address of a cause, `tcp:[::1]:4444`, would be a set of letters there.
    """
    return any(_fits(cause, pattern) for pattern in patterns)


def _fits(cause: str, pattern: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return cause == pattern
    *between, last = rest
    at, end = len(first), len(cause) - len(last)
    if end < at or not cause.startswith(first) or not cause.endswith(last):
        return False
    # The first place that a part fits leaves most to the others; so there is nothing to go back to.
    for part in between:
        found = cause.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
