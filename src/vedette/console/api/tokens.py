"""/v1/tokens: API tokens of people and programs."""

from datetime import timedelta

from litestar.di import NamedDependency
from litestar.params import JSONBody

from vedette.console.api.bodies import NewToken
from vedette.console.api.query import After, Id, Limit
from vedette.console.api.replies import NewTokenView, Tokens
from vedette.console.api.route import changes, reads, removes
from vedette.console.credential import new_token
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import hash_secret
from vedette.store import Role

__all__ = ["create_token", "list_tokens", "revoke_token"]


@reads("/tokens", tag="tokens", summary="Find API tokens, newest first", role=Role.ADMIN)
def list_tokens(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    limit: Limit = 100,
    after: After = None,
) -> Tokens:
    """Without their secrets, which nobody has kept."""
    page = console.store.tokens.list(person.tenant, limit=limit, after=after)
    return Tokens(items=page.items, next=page.next)


@changes("/tokens", tag="tokens", summary="Make an API token", role=Role.ADMIN, status=201)
def create_token(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[NewToken],
) -> NewTokenView:
    """The secret is in this answer and nowhere else."""
    secret = new_token()
    expires = None
    if data.valid_days is not None:
        expires = console.clock.now() + timedelta(days=data.valid_days)
    token = console.store.tokens.create(
        person.tenant,
        name=data.name,
        role=data.role,
        secret_hash=hash_secret(secret),
        expires_at=expires,
        actor=person.actor,
    )
    return NewTokenView(token=token, secret=secret)


@removes("/tokens/{token_id:str}", tag="tokens", summary="Revoke an API token", role=Role.ADMIN)
def revoke_token(
    console: NamedDependency[Console], person: NamedDependency[Person], token_id: Id
) -> None:
    """It and every browser session made with it stop at once."""
    console.store.tokens.revoke(person.tenant, token_id, actor=person.actor)
