"""The `vedette` program, put together from its groups of commands. Server rooms are imported only by the commands that need them."""

import sys
from typing import Annotated

import typer

from vedette import __version__
from vedette.app.cli import (
    agent,
    bench,
    client,
    data,
    dead_letters,
    evidence,
    guards,
    local,
    model,
    notify,
    oncall,
    policy,
    replay,
    serve,
    silences,
    triage,
)
from vedette.core import ConfigError, InvalidInput, VedetteError

__all__ = ["app", "main"]

app = typer.Typer(
    name="vedette",
    help="Watches fleets of machines: tells Normal from Abnormal, explains why, acts with care.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vedette {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """See `vedette COMMAND --help` for each command."""


app.add_typer(agent.app, name="agent")
app.add_typer(guards.guards)
app.add_typer(silences.silences)
app.add_typer(notify.notify)
for group in (
    client.hosts,
    client.verdicts,
    triage.incidents,
    client.actions,
    client.sayings,
    client.audit,
):
    app.add_typer(group)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(evidence.evidence)
app.add_typer(local.config, name="config")
app.add_typer(data.app, name="data")
app.add_typer(local.tokens, name="tokens")
app.add_typer(local.enrolments, name="enrolments")
app.add_typer(oncall.oncall)
app.add_typer(policy.policy, name="policy")
app.add_typer(model.app, name="model")
app.add_typer(bench.app, name="bench")
app.command("me")(client.me)
app.command("schema")(local.schema)
app.command("up")(serve.up)
app.command("demo")(serve.demo)
app.command("replay")(replay.replay)


def main() -> None:
    """Entry of the `vedette` program. Exit codes: 0 done, 1 failed, 2 wrong use or settings, 3 an extra is missing."""
    try:
        app()
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "vedette":
            raise
        sys.stderr.write(
            f"error: this command needs {error.name}, which is not installed: "
            "install vedette[server] (and vedette[postgres] for PostgreSQL)\n"
        )
        sys.exit(3)
    except VedetteError as error:
        sys.stderr.write(f"error: {error.detail}\n")
        sys.exit(2 if isinstance(error, ConfigError | InvalidInput) else 1)
