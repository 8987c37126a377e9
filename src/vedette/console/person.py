"""Who is asking: a token's holder, known by the token itself or by a browser session made with it."""

from vedette.console.credential import TOKEN_PREFIX, csrf_token
from vedette.console.settings import Console
from vedette.core import Record, TenantId, Unauthenticated, hash_secret
from vedette.store import Role

__all__ = ["Person", "by_bearer", "by_session"]


class Person(Record, frozen=True, kw_only=True):
    """`csrf` and `session` (its hash) are empty for a bearer token."""

    tenant: TenantId
    name: str
    role: Role
    csrf: str = ""
    session: str = ""

    @property
    def actor(self) -> str:
        """As the audit names them."""
        return f"user:{self.name}"

    def may(self, role: Role) -> bool:
        """Whether their role is at least this one."""
        return self.role.covers(role)


def by_bearer(console: Console, authorization: str) -> Person:
    """The holder of the token in an Authorization header (RFC 6750).

    Raises:
        Unauthenticated: not a bearer token, or not one that holds now.
    """
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.startswith(TOKEN_PREFIX):
        raise Unauthenticated(
            "send an API token: Authorization: Bearer vdt_...", kind="bad-credentials"
        )
    token = console.store.tokens.by_hash(hash_secret(credential.strip()))
    if token is None:
        raise Unauthenticated(
            "this API token is not known, has expired or was revoked", kind="bad-credentials"
        )
    return Person(tenant=token.tenant, name=token.name, role=token.role)


def by_session(console: Console, cookie: str) -> Person:
    """The person who opened a browser session; it ends by time, or with the token that opened it.

    Raises:
        Unauthenticated: no session, or one that has ended.
    """
    session = console.store.sessions.get(hash_secret(cookie)) if cookie else None
    if session is None:
        raise Unauthenticated("sign in first", kind="no-session")
    return Person(
        tenant=session.tenant,
        name=session.name,
        role=session.role,
        csrf=csrf_token(cookie),
        session=session.id_hash,
    )
