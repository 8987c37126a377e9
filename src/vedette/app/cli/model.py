"""Commands about model bundles: build one from recordings, show one, list those that a server judges by."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import AsJson
from vedette.app.cli.tables import print_json, print_page, print_thing
from vedette.core import SystemClock, to_builtins

__all__ = ["app"]

app = typer.Typer(help="Model bundles: what was learned, and from what.", no_args_is_help=True)


@app.command("build")
def build(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="Recordings of normal activity."),
    ],
    out: Annotated[Path, typer.Option(help="The bundle's folder; made, or replaced.")],
    name: Annotated[str, typer.Option(help="A name for people.")] = "baseline",
) -> None:
    """Learns a bundle from recordings of normal activity and writes it, with a manifest."""
    from rich.console import Console
    from rich.progress import Progress

    from vedette.learn import build_bundle

    made = SystemClock().now().date().isoformat()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("learn", total=None)

        def told(what: str, done: int, total: int) -> None:
            progress.update(task, description=what, completed=done, total=total)

        bundle = build_bundle(sorted(files), out, name=name, made=made, progress=told)
    typer.echo(bundle.digest)


@app.command("list")
def list_models(
    as_json: AsJson = False,
) -> None:
    """Lists the models that the server judges by, over the API; the one that decides first."""
    found = ApiClient().get("models")
    if as_json:
        print_json(found)
    else:
        columns = ("role", "made", "data", "figures", "digest")
        print_page(found, columns, empty="The server has no model.")


@app.command("show")
def show(
    folder: Annotated[
        Path | None,
        typer.Argument(exists=True, file_okay=False, help="A bundle's folder; else the shipped."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Shows a bundle's manifest after checking that its parts are what it says."""
    from vedette.detect import Bundle

    manifest = to_builtins((Bundle.load(folder) if folder else Bundle.shipped()).manifest)
    print_thing(manifest, as_json=as_json)
