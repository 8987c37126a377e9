"""Commands of a text that people put in force: print it, compare a file with it, put a file in force, list those before."""

import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import AsJson
from vedette.app.cli.tables import print_json, print_page, print_warnings
from vedette.core import VedetteError

__all__ = ["AsJson", "text_commands"]

_UNTRIED = "this text was not tried over enough history"
_TRY = "run: vedette policy backtest FILE"


def text_commands(
    group: typer.Typer, resource: str, *, what: str, file: str, read: Callable[[Path], str]
) -> None:
    """Adds them to a group. `resource` is the API's; `read` gives a file's text, and fails where that is wrong."""
    given = typer.Argument(exists=True, dir_okay=False, help=file)

    @group.command("show", help=f"Prints {what} in force.")
    def show(as_json: AsJson = False) -> None:
        found = ApiClient().get(resource)
        if as_json:
            print_json(found)
        else:
            typer.echo(found["text"], nl=False)
        if fault := found.get("fault"):
            print_warnings([f"what was applied last can't be read: {fault}"])
        if names := ", ".join(found.get("untried", ())):
            short = (found.get("backtest") or {}).get("lacks", "")
            why = f"{_UNTRIED} ({short})" if short else _UNTRIED
            print_warnings([f"policy {names} asks people: {why}; {_TRY}"])

    @group.command("diff")
    def diff(file: Annotated[Path, given]) -> None:
        """Compares a file with what is in force; exit 1 if they differ, 2 if that can't be told."""
        text = read(file).splitlines()
        try:
            found = ApiClient().get(resource)["text"].splitlines()
        except VedetteError as error:
            typer.echo(f"error: {error.detail}", err=True)
            raise typer.Exit(2) from error
        lines = list(difflib.unified_diff(found, text, "in force", str(file), lineterm=""))
        for line in lines:
            typer.echo(line)
        if lines:
            raise typer.Exit(1)
        typer.echo("no difference", err=True)

    @group.command("apply")
    def apply(
        file: Annotated[Path, given],
        reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")],
    ) -> None:
        """Puts a file in force, whole or not at all; all processes follow within seconds."""
        done = ApiClient().post(resource, body={"text": read(file), "reason": reason})
        print_warnings(done["warnings"])
        typer.echo(f"in force: version {done['version']}")

    @group.command("history")
    def history(as_json: AsJson = False) -> None:
        """Lists the texts that were applied, newest first."""
        page = ApiClient().get(resource, "history")
        if as_json:
            print_json(page)
        else:
            columns = ("applied_at", "applied_by", "version")
            print_page(page, columns, empty="Nothing was applied yet.")
