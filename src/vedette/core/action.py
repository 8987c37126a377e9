"""Something done to a host or told to people, and the states it may go through (the only table of them)."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from vedette.core.ids import ActionId, CommandId, HostId, IncidentId, TenantId
from vedette.core.record import Record

__all__ = [
    "ENDED",
    "TRANSITIONS",
    "Action",
    "ActionEvent",
    "ActionState",
    "Command",
    "CommandResult",
    "Mode",
    "Standing",
    "StandingHost",
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


S = ActionState
TRANSITIONS: dict[ActionState, frozenset[ActionState]] = {
    S.PROPOSED: frozenset({S.AWAITING_APPROVAL, S.APPROVED, S.REFUSED, S.EXPIRED, S.CANCELLED}),
    S.AWAITING_APPROVAL: frozenset({S.APPROVED, S.REFUSED, S.EXPIRED, S.CANCELLED}),
    S.APPROVED: frozenset({S.DISPATCHED, S.REFUSED, S.EXPIRED, S.CANCELLED, S.FAILED}),
    S.DISPATCHED: frozenset({S.ACKNOWLEDGED, S.REFUSED, S.EXPIRED, S.FAILED, S.CANCELLED}),
    S.ACKNOWLEDGED: frozenset({S.APPLIED, S.SIMULATED, S.REFUSED, S.FAILED, S.EXPIRED}),
    S.APPLIED: frozenset({S.VERIFIED, S.FAILED, S.RELEASED}),
    S.VERIFIED: frozenset({S.RELEASED, S.FAILED}),
    S.RELEASED: frozenset(),
    S.SIMULATED: frozenset(),
    S.REFUSED: frozenset(),
    S.EXPIRED: frozenset(),
    S.FAILED: frozenset(),
    S.CANCELLED: frozenset(),
}
ENDED = frozenset(state for state, following in TRANSITIONS.items() if not following)
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

    It answers a change of an incident (`incident`), or of how hosts stand: then `incident` is None, `about` says what
    was seen, and `host` is None where that is about the fleet as a whole.
    `lease_seconds` is 0 for what is no lease. `attempts` counts tries of the call, each written before it is made.
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


class ActionEvent(Record, frozen=True, kw_only=True):
    """One step of an action's life: who, when, why, and what was seen."""

    action: ActionId
    at: datetime
    state: ActionState
    actor: str
    detail: str = ""
    data: dict[str, Any] = {}


class Command(Record, frozen=True, kw_only=True):
    """What a host is told to do. Signed as a whole; `nonce` and `expires_at` bind it to one use."""

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


class CommandResult(Record, frozen=True, kw_only=True):
    """What the host says became of a command.

    `state` is one of acknowledged, simulated, applied, verified, refused, failed.
    """

    command: CommandId
    state: ActionState
    at: datetime
    detail: str = ""
    data: dict[str, Any] = {}
