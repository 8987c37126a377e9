"""One rule: on which changes of an incident or of how a host stands, when, then what, within which guards."""

from collections.abc import Mapping
from typing import Any

from vedette.core import Mode, Record

__all__ = ["ESCALATE", "OWN_TRIGGERS", "STANDING_TRIGGERS", "TRIGGERS", "Guards", "Policy", "Step"]

# The kind of action that `escalate: CHAIN` becomes.
ESCALATE = "escalate"
STANDING_TRIGGERS = ("silent", "heard")
# Of the service itself: a breaker tripped.
OWN_TRIGGERS = ("tripped",)
TRIGGERS = ("opened", "raised", "quiet", "reopened", "closed")


class Step(Record, frozen=True, kw_only=True):
    """One action of a policy, its parameters checked and complete.

    `lease_seconds` is 0 for what is no lease, `most_seconds` its length in all, `grace_seconds` how long it waits on the
    host.
    """

    kind: str
    parameters: dict[str, Any]
    dry_run: bool
    disruptive: bool
    on_host: bool
    lease_seconds: float
    most_seconds: float = 0.0
    grace_seconds: float = 0.0


class Guards(Record, frozen=True, kw_only=True):
    """What holds a policy back.

    `confirm`: abnormal snapshots that the incident must have; with `lately` so many of the host's last ten must be abnormal
    by the same thing instead, and where `experts` is not 0, so many that agree will do as well. `cooldown_seconds`: time in which the same policy does
    not do the same kind of thing to the same host again. `protected`: label to values; hosts that bear one of them
    are left alone. `approval_seconds`: after that an unanswered proposal expires. `approvals`: how many
    people must approve it. `gather_seconds`: how long what tells people waits for what other hosts tell.
    """

    confirm: int = 1
    lately: bool = False
    experts: int = 0
    cooldown_seconds: float = 0.0
    protected: dict[str, tuple[str, ...]] = {}
    approval_seconds: float = 86_400.0
    approvals: int = 1
    gather_seconds: float = 15.0

    def shields(self, labels: Mapping[str, str]) -> str:
        """By which of its labels a host is protected, as `role: db`; empty where it is not."""
        for label, values in self.protected.items():
            if labels.get(label) in values:
                return f"{label}: {labels[label]}"
        return ""


class Policy(Record, frozen=True, kw_only=True):
    """`on` names changes of an incident (of TRIGGERS), of hosts' standing (of STANDING_TRIGGERS), or OWN_TRIGGERS, of one kind.

    `when` is a CEL expression that gives a bool; its `time` is in `timezone`.
    """

    name: str
    on: tuple[str, ...]
    when: str
    then: tuple[Step, ...]
    mode: Mode
    guards: Guards
    timezone: str = "UTC"
