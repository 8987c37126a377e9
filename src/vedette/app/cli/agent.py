"""Commands of the agent, on a watched host. They need the base install only."""

import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from vedette import __version__
from vedette.app.cli.options import AsJson
from vedette.app.cli.tables import plain, print_json, print_thing
from vedette.core import SystemClock, encode_snapshot, to_builtins

if TYPE_CHECKING:
    from vedette.agent import AgentSettings

__all__ = ["app"]

app = typer.Typer(help="The agent on a watched host.", no_args_is_help=True)

_STANDARD_INPUT = "-"
_MARKS = {"fine": "\u2713", "warning": "!", "problem": "\u2717", "unknown": "?"}

ConfigPath = Annotated[
    Path | None, typer.Option("--config", help="TOML file; else /etc/vedette/agent.toml.")
]
StateDir = Annotated[
    Path | None, typer.Option("--state-dir", help="The agent's folder; overrides the settings.")
]


def _settings(config: Path | None, state_dir: Path | None) -> "AgentSettings":
    from vedette.agent import AgentSettings

    settings = AgentSettings.load(config, os.environ)
    if state_dir is not None:
        settings = msgspec.structs.replace(settings, state_dir=str(state_dir.absolute()))
    return settings


@app.command("enroll")
def enroll(
    token: Annotated[
        str, typer.Argument(help="The enrolment token; `-` reads it from standard input.")
    ],
    config: ConfigPath = None,
    state_dir: StateDir = None,
    again: Annotated[
        bool, typer.Option("--again", help="Enrol anew, as a new host; the old identity is left.")
    ] = False,
) -> None:
    """Makes this host known to the server that the token names."""
    from vedette.agent import enroll as enroll_host
    from vedette.agent import former_host

    text = sys.stdin.readline() if token == _STANDARD_INPUT else token
    settings = _settings(config, state_dir)
    former = former_host(settings) if again else None
    enrolment = enroll_host(text.strip(), settings, SystemClock(), version=__version__, again=again)
    typer.echo(f"enrolled as host {enrolment.host} at {enrolment.server}")
    if former is not None:
        typer.echo(
            f"the former host {former} stays at its server, with its history, and turns silent; "
            f"end the trust in it with: vedette hosts revoke {former} --reason TEXT",
            err=True,
        )


@app.command("run")
def run(config: ConfigPath = None, state_dir: StateDir = None) -> None:
    """Collects, seals and ships until SIGTERM or Ctrl-C; carries out commands."""
    from vedette.agent import lower_priority
    from vedette.agent import run as run_agent
    from vedette.app.agent_logs import configure_agent_logs

    configure_agent_logs()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    lower_priority()
    run_agent(_settings(config, state_dir), SystemClock(), stop)


@app.command("release")
def release(
    config: ConfigPath = None,
    state_dir: StateDir = None,
    reason: Annotated[
        str, typer.Option("--reason", "-m", help="Why; the server is told.")
    ] = "no reason given",
) -> None:
    """Ends what is done to this host (a quarantine), at once, by root's word at the machine; the agent reports it.

    Works without a server, and whether or not the agent runs. Exit code 1: something could not be taken away.
    """
    from vedette.agent import let_go
    from vedette.app.agent_logs import configure_agent_logs

    configure_agent_logs(logging.ERROR)
    word = f"released at the host by root: {reason}"
    done = let_go(_settings(config, state_dir), SystemClock(), word)
    for kind, outcome in done.outcomes.items():
        typer.echo(f"{kind}: {outcome.state}: {outcome.detail}")
    for kind, problem in done.failures.items():
        typer.echo(f"{kind}: not released: {problem}", err=True)
    if not (done.outcomes or done.failures):
        typer.echo("nothing is in force on this host")
    if done.unrecorded:
        typer.echo(f"the server will not be told: {done.unrecorded}", err=True)
    if done.failures:
        raise typer.Exit(1)


@app.command("hold")
def hold(config: ConfigPath = None, state_dir: StateDir = None) -> None:
    """Puts back what a lease still holds after a reboot, and ends; for the unit that runs before the network is up."""
    from vedette.agent import hold as hold_leases
    from vedette.app.agent_logs import configure_agent_logs

    configure_agent_logs()
    hold_leases(_settings(config, state_dir), SystemClock())


@app.command("snapshot")
def snapshot(
    config: ConfigPath = None,
    state_dir: StateDir = None,
    settle: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds between two looks, so that rates exist.")
    ] = 1.0,
) -> None:
    """Takes one snapshot and prints it as JSON; what it cost goes to standard error. Sends nothing."""
    from vedette.agent import snapshot as take

    taken, cost = take(_settings(config, state_dir), SystemClock(), settle_seconds=settle)
    typer.echo(encode_snapshot(taken, "application/json").decode())
    sys.stderr.write(
        f"cost: {cost.cpu_seconds * 1000:.1f} ms CPU, {cost.wall_seconds * 1000:.1f} ms wall, "
        f"{cost.rss_bytes / 2**20:.1f} MiB resident\n"
    )
    for table, why in sorted(taken.unread.items()):
        sys.stderr.write(f"not read in full: {table}: {why}\n")


@app.command("status")
def status(
    config: ConfigPath = None,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Says how the agent stands: enrolment, spool, last success, what can't be read."""
    from vedette.agent import status as agent_status

    found = to_builtins(agent_status(_settings(config, state_dir)))
    print_thing(found, as_json=as_json)


@app.command("doctor")
def doctor(
    config: ConfigPath = None,
    state_dir: StateDir = None,
    as_json: AsJson = False,
) -> None:
    """Looks at all that the agent needs and says what is wrong, and what to do. Changes nothing.

    Exit codes: 0 healthy, 1 something does not work, 2 something could not be told.
    """
    from vedette.agent import examine
    from vedette.app.agent_logs import configure_agent_logs

    configure_agent_logs(logging.CRITICAL)
    diagnosis = examine(lambda: _settings(config, state_dir), SystemClock(), config=config)
    if as_json:
        print_json(to_builtins(diagnosis))
    else:
        for one in diagnosis.findings:
            advice = f" Do: {one.advice}." if one.advice else ""
            typer.echo(plain(f"{_MARKS[one.outcome]} {one.check:<10}  {one.text}.{advice}"))
    raise typer.Exit(diagnosis.exit_code)
