"""Hosts: who they are, their keys, and how they stand between snapshots."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    AuditEntry,
    Clock,
    Conflict,
    Forbidden,
    Host,
    HostDescription,
    HostId,
    HostStatus,
    Identity,
    NotFound,
    Record,
    StandingPolicy,
    TenantId,
    new_id,
)
from vedette.store.allowing import allow
from vedette.store.audit import write_audit
from vedette.store.database import Database
from vedette.store.door import open_time
from vedette.store.labelled import Labelled, labelled
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read
from vedette.store.schema import HOST_KEYS, HOSTS
from vedette.store.silence import Waiting, expire, none_waits
from vedette.store.standing import no_policies
from vedette.store.trail import Trail

__all__ = ["Hosts", "Signer", "add_host"]

_CONTESTED_ANEW = timedelta(seconds=10)
_BY_NAME = Listing("hosts", HOSTS.c.hostname, HOSTS.c.id, newest_first=False)
_COLUMNS = columns_of(HOSTS, Host)
_SIGNERS: sa.Select[Any] = (
    sa.select(*HOST_KEYS.c, HOSTS.c.needed)
    .join_from(
        HOST_KEYS, HOSTS, (HOSTS.c.tenant == HOST_KEYS.c.tenant) & (HOSTS.c.id == HOST_KEYS.c.host)
    )
    .where(HOST_KEYS.c.kid.in_(sa.bindparam("kids", expanding=True)))
)


class Signer(Record, frozen=True, kw_only=True):
    """Whose key a request is signed with. `public_key` is the key's text form, `needed` the tables that the detector needs in full."""

    host: HostId
    tenant: TenantId
    public_key: str
    revoked_at: datetime | None = None
    needed: tuple[str, ...] = ()


class Hosts:
    """Their standing moves with verdicts (`Store.apply`) and with silence (`expire_silent`)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, tenant: TenantId, identifier: HostId) -> Host:
        """One host, revoked or not.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            return _one(connection, tenant, identifier)

    def pinned(self, tenant: TenantId, identifier: HostId) -> dict[str, str]:
        """The labels that came with its enrolment token.

        Raises:
            NotFound: the tenant has none of this id.
        """
        query = sa.select(HOSTS.c.pinned_labels).where(
            HOSTS.c.tenant == tenant, HOSTS.c.id == identifier
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"no host {identifier}")
        return dict(row.pinned_labels or {})

    def many(self, tenant: TenantId, hosts: Iterable[HostId]) -> dict[HostId, Host]:
        """Those of the hosts that the tenant has."""
        query = sa.select(*_COLUMNS).where(
            HOSTS.c.tenant == tenant, HOSTS.c.id.in_(sorted(set(hosts)))
        )
        with self._database.reading() as connection:
            return {HostId(row.id): read(Host, row) for row in connection.execute(query)}

    def find(
        self,
        tenant: TenantId,
        *,
        status: HostStatus | None = None,
        text: str | None = None,
        revoked: bool | None = False,
        silent: bool | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Host]:
        """By hostname. `text` is looked for in hostname and id, whatever its case; `revoked` and `silent` None mean all."""
        query = sa.select(*_COLUMNS).where(HOSTS.c.tenant == tenant)
        if status is not None:
            query = query.where(HOSTS.c.status == status)
        if text:
            query = query.where(
                sa.or_(
                    sa.func.lower(HOSTS.c.hostname).contains(text.lower(), autoescape=True),
                    sa.func.lower(HOSTS.c.id).startswith(text.lower(), autoescape=True),
                )
            )
        if silent is not None:
            query = query.where(
                HOSTS.c.silent_since.is_not(None) if silent else HOSTS.c.silent_since.is_(None)
            )
        if revoked is not None:
            query = query.where(
                HOSTS.c.revoked_at.is_not(None) if revoked else HOSTS.c.revoked_at.is_(None)
            )
        with self._database.reading() as connection:
            return _BY_NAME.page(
                connection, query, lambda row: read(Host, row), limit=limit, after=after
            )

    def counts_by_status(self, tenant: TenantId) -> dict[HostStatus, int]:
        """How many hosts that are not revoked stand how; every status is named."""
        query = (
            sa.select(HOSTS.c.status, sa.func.count())
            .where(HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
            .group_by(HOSTS.c.status)
        )
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {status: found.get(status, 0) for status in HostStatus}

    def labelled(self, tenant: TenantId, hosts: Collection[HostId]) -> Labelled:
        """The counts of the last verdicts' labels, by index, and of these hosts each its own; all of one moment."""
        with self._database.reading() as connection:
            return labelled(connection, tenant, hosts)

    def trusted(self) -> int:
        """How many hosts of all tenants are enrolled and not revoked."""
        query = sa.select(sa.func.count()).select_from(HOSTS).where(HOSTS.c.revoked_at.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def signers(self, kids: Collection[str]) -> dict[str, Signer]:
        """The hosts whose keys bear these ids, whatever their tenants; with when they were revoked, if they were."""
        with self._database.reading() as connection:
            found = connection.execute(_SIGNERS, {"kids": sorted(kids)})
            return {row.kid: read(Signer, row) for row in found}

    def enrol(
        self,
        tenant: TenantId,
        *,
        description: HostDescription,
        kid: str,
        public_key: str,
        actor: str,
        host: HostId | None = None,
        labels: dict[str, str] | None = None,
        interval: float = 60.0,
        can_act: tuple[str, ...] = (),
    ) -> Host:
        """Makes a host known by its key. `labels` are pinned: no agent can change them; `host` is None for a new id.

        The same key again gives the host it already has.

        Raises:
            Conflict: the key is another tenant's or was revoked, or the id is taken.
        """
        with self._database.writing() as connection:
            return add_host(
                connection,
                self._clock,
                tenant,
                description=description,
                kid=kid,
                public_key=public_key,
                actor=actor,
                host=host,
                labels=labels,
                interval=interval,
                can_act=can_act,
            )

    def contest(self, identity: Identity, taken_at: datetime) -> None:
        """Keeps that a number of this epoch came a second time, with other content that was taken at `taken_at`.

        What was taken within ten seconds of what is kept is not written again.
        """
        recent = sa.and_(
            HOSTS.c.contested_epoch == identity.epoch,
            HOSTS.c.contested_at > taken_at - _CONTESTED_ANEW,
            HOSTS.c.contested_at < taken_at + _CONTESTED_ANEW,
        )
        with self._database.writing() as connection:
            connection.execute(
                sa.update(HOSTS)
                .where(
                    HOSTS.c.tenant == identity.tenant,
                    HOSTS.c.id == identity.host,
                    sa.func.coalesce(sa.not_(recent), sa.true()),
                )
                .values(contested_epoch=identity.epoch, contested_at=taken_at)
            )

    def allow(self, tenant: TenantId, host: HostId, kinds: tuple[str, ...]) -> bool:
        """Keeps which kinds of actions its agent says that it lets be done; whether that is news."""
        with self._database.writing() as connection:
            return allow(connection, tenant, host, kinds, self._clock.now())

    def revoke(self, tenant: TenantId, identifier: HostId, actor: str, reason: str) -> Host:
        """Ends the trust in a host's keys. What it sent before stays. Again is no second effect.

        Raises:
            NotFound: the tenant has none of this id.
        """
        now = self._clock.now()
        of_host = (HOSTS.c.tenant == tenant, HOSTS.c.id == identifier)
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(HOSTS)
                .where(*of_host, HOSTS.c.revoked_at.is_(None))
                .values(revoked_at=now)
            ).rowcount
            host = _one(connection, tenant, identifier)
            if changed:
                connection.execute(
                    sa.update(HOST_KEYS)
                    .where(
                        HOST_KEYS.c.tenant == tenant,
                        HOST_KEYS.c.host == identifier,
                        HOST_KEYS.c.revoked_at.is_(None),
                    )
                    .values(revoked_at=now)
                )
                trail = Trail(connection, tenant, actor, now)
                trail.audit("host.revoked", identifier, reason)
                trail.notify("host.revoked", identifier, {})
        return host

    def silent(self, tenant: TenantId) -> int:
        """How many hosts that are not revoked are silent now."""
        query = (
            sa.select(sa.func.count())
            .select_from(HOSTS)
            .where(
                HOSTS.c.tenant == tenant,
                HOSTS.c.revoked_at.is_(None),
                HOSTS.c.silent_since.is_not(None),
            )
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def expire_silent(
        self,
        now: datetime,
        *,
        waiting: Waiting = none_waits,
        policies: StandingPolicy = no_policies,
    ) -> list[Host]:
        """Hosts that missed three intervals become `unknown`, once each; those that this call changed.

        Intervals are counted by the door's clock (`Store.door`), so that no time counts in which nobody could be heard. A
        host that never sent anything counts from its enrolment. `waiting` tells which hosts have snapshots that are
        accepted and not yet judged: those become `unknown` with the reason `waiting`, which is not told of, until a verdict
        or their silence. `policies` answer within the same transaction.
        """
        return expire(self._database, now, waiting, policies)


def check_room(connection: sa.Connection, tenant: TenantId, most: int) -> None:
    """Within a transaction: passes if the tenant may have one more host. Two at the same moment may both pass.

    Raises:
        Forbidden: (host-quota-exceeded) it has `most` that are not revoked; 0 is no bound.
    """
    of_tenant = (HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
    count = connection.execute(
        sa.select(sa.func.count()).select_from(HOSTS).where(*of_tenant)
    ).scalar_one()
    if most and count >= most:
        raise Forbidden(
            f"this tenant may have {most} hosts; revoke one that is gone, or raise ingest.max_hosts",
            kind="host-quota-exceeded",
        )


def add_host(
    connection: sa.Connection,
    clock: Clock,
    tenant: TenantId,
    *,
    description: HostDescription,
    kid: str,
    public_key: str,
    actor: str,
    host: HostId | None,
    labels: dict[str, str] | None,
    interval: float,
    can_act: tuple[str, ...],
) -> Host:
    """Within a transaction, what `Hosts.enrol` does."""
    known = connection.execute(sa.select(HOST_KEYS).where(HOST_KEYS.c.kid == kid)).first()
    if known is not None:
        if known.tenant != tenant or known.revoked_at is not None or known.public_key != public_key:
            raise Conflict("this key is enrolled already or was revoked; make a new one")
        return _one(connection, tenant, HostId(known.host))
    now = clock.now()
    identifier = host or HostId(new_id(clock))
    pinned = labels or {}
    connection.execute(
        sa.insert(HOSTS).values(
            tenant=tenant,
            id=identifier,
            hostname=description.hostname,
            labels=description.labels | pinned,
            pinned_labels=pinned,
            os=description.os,
            status=HostStatus.UNKNOWN,
            status_since=now,
            status_reason="",
            interval=interval,
            enrolled_at=now,
            last_seq=0,
            can_act=can_act,
            read_at={},
            needed=(),
            heard=open_time(connection),
        )
    )
    connection.execute(
        sa.insert(HOST_KEYS).values(
            kid=kid, tenant=tenant, host=identifier, public_key=public_key, added_at=now
        )
    )
    data: dict[str, Any] = {"hostname": description.hostname, "kid": kid, "labels": pinned}
    if namesakes := _namesakes(connection, tenant, identifier, description.hostname):
        data["namesakes"] = namesakes
    write_audit(connection, [_entry(tenant, now, actor, "host.enrolled", identifier, "", data)])
    return _one(connection, tenant, identifier)


def _namesakes(
    connection: sa.Connection, tenant: TenantId, identifier: HostId, hostname: str
) -> list[str]:
    """Other hosts of this name that are still trusted: perhaps this very machine, before its agent was wiped."""
    query = (
        sa.select(HOSTS.c.id)
        .where(
            HOSTS.c.tenant == tenant,
            HOSTS.c.hostname == hostname,
            HOSTS.c.id != identifier,
            HOSTS.c.revoked_at.is_(None),
        )
        .order_by(HOSTS.c.id)
        .limit(10)
    )
    return list(connection.execute(query).scalars())


def _one(connection: sa.Connection, tenant: TenantId, identifier: HostId) -> Host:
    query = sa.select(*_COLUMNS).where(HOSTS.c.tenant == tenant, HOSTS.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no host {identifier}")
    return read(Host, row)


def _entry(
    tenant: TenantId,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    reason: str,
    data: dict[str, Any] | None = None,
) -> AuditEntry:
    return AuditEntry(
        tenant=tenant,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        reason=reason,
        data=data or {},
    )
