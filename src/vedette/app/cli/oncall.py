"""`vedette oncall`: check a document, compare it with what is in force, put it in force, and ask who is on call."""

import difflib
from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.tables import print_json, print_page

__all__ = ["oncall"]

oncall = typer.Typer(
    name="oncall", help="Who is on call, and who is told when.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An on-call document.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


@oncall.command("check")
def check_oncall(file: File) -> None:
    """Checks a document: syntax, names, zones, ways to reach people, chains; with line and column."""
    from vedette.app.wiring import oncall_from

    found = oncall_from(file)
    typer.echo(
        f"ok: {len(found.people)} people, {len(found.schedules)} schedules, {len(found.chains)} chains,"
        f" version {found.version}"
    )


@oncall.command("show")
def show_oncall(as_json: AsJson = False) -> None:
    """Prints the document in force."""
    found = ApiClient().get("oncall")
    if as_json:
        print_json(found)
    else:
        typer.echo(found["text"], nl=False)


@oncall.command("diff")
def diff_oncall(file: File) -> None:
    """Compares a file with what is in force; exit 1 if they differ."""
    from vedette.app.wiring import oncall_from

    text = oncall_from(file).text
    found = ApiClient().get("oncall")["text"].splitlines()
    lines = list(difflib.unified_diff(found, text.splitlines(), "in force", str(file), lineterm=""))
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(1)
    typer.echo("no difference", err=True)


@oncall.command("apply")
def apply_oncall(
    file: File,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")],
) -> None:
    """Puts a file in force, whole or not at all; all processes follow within seconds."""
    from vedette.app.wiring import oncall_from

    text = oncall_from(file).text
    done = ApiClient().post("oncall", body={"text": text, "reason": reason})
    typer.echo(f"in force: version {done['version']}")


@oncall.command("history")
def oncall_history(as_json: AsJson = False) -> None:
    """Lists the texts that were applied, newest first."""
    page = ApiClient().get("oncall", "history")
    if as_json:
        print_json(page)
    else:
        print_page(page, ("applied_at", "applied_by", "version"), empty="Nothing was applied yet.")


@oncall.command("who")
def who_is_on_call(
    at: Annotated[str | None, typer.Option(help="RFC 3339 time with zone; now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Says who is on call by schedule, until when, and who is next."""
    found = ApiClient().get("oncall", "now", at=at)
    if as_json:
        print_json(found)
    else:
        columns = ("schedule", "person", "until", "next", "zone")
        print_page(found, columns, empty="There is no schedule.")
