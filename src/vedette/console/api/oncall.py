"""/v1/oncall: who is on call, and the chains that tell them; /v1/escalations: those on their way."""

from datetime import timedelta
from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from vedette.console.api.bodies import NewOnCall, OnCallCheck
from vedette.console.api.query import After, IdFilter, Limit, moment
from vedette.console.api.replies import Duties, Escalations, PolicyHistory
from vedette.console.api.route import changes, reads
from vedette.console.person import Person
from vedette.console.ports import OnCallText
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import IncidentId, InvalidInput
from vedette.store import Role

__all__ = [
    "apply_oncall",
    "check_oncall",
    "get_oncall",
    "list_escalations",
    "list_oncall_history",
    "who_is_on_call",
]

_YEAR = timedelta(days=366)
At = Annotated[
    str | None,
    QueryParameter(max_length=40, format="date-time", description="The moment (RFC 3339); now."),
]


@reads("/oncall", tag="oncall", summary="The on-call document in force")
def get_oncall(console: NamedDependency[Console], person: NamedDependency[Person]) -> OnCallText:
    """Its text, version and chains."""
    return console.oncall.current(person.tenant)


@reads("/oncall/history", tag="oncall", summary="What was applied, newest first")
def list_oncall_history(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    limit: Limit = 100,
    after: After = None,
) -> PolicyHistory:
    """Every text with who applied it and when."""
    page = console.store.oncall.list(person.tenant, limit=limit, after=after)
    return PolicyHistory(items=page.items, next=page.next)


@reads("/oncall/now", tag="oncall", summary="Who is on call, now or at a moment")
def who_is_on_call(
    console: NamedDependency[Console], person: NamedDependency[Person], at: At = None
) -> Duties:
    """By schedule, with who is next and from when; and which `hours` are open, else when they will be. `at` lies within ten years of now."""
    now = console.clock.now()
    chosen = moment(at, "at") or now
    if abs(chosen - now) > 10 * _YEAR:
        raise InvalidInput("at must lie within ten years of now")
    return Duties(
        at=chosen,
        items=tuple(console.oncall.duties(person.tenant, chosen)),
        hours=tuple(console.oncall.openings(person.tenant, chosen)),
    )


@changes("/oncall/check", tag="oncall", summary="Check an on-call document", role=Role.RESPONDER)
def check_oncall(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[OnCallCheck],
) -> OnCallText:
    """What would be in force; nothing is changed. An error names line and column."""
    return console.oncall.check(person.tenant, data.text)


@changes("/oncall", tag="oncall", summary="Put an on-call document in force", role=Role.ADMIN)
def apply_oncall(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[NewOnCall],
) -> OnCallText:
    """Whole or not at all; an error names line and column. Needs a reason."""
    why = needed(data.reason, "change who is on call")
    return console.oncall.apply(person.tenant, data.text, actor=person.actor, reason=why)


@reads("/escalations", tag="oncall", summary="Find escalations, newest first")
def list_escalations(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident: IdFilter = None,
    running: FromQuery[bool | None] = None,
    limit: Limit = 100,
    after: After = None,
) -> Escalations:
    """Of one incident, or with `running=true` those on their way. `due_at` is when the next thing is done, `detail` says what was."""
    page = console.store.escalations.find(
        person.tenant,
        incident=None if incident is None else IncidentId(incident),
        running=bool(running),
        limit=limit,
        after=after,
    )
    return Escalations(items=page.items, next=page.next)
