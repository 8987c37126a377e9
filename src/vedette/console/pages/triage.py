"""What the forms of the incident page do to whose it is and what belongs to it."""

from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.api.query import Id
from vedette.console.form import Form
from vedette.console.pages.route import takes
from vedette.console.pages.said import back_to
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.triaging import assign, merge, reopen, split
from vedette.core import HostId, IncidentId

__all__ = ["assign_move", "merge_move", "reopen_move", "split_move"]


@takes("/incidents/{incident_id:str}/assign")
def assign_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The Assign form."""
    one = assign(console, person, IncidentId(incident_id), form.text("to", bound=100), "")
    return back_to(f"/incidents/{one.id}", "assigned")


@takes("/incidents/{incident_id:str}/reopen")
def reopen_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The Re-open form; it asks for a reason."""
    one = reopen(console, person, IncidentId(incident_id), form.text("reason", bound=1000))
    return back_to(f"/incidents/{one.id}", "reopened")


@takes("/incidents/{incident_id:str}/merge")
def merge_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The Merge form; it asks for the other's id and a reason."""
    into = IncidentId(form.text("into", bound=80))
    reason = form.text("reason", bound=1000)
    one = merge(console, person, IncidentId(incident_id), into, reason)
    return back_to(f"/incidents/{one.id}", "merged")


@takes("/incidents/{incident_id:str}/split")
def split_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The Split form: one host or one cause at a time, with a reason."""
    host, cause = form.text("host", bound=80), form.text("cause")
    new = split(
        console,
        person,
        IncidentId(incident_id),
        hosts=(HostId(host),) if host else (),
        causes=(cause,) if cause else (),
        reason=form.text("reason", bound=1000),
    )
    return back_to(f"/incidents/{new.id}", "split")
