"""API tokens of people and scripts, kept as hashes."""

import re
from datetime import datetime

import sqlalchemy as sa

from vedette.core import Clock, Conflict, InvalidInput, NotFound, Record, TenantId, new_id
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.role import Role
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import SESSIONS, TOKENS
from vedette.store.trail import Trail

__all__ = ["ACTOR_NAME", "ApiToken", "Tokens", "usable"]

MAX_NAME = 100
ACTOR_NAME = r"^[A-Za-z0-9][A-Za-z0-9._@+-]*(?: [A-Za-z0-9._@+-]+)*$"
"""What a new token may be called: nothing that reads as another name does, and no `:`, which parts who acts from what they are."""
_NAME = re.compile(ACTOR_NAME)
_NEWEST = Listing("tokens", TOKENS.c.created_at, TOKENS.c.id)


class ApiToken(Record, frozen=True, kw_only=True):
    """`name` is who acts: the audit's `user:<name>`, so no two usable tokens of a tenant share it."""

    id: str
    tenant: TenantId
    name: str
    role: Role
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class Tokens:
    """The secret itself is shown once, by whoever made it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        tenant: TenantId,
        name: str,
        role: Role,
        secret_hash: str,
        expires_at: datetime | None,
        actor: str,
    ) -> ApiToken:
        """Keeps a new secret's hash; `expires_at` None means until revoked.

        Raises:
            InvalidInput: no name, one over 100 characters or with others than the allowed, or it would be expired at once.
            Conflict: a usable token bears the name, or another bears it in other letters: people are counted by their names.
        """
        now, name = self._clock.now(), name.strip()
        if not name or len(name) > MAX_NAME:
            raise InvalidInput(f"a token needs a name of 1 to {MAX_NAME} characters")
        if _NAME.fullmatch(name) is None:
            raise InvalidInput(
                f"{name!a} can't be a token's name: it begins with a letter or digit, and has only letters of English, "
                "digits, . _ - @ + and single spaces"
            )
        if expires_at is not None and expires_at <= now:
            raise InvalidInput("a token must expire in the future")
        token = ApiToken(
            id=new_id(self._clock),
            tenant=tenant,
            name=name,
            role=role,
            created_at=now,
            created_by=actor,
            expires_at=expires_at,
        )
        with self._database.writing() as connection:
            row = values_of(token, secret_hash=secret_hash)
            _refuse_alike(connection, tenant, name)
            if not self._database.insert_new(connection, TOKENS, row):
                raise Conflict(
                    f"a token named {name} is there already; revoke it or take another name"
                )
            expiry = expires_at.isoformat() if expires_at else ""
            Trail(connection, tenant, actor, now).audit(
                "token.created",
                token.id,
                data={"name": name, "role": str(role), "expires_at": expiry},
            )
        return token

    def by_hash(self, secret_hash: str) -> ApiToken | None:
        """The token of this secret, of whatever tenant; None if unknown, expired or revoked."""
        query = sa.select(*columns_of(TOKENS, ApiToken)).where(
            TOKENS.c.secret_hash == secret_hash, *usable(self._clock.now())
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else read(ApiToken, row)

    def list(
        self, tenant: TenantId, *, limit: int = 100, after: str | None = None
    ) -> Page[ApiToken]:
        """All of them, usable or not, newest first."""
        query = sa.select(*columns_of(TOKENS, ApiToken)).where(TOKENS.c.tenant == tenant)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(ApiToken, row), limit=limit, after=after
            )

    def revoke(self, tenant: TenantId, identifier: str, *, actor: str, reason: str = "") -> None:
        """Ends it and every session that was opened with it. Again is no second effect.

        Raises:
            NotFound: the tenant has none of this id.
        """
        now = self._clock.now()
        which = (TOKENS.c.tenant == tenant, TOKENS.c.id == identifier)
        with self._database.writing() as connection:
            row = connection.execute(sa.select(TOKENS.c.name).where(*which)).first()
            if row is None:
                raise NotFound(f"no token {identifier}")
            changed = connection.execute(
                sa.update(TOKENS)
                .where(*which, TOKENS.c.revoked_at.is_(None))
                .values(revoked_at=now)
            ).rowcount
            if changed:
                connection.execute(
                    sa.delete(SESSIONS).where(
                        SESSIONS.c.tenant == tenant, SESSIONS.c.token == identifier
                    )
                )
                trail = Trail(connection, tenant, actor, now)
                trail.audit("token.revoked", identifier, reason, {"name": row.name})


def usable(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """What holds of a token that still opens anything."""
    return (
        TOKENS.c.revoked_at.is_(None),
        sa.or_(TOKENS.c.expires_at.is_(None), TOKENS.c.expires_at > now),
    )


def _refuse_alike(connection: sa.Connection, tenant: TenantId, name: str) -> None:
    query = sa.select(TOKENS.c.name).where(
        TOKENS.c.tenant == tenant, TOKENS.c.revoked_at.is_(None), TOKENS.c.name != name
    )
    for (other,) in connection.execute(query):
        if other.strip().casefold() == name.casefold():
            raise Conflict(f"a token named {other} is there already, which reads the same")
