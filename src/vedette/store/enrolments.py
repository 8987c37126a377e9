"""Leave to enrol hosts: secrets (kept as hashes) that expire and run out of uses."""

from datetime import datetime

import sqlalchemy as sa

from vedette.core import (
    Clock,
    Forbidden,
    InvalidInput,
    NotFound,
    Record,
    TenantId,
    Unauthenticated,
    new_id,
)
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ENROLMENTS, HOST_KEYS
from vedette.store.trail import Trail

__all__ = ["Enrolment", "Enrolments", "again", "redeem"]

MAX_USES = 100_000
_NEWEST = Listing("enrolments", ENROLMENTS.c.created_at, ENROLMENTS.c.id)


class Enrolment(Record, frozen=True, kw_only=True):
    """`labels` are pinned on each host enrolled with it. The secret is known to nobody but its bearer."""

    id: str
    tenant: TenantId
    labels: dict[str, str] = {}
    uses: int
    uses_left: int
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None


class Enrolments:
    """Each use is taken by one conditional update, so two processes cannot both take the last."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        tenant: TenantId,
        secret_hash: str,
        *,
        expires_at: datetime,
        uses: int,
        labels: dict[str, str] | None = None,
        actor: str,
    ) -> Enrolment:
        """Keeps a new secret's hash.

        Raises:
            InvalidInput: uses are not 1..100,000, or it would be expired at once.
            Conflict: the secret is known already.
        """
        now = self._clock.now()
        if not 1 <= uses <= MAX_USES:
            raise InvalidInput(f"an enrolment token may have 1 to {MAX_USES} uses, not {uses}")
        if expires_at <= now:
            raise InvalidInput("an enrolment token must expire in the future")
        enrolment = Enrolment(
            id=new_id(self._clock),
            tenant=tenant,
            labels=labels or {},
            uses=uses,
            uses_left=uses,
            created_at=now,
            created_by=actor,
            expires_at=expires_at,
        )
        with self._database.writing() as connection:
            connection.execute(
                sa.insert(ENROLMENTS), [values_of(enrolment, secret_hash=secret_hash)]
            )
            Trail(connection, tenant, actor, now).audit(
                "enrolment.created",
                enrolment.id,
                data={"uses": uses, "expires_at": expires_at.isoformat(), "labels": labels or {}},
            )
        return enrolment

    def list(
        self, tenant: TenantId, *, limit: int = 100, after: str | None = None
    ) -> Page[Enrolment]:
        """All of them, usable or not, newest first."""
        query = sa.select(*columns_of(ENROLMENTS, Enrolment)).where(ENROLMENTS.c.tenant == tenant)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Enrolment, row), limit=limit, after=after
            )

    def revoke(self, tenant: TenantId, identifier: str, *, actor: str, reason: str = "") -> None:
        """Ends it. Again is no second effect.

        Raises:
            NotFound: the tenant has none of this id.
        """
        now = self._clock.now()
        which = (ENROLMENTS.c.tenant == tenant, ENROLMENTS.c.id == identifier)
        with self._database.writing() as connection:
            if connection.execute(sa.select(ENROLMENTS.c.id).where(*which)).first() is None:
                raise NotFound(f"no enrolment token {identifier}")
            changed = connection.execute(
                sa.update(ENROLMENTS)
                .where(*which, ENROLMENTS.c.revoked_at.is_(None))
                .values(revoked_at=now)
            ).rowcount
            if changed:
                trail = Trail(connection, tenant, actor, now)
                trail.audit("enrolment.revoked", identifier, reason)


def redeem(connection: sa.Connection, secret_hash: str, now: datetime) -> Enrolment:
    """Takes one use, within a transaction.

    Raises:
        Unauthenticated: (unknown-token) there is no such secret.
        Forbidden: (token-revoked, token-expired, token-used-up) it is no longer good.
    """
    taken = connection.execute(
        sa.update(ENROLMENTS)
        .where(
            ENROLMENTS.c.secret_hash == secret_hash,
            ENROLMENTS.c.uses_left > 0,
            ENROLMENTS.c.expires_at > now,
            ENROLMENTS.c.revoked_at.is_(None),
        )
        .values(uses_left=ENROLMENTS.c.uses_left - 1)
    ).rowcount
    query = sa.select(*columns_of(ENROLMENTS, Enrolment))
    row = connection.execute(query.where(ENROLMENTS.c.secret_hash == secret_hash)).first()
    if row is None:
        raise Unauthenticated("this enrolment token is not known", kind="unknown-token")
    enrolment = read(Enrolment, row)
    if not taken:
        raise _no_longer_good(enrolment, now)
    return enrolment


def _no_longer_good(enrolment: Enrolment, now: datetime) -> Forbidden:
    if enrolment.revoked_at is not None:
        return Forbidden("this enrolment token was revoked; make a new one", kind="token-revoked")
    if enrolment.expires_at <= now:
        return Forbidden("this enrolment token has expired; make a new one", kind="token-expired")
    return Forbidden(
        f"this enrolment token had {enrolment.uses} uses, and all are taken; make a new one",
        kind="token-used-up",
    )


def again(
    database: Database, connection: sa.Connection, secret_hash: str, kid: str
) -> Enrolment | None:
    """The token, if its tenant has a host of this key already, perhaps by the token's last use.

    From here on nobody else can use the token until the transaction ends.
    """
    query = sa.select(*columns_of(ENROLMENTS, Enrolment)).where(
        ENROLMENTS.c.secret_hash == secret_hash, ENROLMENTS.c.revoked_at.is_(None)
    )
    row = connection.execute(database.locking(query, ENROLMENTS)).first()
    if row is None:
        return None
    enrolment = read(Enrolment, row)
    key = sa.select(HOST_KEYS.c.kid).where(
        HOST_KEYS.c.kid == kid, HOST_KEYS.c.tenant == enrolment.tenant
    )
    return enrolment if connection.execute(key).first() else None
