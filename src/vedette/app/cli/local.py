"""Commands that work on this machine's files: settings, schema, policies, and the first tokens."""

from datetime import timedelta
from typing import Annotated, Literal

import msgspec
import typer

from vedette.app.cli.options import AsJson, ConfigPath
from vedette.app.cli.tables import print_json, print_page
from vedette.app.settings import load_settings, redacted
from vedette.core import SystemClock, TenantId, snapshot_schema, to_builtins

__all__ = ["config", "enrolments", "schema", "tokens"]

config = typer.Typer(help="The server's settings.", no_args_is_help=True)
tokens = typer.Typer(help="API tokens, made on the server itself.", no_args_is_help=True)
enrolments = typer.Typer(help="Tokens that let hosts enrol.", no_args_is_help=True)


@config.command("show")
def show_config(config_path: ConfigPath = None) -> None:
    """Prints every setting with its value as JSON; secrets are not shown."""
    data = redacted(load_settings(config_path))
    typer.echo(msgspec.json.format(msgspec.json.encode(data)).decode())


@config.command("check")
def check_config(config_path: ConfigPath = None) -> None:
    """Checks the settings and the files they name; exit 2 and a line that says what is wrong, or `ok`."""
    settings = load_settings(config_path)
    from vedette.app.wiring import check_files

    check_files(settings)
    typer.echo("ok")


def schema() -> None:
    """Prints the JSON Schema of a snapshot (`vedette.snapshot/1`)."""
    typer.echo(msgspec.json.format(msgspec.json.encode(snapshot_schema())).decode())


@tokens.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="Whose it is; stands in the audit log.")],
    role: Annotated[
        Literal["viewer", "responder", "admin"], typer.Option(help="What its holder may do.")
    ] = "viewer",
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long it lasts.")] = 90,
    config_path: ConfigPath = None,
) -> None:
    """Makes an API token and prints it, this once."""
    settings = load_settings(config_path)
    from vedette.app.administration import Administration

    typer.echo(
        Administration(settings, SystemClock()).create_token(name, role, timedelta(days=days))
    )


@tokens.command("list")
def list_tokens(config_path: ConfigPath = None, as_json: AsJson = False) -> None:
    """Lists API tokens; never their secrets."""
    settings = load_settings(config_path)
    from vedette.app.wiring import opened_store

    with opened_store(settings, SystemClock()) as store:
        page = to_builtins(store.tokens.list(TenantId(settings.tenant), limit=500))
    if as_json:
        print_json(page)
    else:
        print_page(page, ("name", "role", "created_at", "expires_at", "id"), empty="No tokens.")


@tokens.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Its id, as listed.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")],
    config_path: ConfigPath = None,
) -> None:
    """Takes an API token out of use at once, and ends its sessions."""
    settings = load_settings(config_path)
    from vedette.app.administration import Administration

    Administration(settings, SystemClock()).revoke_token(token, reason)
    typer.echo("revoked")


@enrolments.command("create")
def create_enrolment(
    uses: Annotated[int, typer.Option(min=1, max=100_000, help="How many hosts.")] = 1,
    hours: Annotated[float, typer.Option(min=0.01, max=8760, help="How long it lasts.")] = 24,
    label: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE given to each host; may be repeated.")
    ] = None,
    config_path: ConfigPath = None,
) -> None:
    """Makes an enrolment token and prints it, this once: for `vedette agent enroll TOKEN`."""
    settings = load_settings(config_path)
    from vedette.app.administration import Administration

    labels = _labels(label or [])
    made = Administration(settings, SystemClock()).create_enrolment(
        uses, timedelta(hours=hours), labels
    )
    typer.echo(made)


@enrolments.command("list")
def list_enrolments(config_path: ConfigPath = None, as_json: AsJson = False) -> None:
    """Lists enrolment tokens; never their secrets."""
    settings = load_settings(config_path)
    from vedette.app.wiring import opened_store

    with opened_store(settings, SystemClock()) as store:
        page = to_builtins(store.enrolments.list(TenantId(settings.tenant), limit=500))
    if as_json:
        print_json(page)
    else:
        columns = ("created_at", "expires_at", "uses_left", "labels", "id")
        print_page(page, columns, empty="No enrolment tokens.")


@enrolments.command("revoke")
def revoke_enrolment(
    enrolment: Annotated[str, typer.Argument(help="Its id, as listed.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")],
    config_path: ConfigPath = None,
) -> None:
    """Takes an enrolment token out of use at once; hosts that enrolled with it stay."""
    settings = load_settings(config_path)
    from vedette.app.administration import Administration

    Administration(settings, SystemClock()).revoke_enrolment(enrolment, reason)
    typer.echo("revoked")


def _labels(pairs: list[str]) -> dict[str, str]:
    labels = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r} is not KEY=VALUE", param_hint="--label")
        labels[name] = value
    return labels
