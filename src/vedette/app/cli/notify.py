"""`vedette notify`: who can be told, and one message to see whether it arrives. On the server itself."""

from typing import Annotated

import typer

from vedette.app.cli.options import ConfigPath
from vedette.app.settings import load_settings
from vedette.core import SystemClock, Unavailable

__all__ = ["notify"]

notify = typer.Typer(
    name="notify", help="Who is told: destinations and trials.", no_args_is_help=True
)


@notify.command("list")
def list_destinations(config_path: ConfigPath = None) -> None:
    """Lists the destinations in the settings, as policies and `notify test` name them; never their URLs."""
    settings = load_settings(config_path)
    if settings.mail.host or settings.mail.transport == "ses":
        typer.echo(f"mail\tto {', '.join(settings.mail.recipients) or 'nobody'}")
    for name in settings.webhook:
        typer.echo(f"{name}\twebhook")
    for name, one in settings.chat.items():
        typer.echo(f"{name}\t{'page or chat' if one.urgent else 'chat'}")


@notify.command("test")
def try_destination(
    destination: Annotated[
        str, typer.Argument(help="A name of `vedette notify list`; mail goes to the owner.")
    ],
    config_path: ConfigPath = None,
) -> None:
    """Sends one message, by the way that actions take; exit 0 if it was taken, 1 if not, 2 if there is no such destination."""
    settings = load_settings(config_path)
    from vedette.app.trial import send_trial

    outcome = send_trial(settings, destination, SystemClock())
    if not outcome.taken:
        raise Unavailable(outcome.detail)
    typer.echo(outcome.detail)
