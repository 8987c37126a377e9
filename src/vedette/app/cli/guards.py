"""`vedette guards`: the kill switch and the breakers, over the API; for every tenant on the server itself."""

from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.options import AsJson, Reason
from vedette.app.cli.tables import print_json, print_page
from vedette.app.settings import load_settings
from vedette.core import Scope, SystemClock, TenantId

__all__ = ["guards"]

guards = typer.Typer(
    name="guards", help="What holds actions back: switch and breakers.", invoke_without_command=True
)

Everyone = Annotated[
    bool,
    typer.Option("--everyone", help="For every tenant; on the server itself, without the API."),
]
ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config", help="TOML file; else VEDETTE_CONFIG, ./vedette.toml. For --everyone."
    ),
]


@guards.callback()
def show_guards(
    context: typer.Context,
    as_json: AsJson = False,
) -> None:
    """Shows the kill switch and the breakers that tripped."""
    if context.invoked_subcommand is not None:
        return
    found = ApiClient().get("guards")
    if as_json:
        print_json(found)
        return
    switch = found["switch"]
    typer.echo(
        f"kill switch: thrown by {switch['thrown_by']}: {switch['reason']}"
        if switch
        else "kill switch: not thrown"
    )
    columns = ("scope", "key", "tripped_at", "acted", "hosts", "most", "reset_at", "reset_by")
    print_page({"items": found["breakers"]}, columns, empty="No breaker has tripped.")


@guards.command("throw")
def throw_switch(
    reason: Reason, everyone: Everyone = False, config_path: ConfigPath = None
) -> None:
    """Stops everything disruptive. What is in force can be released."""
    if not everyone:
        print_json(ApiClient().post("guards", "throw", body={"reason": reason}))
        return
    settings = load_settings(config_path)
    from vedette.app.administration import LOCAL
    from vedette.app.wiring import opened_store

    with opened_store(settings, SystemClock()) as store:
        tenant = TenantId(settings.tenant)
        store.guards.throw(tenant, actor=LOCAL, reason=reason, everyone=True)
    typer.echo("thrown for everyone")


@guards.command("lift")
def lift_switch(reason: Reason, everyone: Everyone = False, config_path: ConfigPath = None) -> None:
    """Lets policies act again."""
    if not everyone:
        print_json(ApiClient().post("guards", "lift", body={"reason": reason}))
        return
    settings = load_settings(config_path)
    from vedette.app.administration import LOCAL
    from vedette.app.wiring import opened_store

    with opened_store(settings, SystemClock()) as store:
        tenant = TenantId(settings.tenant)
        store.guards.lift(tenant, actor=LOCAL, reason=reason, everyone=True)
    typer.echo("lifted for everyone")


@guards.command("reset")
def reset_breaker(
    scope: Annotated[Scope, typer.Argument(help="tenant, cohort or model.")],
    reason: Reason,
    key: Annotated[str, typer.Option(help="Which cohort or model.")] = "",
) -> None:
    """Closes a breaker; hosts are counted anew."""
    body = {"scope": scope.value, "key": key, "reason": reason}
    print_json(ApiClient().post("guards", "reset", body=body))
