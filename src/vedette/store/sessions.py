"""Sessions of people in a browser, known by the hash of what their cookie holds."""

from datetime import datetime

import sqlalchemy as sa

from vedette.core import Clock, Conflict, Record, TenantId
from vedette.store.database import Database
from vedette.store.role import Role
from vedette.store.rows import read
from vedette.store.schema import SESSIONS, TOKENS
from vedette.store.tokens import ApiToken, usable
from vedette.store.trail import Trail

__all__ = ["Session", "Sessions"]


class Session(Record, frozen=True, kw_only=True):
    """Who is signed in, with the name and role of the token they signed in with."""

    id_hash: str
    tenant: TenantId
    token: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime


class Sessions:
    """A session ends by sign-out, by time, or with its token."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(self, id_hash: str, token: ApiToken, *, expires_at: datetime) -> Session:
        """Opens a session for a token's bearer; rows of sessions that are over are swept away on the way.

        Raises:
            Conflict: the token is expired or revoked by now.
        """
        now = self._clock.now()
        with self._database.writing() as connection:
            holds = sa.select(TOKENS.c.id).where(
                TOKENS.c.tenant == token.tenant, TOKENS.c.id == token.id, *usable(now)
            )
            if connection.execute(self._database.locking(holds, TOKENS)).first() is None:
                raise Conflict("this token is expired or revoked")
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.expires_at <= now))
            connection.execute(
                sa.insert(SESSIONS).values(
                    id_hash=id_hash,
                    tenant=token.tenant,
                    token=token.id,
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            Trail(connection, token.tenant, f"user:{token.name}", now).audit(
                "session.opened", token.id
            )
        return Session(
            id_hash=id_hash,
            tenant=token.tenant,
            token=token.id,
            name=token.name,
            role=token.role,
            created_at=now,
            expires_at=expires_at,
        )

    def get(self, id_hash: str) -> Session | None:
        """The session, while it and its token hold."""
        now = self._clock.now()
        query = (
            sa.select(SESSIONS, TOKENS.c.name, TOKENS.c.role)
            .join(
                TOKENS,
                sa.and_(TOKENS.c.tenant == SESSIONS.c.tenant, TOKENS.c.id == SESSIONS.c.token),
            )
            .where(SESSIONS.c.id_hash == id_hash, SESSIONS.c.expires_at > now, *usable(now))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else read(Session, row)

    def delete(self, id_hash: str) -> None:
        """Signs out. Again is no second effect."""
        now = self._clock.now()
        with self._database.writing() as connection:
            query = (
                sa.select(SESSIONS.c.tenant, SESSIONS.c.token, TOKENS.c.name)
                .join(
                    TOKENS,
                    sa.and_(TOKENS.c.tenant == SESSIONS.c.tenant, TOKENS.c.id == SESSIONS.c.token),
                )
                .where(SESSIONS.c.id_hash == id_hash)
            )
            row = connection.execute(query).first()
            deleted = connection.execute(
                sa.delete(SESSIONS).where(SESSIONS.c.id_hash == id_hash)
            ).rowcount
            if row is not None and deleted:
                Trail(connection, row.tenant, f"user:{row.name}", now).audit(
                    "session.closed", row.token
                )
