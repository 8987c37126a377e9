"""Something done to a host or told to people, and the states it may go through (the only table of them)."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from vedette.core.ids import ActionId, CommandId, HostId, IncidentId, TenantId
from vedette.core.record import Record

__all__ = [
    "COLLECT",
    "ENDED",
    "IN_FORCE",
    "NOTHING_IN_FORCE",
    "TRANSITIONS",
    "Action",
    "ActionEvent",
    "ActionState",
    "Command",
    "CommandResult",
    "Mode",
    "Standing",
    "StandingHost",
    "Verb",
    "may_become",
]


class ActionState(StrEnum):
    """DESIGN's life of an action. Nothing is done before it is verified."""

    PROPOSED = "proposed"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    APPLIED = "applied"
    VERIFIED = "verified"
    RELEASED = "released"
    SIMULATED = "simulated"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Mode(StrEnum):
    """How far a policy may go by itself: write down, ask, or act."""

    OBSERVE = "observe"
    APPROVE = "approve"
    AUTO = "auto"


class Verb(StrEnum):
    """What a host is to do about an action: begin it, keep its lease, undo it, or leave it within its grace."""

    APPLY = "apply"
    RENEW = "renew"
    RELEASE = "release"
    CANCEL = "cancel"


S = ActionState
TRANSITIONS: dict[ActionState, frozenset[ActionState]] = {
    S.PROPOSED: frozenset({S.AWAITING_APPROVAL, S.APPROVED, S.REFUSED, S.EXPIRED, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.APPROVED, S.REFUSED, S.EXPIRED, S.CANCELLED}),
    S.APPROVED: frozenset({S.DISPATCHED, S.REFUSED, S.EXPIRED, S.CANCELLED, S.FAILED}),
    S.DISPATCHED: frozenset({S.ACKNOWLEDGED, S.REFUSED, S.EXPIRED, S.FAILED, S.CANCELLED}),
    S.ACKNOWLEDGED: frozenset(
        {S.APPLIED, S.SIMULATED, S.REFUSED, S.FAILED, S.EXPIRED, S.CANCELLED}
    ),
    # Cancelled: what waits on the host for its grace to end, and is called off.
    S.APPLIED: frozenset({S.VERIFIED, S.FAILED, S.RELEASED, S.CANCELLED}),
    S.VERIFIED: frozenset({S.RELEASED, S.FAILED}),
    S.RELEASED: frozenset(),
    S.SIMULATED: frozenset(),
    S.REFUSED: frozenset(),
    S.EXPIRED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}
ENDED = frozenset(state for state, following in TRANSITIONS.items() if not following)
# What gathers evidence: its host may have delivered by the time that somebody calls it off.
COLLECT: Final = "collect"
# Something may be in force on the host: of these there is one at most for a host and kind of lease.
IN_FORCE = frozenset({S.DISPATCHED, S.ACKNOWLEDGED, S.APPLIED, S.VERIFIED})
del S


def may_become(now: ActionState, then: ActionState) -> bool:
    """Whether the step is in the table."""
    return then in TRANSITIONS[now]


class StandingHost(Record, frozen=True, kw_only=True):
    """One host of a standing, as it was told of. `interval` is its push interval in seconds."""

    id: HostId
    hostname: str
    last_seen_at: datetime | None
    silent_since: datetime | None
    interval: float


class Standing(Record, frozen=True, kw_only=True):
    """What an action tells that answers silence, or its end: how many of how many hosts, and some of them."""

    count: int
    fleet: int
    hosts: tuple[StandingHost, ...]


class Action(Record, frozen=True, kw_only=True):
    """`kind` is the action's name (`mail`, `quarantine`); `parameters` its checked settings; `plan` what a dry run found.

    It answers a change of an incident (`incident`), or of how hosts stand: then `incident` is None, and `about` says what
    was seen. `host` is None where it is about the fleet as a whole; of a fleet's incident `about` says how many it told of.
    `attempts` counts tries of the call, each written before it is made.

    A lease lasts `lease_seconds` from each renewal (0: no lease) and `most_seconds` in all; `lease_until` is the end that
    the host last confirmed. What can't be undone waits for `grace_seconds` on the host first. `recalled_by` asked for its end (empty: nobody), for `recalled_why`. `wake_at` is when it
    must be looked at again, whether or not anything happens before.

    `disruptive` takes something away from its host; such actions are counted by `cohort` and `model` (the bundle whose verdict
    it answers) from `dispatched_at` on. `approvals` is how many people must approve it.

    `proposed_by` is the person who proposed it, without a policy; that person may not approve it.

    What tells people waits `gather_seconds` before it begins, so that it may be gathered with what other hosts tell;
    `held_by` is the silence that held it last, or `inhibition:` and the name of the rule.
    """

    id: ActionId
    tenant: TenantId
    incident: IncidentId | None
    host: HostId | None
    policy: str
    policy_version: str
    kind: str
    mode: Mode
    dry_run: bool
    state: ActionState
    parameters: dict[str, Any] = {}
    trigger: str = "opened"
    lease_seconds: float = 0.0
    plan: dict[str, Any] | None = None
    detail: str = ""
    proposed_at: datetime
    expires_at: datetime
    updated_at: datetime
    decided_by: str = ""
    attempts: int = 0
    about: Standing | None = None
    most_seconds: float = 0.0
    grace_seconds: float = 0.0
    lease_until: datetime | None = None
    recalled_by: str = ""
    recalled_why: str = ""
    wake_at: datetime | None = None
    disruptive: bool = False
    cohort: str = ""
    model: str = ""
    dispatched_at: datetime | None = None
    approvals: int = 1
    gather_seconds: float = 0.0
    held_by: str = ""
    proposed_by: str = ""

    @property
    def leased(self) -> bool:
        """Whether what it does to a host ends by itself unless it is renewed."""
        return self.lease_seconds > 0 and not self.dry_run

    @property
    def answered_for(self) -> bool:
        """Whether a host that has been told of it says how it ends, so that it is called off by that word or by time alone."""
        return self.recallable or (self.kind == COLLECT and not self.dry_run)

    @property
    def recallable(self) -> bool:
        """Whether its end can still be asked for once the host has it: it is a lease, or has a grace."""
        return not self.dry_run and (self.lease_seconds > 0 or self.grace_seconds > 0)

    @property
    def ends_as_harmless(self) -> bool:
        """Whether it is to end when people call its incident harmless: what is done to the host, before that or while it lasts."""
        if self.state in ENDED:
            return False
        if self.state in IN_FORCE:
            return self.answered_for and (self.leased or self.state is not ActionState.VERIFIED)
        lasts = self.lease_seconds > 0 or self.grace_seconds > 0 or self.kind == COLLECT
        return self.disruptive or lasts


class ActionEvent(Record, frozen=True, kw_only=True):
    """One step of an action's life: who, when, why, and what was seen."""

    action: ActionId
    at: datetime
    state: ActionState
    actor: str
    detail: str = ""
    data: dict[str, Any] = {}


class Command(Record, frozen=True, kw_only=True):
    """What a host is told to do. Signed as a whole; `nonce` and `expires_at` bind it to one use.

    `kind` is the action's. With another verb than apply it is about what an earlier command of the same action began.
    """

    id: CommandId
    tenant: TenantId
    host: HostId
    action: ActionId
    kind: str
    parameters: dict[str, Any]
    dry_run: bool
    issued_at: datetime
    expires_at: datetime
    nonce: str
    verb: Verb = Verb.APPLY


NOTHING_IN_FORCE: Final = "nothing_in_force"


class CommandResult(Record, frozen=True, kw_only=True):
    """What the host says became of a command.

    `state` is one of acknowledged, simulated, applied, verified, released, cancelled, refused, failed.
    What is refused with `NOTHING_IN_FORCE` (true) in `data` is refused because nothing of its action is in force on the
    host or on its way; no other refusal says anything of that.
    """

    command: CommandId
    state: ActionState
    at: datetime
    detail: str = ""
    data: dict[str, Any] = {}
