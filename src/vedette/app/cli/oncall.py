"""`vedette oncall`: check a document, compare it with what is in force, put it in force, and ask who is on call."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.applied import AsJson, text_commands
from vedette.app.cli.options import After, Limit
from vedette.app.cli.tables import print_json, print_page, print_warnings

__all__ = ["oncall"]

oncall = typer.Typer(
    name="oncall", help="Who is on call, and who is told when.", no_args_is_help=True
)


@oncall.command("check")
def check_oncall(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An on-call document.")],
    server: Annotated[
        bool,
        typer.Option(
            "--server", help="Ask the server, which knows its destinations, too; changes nothing."
        ),
    ] = False,
) -> None:
    """Checks a document: syntax, names, zones, ways to reach people, chains; with line and column."""
    from vedette.app.wiring import oncall_from

    found = oncall_from(file)
    if server:
        ApiClient().post("oncall", "check", body={"text": found.text})
    print_warnings(map(str, found.warnings))
    typer.echo(
        f"ok: {len(found.people)} people, {len(found.schedules)} schedules, {len(found.chains)} chains,"
        f" version {found.version}"
    )


def _text(file: Path) -> str:
    from vedette.app.wiring import oncall_from

    return oncall_from(file).text


text_commands(oncall, "oncall", what="the document", file="An on-call document.", read=_text)


@oncall.command("escalations")
def list_escalations(
    incident: Annotated[str | None, typer.Option(help="An incident's id.")] = None,
    running: Annotated[bool, typer.Option("--running", help="Only those on their way.")] = False,
    limit: Limit = 50,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """Lists escalations, newest first: how far each is, and when it goes on."""
    page = ApiClient().get(
        "escalations", incident=incident, running=running or None, limit=limit, after=after
    )
    if as_json:
        print_json(page)
    else:
        columns = ("started_at", "chain", "state", "tier", "told", "due_at", "detail", "incident")
        print_page(page, (*columns, "id"), empty="No escalations.")


@oncall.command("who")
def who_is_on_call(
    at: Annotated[str | None, typer.Option(help="RFC 3339 time with zone; now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Says who is on call by schedule, until when, and who is next; and which hours are open, or are not for a holiday."""
    found = ApiClient().get("oncall", "now", at=at)
    if as_json:
        print_json(found)
    else:
        columns = ("schedule", "person", "until", "next", "zone")
        print_page(found, columns, empty="There is no schedule.")
        if hours := found.get("hours"):
            columns = ("hours", "open", "holiday", "next_open", "zone")
            print_page({"items": hours}, columns, empty="")
