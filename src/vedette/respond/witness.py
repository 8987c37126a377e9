"""Signs verdicts for hosts that wait for them, and gives leave to act on one at once where the host asked and nothing is against it.

It stands beside the responder, in the process that holds the key. All that it looks at are rows: who waits, and what was
judged. Leave is an ordinary action, counted and begun as all are; only its command goes by the answer to a push.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

import structlog

from vedette.core import (
    OWN_POLICY,
    Action,
    ActionId,
    ActionState,
    Clock,
    Command,
    Host,
    HostId,
    Identity,
    Incident,
    Label,
    Limits,
    Mode,
    Reach,
    Ruling,
    TenantId,
    VedetteError,
    Verdict,
    Waiter,
    Wish,
    derived_id,
    unfit,
)
from vedette.respond.actions.quarantine import Quarantine
from vedette.respond.caution import Caution
from vedette.respond.holding import Holding
from vedette.respond.kind import Job
from vedette.respond.ports import Commands, Guards, Silences
from vedette.respond.steps import ACTOR
from vedette.seal import SigningKey, sign_ruling

__all__ = ["Witness"]

_LOG = structlog.get_logger()
_BATCH: Final = 200
# A verdict that comes later than this was not waited for: the host has its answer within seconds.
_GOOD_FOR: Final = timedelta(seconds=60)
_WORDS, _MOST_REASONS = 300, 3


class Waits(Protocol):
    """Who waits for a verdict."""

    def waiting(self, limit: int, /) -> Sequence[tuple[Waiter, Verdict]]:
        """Those whose verdict is there and nothing is signed yet, with it."""

    def answer(self, rulings: Mapping[Identity, bytes], /) -> None:
        """What is signed for these."""

    def forget(self) -> int:
        """Takes away what nobody waits for any more."""


class Actions(Protocol):
    """Where leave is written down."""

    def reach(self, action: Action, /) -> Reach:
        """How far it would reach, by what is done to other hosts at this moment."""

    def grant(
        self,
        action: Action,
        command: Command,
        blob: bytes,
        /,
        *,
        actor: str,
        limits: Limits,
        against: str,
    ) -> tuple[Command | None, str]:
        """Begins it, or says why not."""


class Incidents(Protocol):
    """Incidents by host."""

    def live(
        self, tenant: TenantId, hosts: Sequence[HostId], /
    ) -> Mapping[HostId, Sequence[Incident]]:
        """The open and quiet ones, oldest first."""


class Hosts(Protocol):
    """Watched hosts."""

    def get(self, tenant: TenantId, host: HostId, /) -> Host:
        """The host as it now stands."""


class Ports(Protocol):
    """All of it. The store's repositories fit."""

    @property
    def waits(self) -> Waits:
        """Who waits."""

    @property
    def actions(self) -> Actions:
        """Actions."""

    @property
    def incidents(self) -> Incidents:
        """Incidents."""

    @property
    def hosts(self) -> Hosts:
        """Hosts."""

    @property
    def guards(self) -> Guards:
        """Breakers and the switch."""

    @property
    def silences(self) -> Silences:
        """Maintenance windows."""

    @property
    def commands(self) -> Commands:
        """Commands."""


class Witness:
    """Several may look at one store: leave is given once, and what is signed again says the same, unless leave was stopped meanwhile.

    `protects` says which policy in force protects a host from a kind of action; empty where none does.
    """

    def __init__(
        self,
        ports: Ports,
        key: SigningKey,
        clock: Clock,
        *,
        protects: Callable[[Host, str], str],
        limits: Callable[[TenantId], Limits] = lambda _: Limits(),
        doubt: Callable[[Action], str] = lambda _: "",
    ) -> None:
        self._ports = ports
        self._key = key
        self._clock = clock
        self._protects = protects
        self._limits = limits
        self._kind = Quarantine(ports.commands, key)
        self._caution = Caution(ports.guards, doubt, ports.actions.reach)
        self._holding = Holding(ports.silences)

    def look(self) -> int:
        """Signs what can be signed now; how many."""
        found = self._ports.waits.waiting(_BATCH)
        signed = {
            waiter.identity: sign_ruling(self._ruling(waiter, verdict), self._key)
            for waiter, verdict in found
        }
        self._ports.waits.answer(signed)
        return len(signed)

    def forget(self) -> int:
        """Takes away rows that are over; how many."""
        return self._ports.waits.forget()

    def _ruling(self, waiter: Waiter, verdict: Verdict) -> Ruling:
        command, withheld = None, ""
        if waiter.wish is not None and verdict.label is Label.ABNORMAL:
            try:
                command, withheld = self._leave(waiter.wish, verdict)
            except VedetteError as error:
                # The verdict is told all the same: whoever waits must not be kept by what they did not get.
                _LOG.error("witness.no_leave", host=verdict.host, detail=error.detail)
                withheld = f"the server could not give leave: {error.detail}"
        now = self._clock.now()
        return Ruling(
            verdict=verdict.id,
            tenant=verdict.tenant,
            host=verdict.host,
            epoch=verdict.epoch,
            seq=verdict.seq,
            digest=verdict.input_digest,
            label=verdict.label,
            severity=verdict.severity,
            score=verdict.score,
            model=verdict.model,
            confirmation=verdict.confirmation,
            late=verdict.late,
            reasons=tuple(one.text[:_WORDS] for one in verdict.reasons[:_MOST_REASONS]),
            signed_at=now,
            expires_at=now + _GOOD_FOR,
            command=command,
            withheld=withheld,
        )

    def _leave(self, wish: Wish, verdict: Verdict) -> tuple[Command | None, str]:
        """The command by which the host quarantines itself, or why there is none."""
        if why := unfit(wish, verdict):
            return None, why
        incident = self._incident(verdict)
        if incident is None:
            return None, "no incident stands that the verdict belongs to"
        host = self._ports.hosts.get(verdict.tenant, verdict.host)
        action = self._action(verdict, incident, host, wish.lease)
        job = Job(action=action, incident=incident, events=(), now=self._clock.now())
        command, blob = self._kind.begun_by(job, job.now + _GOOD_FOR)
        against = (
            self._protects(host, action.kind)
            or self._holding.refuses(action)
            or self._caution.against(action)
        )
        return self._ports.actions.grant(
            action,
            command,
            blob,
            actor=ACTOR,
            limits=self._limits(action.tenant),
            against=against,
        )

    def _incident(self, verdict: Verdict) -> Incident | None:
        """The one that the verdict touched last; it is written in the verdict's own transaction."""
        live = self._ports.incidents.live(verdict.tenant, [verdict.host]).get(verdict.host, ())
        touched = [one for one in live if one.last_abnormal_at == verdict.taken_at]
        return touched[-1] if touched else None

    def _action(self, verdict: Verdict, incident: Incident, host: Host, lease: float) -> Action:
        now = self._clock.now()
        parameters = self._kind.schema.check({"lease": f"{lease:.0f}s"}, dry_run=False)
        return Action(
            id=ActionId(derived_id("action", incident.id, OWN_POLICY, verdict.id)),
            tenant=verdict.tenant,
            incident=incident.id,
            host=verdict.host,
            policy=OWN_POLICY,
            policy_version="",
            kind=self._kind.schema.name,
            mode=Mode.AUTO,
            dry_run=False,
            state=ActionState.PROPOSED,
            parameters=parameters,
            lease_seconds=parameters["lease"],
            most_seconds=parameters["at_most"],
            detail="the host asked for leave to quarantine itself",
            proposed_at=now,
            expires_at=now + timedelta(minutes=15),
            updated_at=now,
            disruptive=True,
            cohort=host.labels.get("role", ""),
            model=verdict.model,
        )
