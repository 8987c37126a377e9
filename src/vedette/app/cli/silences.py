"""`vedette silences`: what people are not told for a while, over the API."""

from typing import Annotated, Any

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import After, AsJson, Limit, Reason
from vedette.app.cli.tables import print_json, print_page, print_thing
from vedette.core import Severity, SilenceKind

__all__ = ["silences"]

silences = typer.Typer(
    name="silences",
    help="What is not told, or not touched, for a while.",
    invoke_without_command=True,
)


@silences.callback()
def list_silences(
    context: typer.Context,
    in_force: Annotated[bool, typer.Option("--in-force", help="Only those in force now.")] = False,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists silences and maintenance windows, newest first."""
    if context.invoked_subcommand is not None:
        return
    page = ApiClient().get("silences", in_force=in_force, limit=limit, after=after)
    columns = ("kind", "scope", "starts_at", "ends_at", "ended_at", "owner", "reason", "id")
    print_page(page, columns, empty="Nothing is silenced.", as_json=as_json)


@silences.command("create")
def create_silence(
    until: Annotated[str, typer.Option(help="RFC 3339 time with zone; at most 90 days away.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; people are shown it.")],
    host: Annotated[str | None, typer.Option(help="A host's id.")] = None,
    label: Annotated[
        list[str] | None, typer.Option(help="Hosts with this label, as role=web; repeatable.")
    ] = None,
    cause: Annotated[list[str] | None, typer.Option(help="A reason's subject; repeatable.")] = None,
    severity: Annotated[Severity, typer.Option(help="The worst to hold.")] = Severity.CRITICAL,
    start: Annotated[
        str | None, typer.Option(help="RFC 3339 time with zone; now unless told.")
    ] = None,
    maintenance: Annotated[
        bool, typer.Option("--maintenance", help="Nothing disruptive begins either.")
    ] = False,
) -> None:
    """Silences a host, hosts with a label, or causes."""
    labels = {}
    for pair in label or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUE", param_hint="--label")
        labels[name] = value
    body: dict[str, Any] = {
        "kind": (SilenceKind.MAINTENANCE if maintenance else SilenceKind.SILENCE).value,
        "host": host,
        "labels": labels,
        "causes": cause or [],
        "severity": severity.value,
        "starts_at": start,
        "ends_at": until,
        "reason": reason,
    }
    print_json(ApiClient().post("silences", body=body))


@silences.command("show")
def show_silence(
    silence: Annotated[str, typer.Argument(help="Its id.")],
    as_json: AsJson = False,
) -> None:
    """Shows one."""
    found = ApiClient().get("silences", silence)
    print_thing(found, as_json=as_json)


@silences.command("end")
def end_silence(
    silence: Annotated[str, typer.Argument(help="Its id.")],
    reason: Reason = "",
) -> None:
    """Ends one before its time; what it held is told, where that is still so."""
    print_json(ApiClient().post("silences", silence, "end", body={"reason": reason}))
