"""The store as a whole: its repositories, and the one transaction of the pipeline."""

from collections.abc import Sequence

from vedette.core import (
    Clock,
    Host,
    HostDescription,
    HostId,
    InvalidInput,
    StandingPolicy,
    TenantId,
    verdict_id,
)
from vedette.store.actions import Actions
from vedette.store.applying import Batch
from vedette.store.audit import Audit
from vedette.store.cohorts import Cohorts
from vedette.store.commands import Commands
from vedette.store.database import Database
from vedette.store.door import Door
from vedette.store.effect import Applied, Effect
from vedette.store.enrolments import Enrolments, again, redeem
from vedette.store.escalations import Escalations
from vedette.store.evidence import EvidenceRoom
from vedette.store.facts import Facts
from vedette.store.guards import Guards
from vedette.store.hosts import Hosts, add_host, check_room
from vedette.store.incidents import Incidents
from vedette.store.migrating import check, is_ready, migrate, touch
from vedette.store.models import Models
from vedette.store.outbox import Outbox
from vedette.store.policies import Policies
from vedette.store.sayings import Sayings
from vedette.store.sessions import Sessions
from vedette.store.silences import Silences
from vedette.store.standing import no_policies
from vedette.store.states import States
from vedette.store.tokens import Tokens
from vedette.store.triage import Triage
from vedette.store.verdicts import Verdicts
from vedette.store.waits import Waits

__all__ = ["Store"]

_MAX_SEQ = 2**63 - 1


class Store:
    """Safe to share between threads; each process makes its own.

    Raises:
        ConfigError: the URL is of no backend that the store knows.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._database = Database(url)
        self._clock = clock
        self.actions = Actions(self._database, clock)
        self.audit = Audit(self._database)
        self.cohorts = Cohorts(self._database)
        self.commands = Commands(self._database, clock)
        self.door = Door(self._database)
        self.enrolments = Enrolments(self._database, clock)
        self.escalations = Escalations(self._database, clock)
        self.evidence = EvidenceRoom(self._database, clock)
        self.facts = Facts(self._database)
        self.guards = Guards(self._database, clock)
        self.hosts = Hosts(self._database, clock)
        self.incidents = Incidents(self._database, clock)
        self.triage = Triage(self._database, clock)
        self.oncall = Policies(self._database, clock, "oncall")
        self.models = Models(self._database)
        self.outbox = Outbox(self._database, clock)
        self.policies = Policies(self._database, clock)
        self.sayings = Sayings(self._database)
        self.sessions = Sessions(self._database, clock)
        self.silences = Silences(self._database, clock)
        self.states = States(self._database)
        self.tokens = Tokens(self._database, clock)
        self.verdicts = Verdicts(self._database)
        self.waits = Waits(self._database, clock)

    def migrate(self) -> None:
        """Brings the tables to this version; safe from several processes at once.

        Raises:
            ConfigError: a newer version of Vedette made the store.
            Unavailable: the database cannot be reached or written.
        """
        migrate(self._database)

    def check(self) -> None:
        """Passes if the store can be reached and its tables are of this version.

        Raises:
            ConfigError: it must be migrated, or a newer version of Vedette made it.
            Unavailable: the database cannot be reached.
        """
        check(self._database)

    def ready(self) -> bool:
        """Whether `check` passes."""
        return is_ready(self._database)

    def look(self) -> None:
        """Whether there is room for more, without a write.

        Raises:
            Unavailable: (damaged-data, disk-full, read-only, io-error) there is none.
        """
        self._database.look()

    def probe(self) -> None:
        """Tries whether a row could be written now, by a write that changes nothing.

        Raises:
            ConfigError: it must be migrated, or a newer version of Vedette made it.
            Unavailable: it could not, and why.
        """
        self.look()
        self.check()
        touch(self._database)

    def close(self) -> None:
        """Ends all connections."""
        self._database.close()

    def apply(
        self,
        effects: Sequence[Effect],
        *,
        actor: str,
        policies: StandingPolicy = no_policies,
    ) -> list[Applied]:
        """Writes what a batch of snapshots leads to, in one transaction, durable when this returns.

        Effects of one host are taken in their order, each on top of the one before (`Effect.result`). An effect whose
        snapshot has its verdict already, or that was decided on a state that is no more, writes nothing and keeps none of
        the others back; once one effect of a host is lost, so are its later ones. `policies` answer for hosts that were
        silent and are heard again.

        Raises:
            InvalidInput: an effect contradicts itself, or has a value that can't be stored; nothing is kept.
            Unavailable: the database cannot be written now; nothing is kept.
        """
        for effect in effects:
            _check(effect)
        if not effects:
            return []
        with self._database.writing() as connection:
            batch = Batch(
                connection,
                self._database,
                effects,
                actor=actor,
                now=self._clock.now(),
                policies=policies,
            )
            applied = [batch.take(effect) for effect in effects]
            batch.write()
            done = zip(effects, applied, strict=True)
            self.models.meet(
                connection, (one.verdict for one, was in done if was is Applied.APPLIED)
            )
        return applied

    def enrol(
        self,
        secret_hash: str,
        *,
        description: HostDescription,
        kid: str,
        public_key: str,
        interval: float = 60.0,
        can_act: tuple[str, ...] = (),
        most_hosts: int = 0,
    ) -> Host:
        """Takes one use of an enrolment token and makes the host known, both or neither, under a new id.

        The same key again (its answer was lost on the way) gives the same host and takes no further use.

        Raises:
            Unauthenticated: (unknown-token) there is no such token.
            Forbidden: (token-revoked, token-expired, token-used-up) it is no longer good; (host-quota-exceeded) the tenant has
                `most_hosts` that are not revoked; 0 is no bound.
            Conflict: the key is another host's or was revoked.
        """
        now = self._clock.now()
        with self._database.writing() as connection:
            enrolment = again(self._database, connection, secret_hash, kid)
            if enrolment is None:
                enrolment = redeem(connection, secret_hash, now)
                check_room(connection, enrolment.tenant, most_hosts)
            return add_host(
                connection,
                self._clock,
                enrolment.tenant,
                description=description,
                kid=kid,
                public_key=public_key,
                actor=f"enrolment:{enrolment.id}",
                host=None,
                labels=enrolment.labels,
                interval=interval,
                can_act=can_act,
            )


def _check(effect: Effect) -> None:
    verdict = effect.verdict
    if verdict.late and (effect.state is not None or effect.facts):
        raise InvalidInput("a late snapshot touches neither its host's state nor its facts")
    if effect.heard is not None and (not verdict.late or effect.expected is None):
        raise InvalidInput(
            "only a late snapshot of a known host can be heard without being followed"
        )
    if effect.description is not None and effect.description.id != verdict.host:
        raise InvalidInput("the description is of another host than the verdict")
    if (verdict.of is None) != (verdict.id == verdict_id(verdict.identity)):
        raise InvalidInput("a first verdict bears the id of its snapshot, and a later one another")
    if not 0 <= verdict.seq <= _MAX_SEQ:
        raise InvalidInput(f"seq {verdict.seq} cannot be stored")
    owners: set[tuple[TenantId, HostId | None]]
    owners = {(one.tenant, one.host) for one in effect.incidents}
    owners |= {(one.tenant, one.host) for one in effect.actions}
    if owners - {(verdict.tenant, verdict.host)}:
        raise InvalidInput("an incident or action is of another tenant or host than the verdict")
