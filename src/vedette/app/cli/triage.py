"""`vedette incidents timeline|comment|assign|reopen|merge|split`, over the API."""

from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.client import Id, incidents
from vedette.app.cli.options import AsJson, Reason
from vedette.app.cli.tables import print_json, print_page

__all__ = ["incidents"]


@incidents.command("timeline")
def show_timeline(incident: Id, as_json: AsJson = False) -> None:
    """Lists what happened to it and what people said, oldest first."""
    page = ApiClient().get("incidents", incident, "events")
    if as_json:
        print_json(page)
    else:
        print_page(page, ("at", "kind", "actor", "text"), empty="Nothing happened.")


@incidents.command("comment")
def comment_incident(
    incident: Id, text: Annotated[str, typer.Argument(help="For whoever looks into it.")]
) -> None:
    """Adds a line to its timeline, which it prints."""
    print_json(ApiClient().post("incidents", incident, "comments", body={"text": text}))


@incidents.command("assign")
def assign_incident(
    incident: Id,
    to: Annotated[str, typer.Option(help="Whose it is, by their token's name; empty: nobody's.")],
    reason: Reason = "",
) -> None:
    """Makes it somebody's."""
    print_json(ApiClient().post("incidents", incident, "assign", body={"to": to, "reason": reason}))


@incidents.command("reopen")
def reopen_incident(incident: Id, reason: Reason) -> None:
    """Undoes its closing; what was silenced for it is told again."""
    print_json(ApiClient().post("incidents", incident, "reopen", body={"reason": reason}))


@incidents.command("merge")
def merge_incident(
    incident: Id,
    into: Annotated[str, typer.Option(help="The incident that goes on.")],
    reason: Reason,
) -> None:
    """Makes it part of another; prints the one that goes on."""
    body = {"into": into, "reason": reason}
    print_json(ApiClient().post("incidents", incident, "merge", body=body))


@incidents.command("split")
def split_incident(
    incident: Id,
    reason: Reason,
    host: Annotated[
        list[str] | None, typer.Option(help="A host's id, of a fleet's incident; repeatable.")
    ] = None,
    cause: Annotated[
        list[str] | None, typer.Option(help="A cause, of a host's incident; repeatable.")
    ] = None,
) -> None:
    """Takes hosts or causes out into a new incident, which it prints."""
    body = {"hosts": host or [], "causes": cause or [], "reason": reason}
    print_json(ApiClient().post("incidents", incident, "split", body=body))
