"""Commands for the server's own SQLite files, while no server uses them."""

from pathlib import Path

import typer

from vedette.app.cli.options import AsJson, ConfigPath
from vedette.app.cli.tables import print_json
from vedette.app.settings import load_settings
from vedette.core import SystemClock, Unavailable, to_builtins

__all__ = ["app"]

app = typer.Typer(
    help="The server's own files: look for damage, save what is left, make lost keys anew.",
    no_args_is_help=True,
)


@app.command("check")
def check(config_path: ConfigPath = None, as_json: AsJson = False) -> None:
    """Reads queue and store in full; exit 1 and what is wrong, or `ok`. Stop the server first."""
    settings = load_settings(config_path)
    from vedette.app.damage import data_files, problems_of
    from vedette.app.processes import DataLock

    with DataLock(settings.data):
        found = {name: problems_of(path) for name, path in data_files(settings).items()}
    if as_json:
        print_json(found)
    else:
        for name, problems in found.items():
            typer.echo(f"{name}: {'; '.join(problems) or 'ok'}")
    if damaged := [name for name, problems in found.items() if problems]:
        raise Unavailable(
            f"{' and '.join(damaged)} damaged: put back a copy, or run `vedette data salvage`",
            kind="damaged-data",
        )


@app.command("salvage")
def save(config_path: ConfigPath = None, as_json: AsJson = False) -> None:
    """Copies what can be read of each damaged file into a new one, and keeps the old. Stop the server first."""
    settings = load_settings(config_path)
    from vedette.app.damage import data_files, problems_of, salvage
    from vedette.app.processes import DataLock

    with DataLock(settings.data):
        done = [
            salvage(path, _CREATED[name])
            for name, path in data_files(settings).items()
            if problems_of(path)
        ]
    if as_json:
        print_json(to_builtins(done))
        return
    for one in done:
        rows = ", ".join(f"{table} {count}" for table, count in one.rows.items() if count)
        typer.echo(f"{one.file}: saved {rows or 'nothing'}")
        typer.echo(
            f"  not whole: {', '.join(one.damaged) or 'no table'}; the damaged file is {one.kept}"
        )
    if not done:
        typer.echo("nothing is damaged")


@app.command("make-keys")
def make_keys(config_path: ConfigPath = None) -> None:
    """Makes keys in the place of lost ones: every host must be enrolled anew then. Stop the server first."""
    settings = load_settings(config_path)
    from vedette.app.prepare import make_keys as make
    from vedette.app.processes import DataLock

    with DataLock(settings.data):
        made = make(settings)
    for path in made:
        typer.echo(f"made {path}")
    typer.echo(
        "enrol every host anew: vedette agent enroll --again TOKEN" if made else "no key is missing"
    )


def _create_queue(path: Path) -> None:
    from vedette.queue import SqlQueue

    SqlQueue(f"sqlite:///{path}", SystemClock()).close()


def _create_store(path: Path) -> None:
    from vedette.store import Store

    store = Store(f"sqlite:///{path}", SystemClock())
    store.migrate()
    store.close()


_CREATED = {"queue": _create_queue, "store": _create_store}
