"""`vedette incidents assign|reopen|merge|split`, over the API."""

from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.client import Id, Reason, incidents
from vedette.app.cli.tables import print_json

__all__ = ["incidents"]


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
