"""What respond needs from outside: rows of actions, commands and incidents, and the notices that wake it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from vedette.core import (
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Breaker,
    Command,
    CommandId,
    CommandResult,
    Escalation,
    Evidence,
    Held,
    Host,
    HostId,
    Incident,
    IncidentId,
    Inhibition,
    Limits,
    Reach,
    Silence,
    Switch,
    TenantId,
)

__all__ = [
    "Actions",
    "Commands",
    "Enrolments",
    "Escalations",
    "Evidences",
    "Guards",
    "Hosts",
    "Incidents",
    "Notice",
    "Outbox",
    "Ports",
    "Silences",
]


class Notice(Protocol):
    """One thing that happened and wants handling. `subject` is the id of what it happened to."""

    @property
    def id(self) -> str:
        """What `Outbox.done` takes."""

    @property
    def kind(self) -> str:
        """Such as action.proposed, action.decided or command.result."""

    @property
    def tenant(self) -> TenantId:
        """Whose it is."""

    @property
    def subject(self) -> str:
        """Action id, command id, incident id or host id, as `kind` says."""

    @property
    def data(self) -> Mapping[str, Any]:
        """More about it."""


class Outbox(Protocol):
    """Notices, leased to whoever takes them; what is not done in time comes again."""

    def take(self, limit: int) -> Sequence[Notice]:
        """The oldest that nobody holds."""

    def done(self, ids: Iterable[str]) -> None:
        """These need no more handling."""


class Actions(Protocol):
    """Rows of actions. Every change is conditional on the state that the caller saw."""

    def get(self, tenant: TenantId, action: ActionId, /) -> Action:
        """The action as it now is.

        Raises:
            NotFound: the tenant has none with this id.
        """

    def events(self, tenant: TenantId, action: ActionId, /) -> Sequence[ActionEvent]:
        """Its steps, oldest first."""

    def advance(
        self,
        tenant: TenantId,
        action: ActionId,
        to: ActionState,
        /,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState | None = None,
        plan: dict[str, Any] | None = None,
        attempts: int | None = None,
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """Takes one step of core.TRANSITIONS and writes its event and audit rows.

        Raises:
            Conflict: it is not in `expected`, the step is not in the table, or (`lease-in-force`) it would be a second
                lease of its kind on its host.
        """

    def dispatch(
        self,
        tenant: TenantId,
        action: ActionId,
        /,
        *,
        actor: str,
        expected: ActionState,
        limits: Limits,
    ) -> Action:
        """Begins it: the first attempt, written before it is made. A disruptive one only within the limits.

        Raises:
            Conflict: its state is another by now; or (`lease-in-force`, `switched-off`, `breaker-tripped`) it may not begin.
        """

    def note(
        self,
        tenant: TenantId,
        action: ActionId,
        /,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState,
        expected_attempts: int,
        attempts: int,
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """Writes an attempt or its outcome as an event, without a step; sets `attempts` and `updated_at`.

        Raises:
            Conflict: the state or the number of attempts is another by now.
        """

    def recall(self, tenant: TenantId, action: ActionId, /, *, actor: str, why: str = "") -> Action:
        """Asks for the end of what is in force.

        Raises:
            Conflict: nothing of it is in force, or somebody asked before.
        """

    def wake(
        self,
        tenant: TenantId,
        action: ActionId,
        /,
        *,
        expected: ActionState,
        at: datetime | None,
    ) -> None:
        """When it is to be looked at again, if it is still in this state."""

    def reach(self, action: Action, /) -> Reach:
        """How far it would reach, by what is done to other hosts at this moment."""

    def going_on(self, tenant: TenantId, incident: IncidentId, /) -> Sequence[Action]:
        """Actions of the incident that have not ended, oldest first."""

    def of_host(self, tenant: TenantId, host: HostId, /) -> Sequence[Action]:
        """Actions about the host that have not ended, oldest first."""

    def awake(self, now: datetime, limit: int) -> Sequence[Action]:
        """What may be in force and can be undone, and whose `wake_at` has come, of every tenant, the longest due first."""

    def due(
        self, states: Sequence[ActionState], limit: int, *, disruptive: bool
    ) -> Sequence[Action]:
        """Actions in these states, of every tenant, the longest due first; not what waits to be gathered, or to be tried again."""

    def undecided(self, now: datetime, limit: int) -> Sequence[Action]:
        """Actions that nobody has decided and whose `expires_at` is past, of every tenant, the longest over first."""


class Commands(Protocol):
    """Signed commands that wait for their host, and what it answered."""

    def put(self, command: Command, blob: bytes, /) -> None:
        """Keeps a command until its host has it; an id that is there already is left as it is."""

    def get(self, tenant: TenantId, command: CommandId, /) -> Command:
        """The command.

        Raises:
            NotFound: there is none with this id.
        """

    def results(self, tenant: TenantId, command: CommandId, /) -> Sequence[CommandResult]:
        """What the host said became of it, in the order it came."""


class Silences(Protocol):
    """What people do not want to be told, or done, for a while, or what explains it."""

    def covering(self, action: Action, /) -> Silence | None:
        """What holds the action now; for what is disruptive only maintenance does."""

    def explained(self, action: Action, rules: Sequence[Inhibition], /) -> Held | None:
        """What explains the action now by these rules, so that it need not be told beside that."""

    def hold(self, action: Action, held: Held, /) -> None:
        """Keeps a proposed action back for a minute at most, and writes down why unless that was done before.

        Raises:
            Conflict: it is no longer proposed, or another has held it meanwhile.
        """

    def over(self, action: Action, /) -> str:
        """Why what was held need not be told any more; empty where it must be."""


class Escalations(Protocol):
    """Chains on their way, for the action that starts them."""

    def start(self, action: Action, chain: str, /) -> Escalation:
        """Begins a chain for the action's incident; the same action again begins nothing new.

        Raises:
            Conflict: somebody has acknowledged the incident, it is closed, or this chain runs for it.
        """

    def begun_by(self, tenant: TenantId, action: ActionId, /) -> Escalation | None:
        """What the action began."""


class Evidences(Protocol):
    """Sealed evidence that hosts delivered."""

    def held(self, tenant: TenantId, action: ActionId, /) -> Evidence | None:
        """What is kept of an action, durable, if anything is."""


class Hosts(Protocol):
    """Watched hosts, to see whether they are heard, and trusted."""

    def get(self, tenant: TenantId, host: HostId, /) -> Host:
        """The host as it now stands.

        Raises:
            NotFound: the tenant has none with this id.
        """


class Incidents(Protocol):
    """Incidents, to tell about."""

    def get(self, tenant: TenantId, incident: IncidentId, /) -> Incident:
        """The incident as it now is."""


class Guards(Protocol):
    """What holds actions back beyond their policy."""

    def thrown(self, tenant: TenantId, /) -> Switch | None:
        """The kill switch that stops this tenant's actions, if one is thrown."""

    def breakers(self, tenant: TenantId, /, *, open_only: bool) -> Sequence[Breaker]:
        """Those that ever tripped, or are open."""


class Enrolments(Protocol):
    """What came with hosts' enrolments, whatever hosts say."""

    def pinned(self, tenant: TenantId, host: HostId, /) -> Mapping[str, str]:
        """The labels that came with the host's enrolment token, which the host can't change.

        Raises:
            NotFound: the tenant has none with this id.
        """


class Ports(Protocol):
    """All of it. The store's repositories fit."""

    @property
    def silences(self) -> Silences:
        """Silences and maintenance windows."""

    @property
    def guards(self) -> Guards:
        """Breakers and the switch."""

    @property
    def outbox(self) -> Outbox:
        """Notices."""

    @property
    def actions(self) -> Actions:
        """Actions."""

    @property
    def commands(self) -> Commands:
        """Commands."""

    @property
    def incidents(self) -> Incidents:
        """Incidents."""

    @property
    def hosts(self) -> Hosts:
        """Hosts."""
