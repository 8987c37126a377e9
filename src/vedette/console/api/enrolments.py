"""/v1/enrolments: tokens with which new hosts join."""

from litestar.di import NamedDependency
from litestar.params import JSONBody

from vedette.console.api.bodies import NewEnrolment
from vedette.console.api.query import After, Id, Limit
from vedette.console.api.replies import Enrolments, NewEnrolmentView
from vedette.console.api.route import changes, reads, removes
from vedette.console.commands import enrol
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.store import Role

__all__ = ["create_enrolment", "list_enrolments", "revoke_enrolment"]


@reads(
    "/enrolments", tag="enrolments", summary="Find enrolment tokens, newest first", role=Role.ADMIN
)
def list_enrolments(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    limit: Limit = 100,
    after: After = None,
) -> Enrolments:
    """Without their secrets, which nobody has kept."""
    page = console.store.enrolments.list(person.tenant, limit=limit, after=after)
    return Enrolments(items=page.items, next=page.next)


@changes(
    "/enrolments",
    tag="enrolments",
    summary="Make an enrolment token",
    role=Role.ADMIN,
    status=201,
)
def create_enrolment(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[NewEnrolment],
) -> NewEnrolmentView:
    """The secret is in this answer and nowhere else."""
    enrolment, text = enrol(
        console, person, uses=data.uses, seconds=data.valid_minutes * 60.0, labels=data.labels
    )
    return NewEnrolmentView(enrolment=enrolment, secret=text)


@removes(
    "/enrolments/{enrolment_id:str}",
    tag="enrolments",
    summary="Revoke an enrolment token",
    role=Role.ADMIN,
)
def revoke_enrolment(
    console: NamedDependency[Console], person: NamedDependency[Person], enrolment_id: Id
) -> None:
    """No further host can join with it; those that did stay."""
    console.store.enrolments.revoke(person.tenant, enrolment_id, actor=person.actor)
