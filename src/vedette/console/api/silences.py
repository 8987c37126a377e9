"""/v1/silences: what people do not want to be told, or done, for a while."""

from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from vedette.console.api.bodies import MakingSilence, Reasoned
from vedette.console.api.query import After, Id, IdempotencyKey, Limit, moment
from vedette.console.api.replies import Silences
from vedette.console.api.route import changes, reads
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.silencing import NewSilence, end_silence, silence
from vedette.core import HostId, InvalidInput, Silence, SilenceScope
from vedette.store import Role

__all__ = ["create_silence", "end_silence_now", "get_silence", "list_silences"]


@reads("/silences", tag="silences", summary="Find silences and maintenance windows, newest first")
def list_silences(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    in_force: FromQuery[bool | None] = None,
    limit: Limit = 100,
    after: After = None,
) -> Silences:
    """With `in_force=true` not what is over or to come. Nothing is deleted."""
    page = console.store.silences.find(
        person.tenant, in_force_only=bool(in_force), limit=limit, after=after
    )
    return Silences(items=page.items, next=page.next)


@reads("/silences/{silence_id:str}", tag="silences", summary="One silence", one=True)
def get_silence(
    console: NamedDependency[Console], person: NamedDependency[Person], silence_id: Id
) -> Silence:
    """Whether or not it is over."""
    return console.store.silences.get(person.tenant, silence_id)


@changes("/silences", tag="silences", summary="Silence something", role=Role.RESPONDER, status=201)
def create_silence(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[MakingSilence],
    idempotency_key: IdempotencyKey = None,
) -> Silence:
    """Needs a host, labels or causes, an end, and a reason. Of `maintenance`, nothing disruptive begins either."""
    ends_at = moment(data.ends_at, "ends_at")
    if ends_at is None:
        raise InvalidInput("ends_at is needed")
    scope = SilenceScope(
        host=None if data.host is None else HostId(data.host),
        labels=data.labels,
        causes=tuple(data.causes),
        severity=data.severity,
    )
    asked = NewSilence(
        kind=data.kind,
        scope=scope,
        starts_at=moment(data.starts_at, "starts_at"),
        ends_at=ends_at,
        reason=data.reason,
        request=f"{idempotency_key}/{data.starts_at}/{data.ends_at}" if idempotency_key else "",
    )
    return silence(console, person, asked)


@changes(
    "/silences/{silence_id:str}/end",
    tag="silences",
    summary="End a silence before its time",
    role=Role.RESPONDER,
)
def end_silence_now(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    silence_id: Id,
    data: JSONBody[Reasoned],
) -> Silence:
    """What it held is told now, where its incident is not closed."""
    return end_silence(console, person, silence_id, data.reason)
