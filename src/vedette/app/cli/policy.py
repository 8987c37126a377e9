"""`vedette policy`: check a file, compare it with what is in force, try it over history, put it in force."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.applied import AsJson, text_commands
from vedette.app.cli.options import ConfigPath
from vedette.app.cli.tables import plain, print_json, print_warnings
from vedette.app.settings import Settings, load_settings
from vedette.core import Backtest, SystemClock, TenantId, to_builtins

__all__ = ["policy"]

policy = typer.Typer(help="Policies: rules that propose actions.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy file.")]


@policy.command("check")
def check_policy(
    file: File,
    oncall: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The on-call document with its chains."),
    ] = None,
    config_path: ConfigPath = None,
    server: Annotated[
        bool,
        typer.Option(
            "--server", help="Ask the server, which knows the hosts, too; changes nothing."
        ),
    ] = False,
) -> None:
    """Checks a policy file: syntax, conditions, actions and their parameters, contradictions, with line and column.

    Names of destinations are checked where there are settings; elsewhere the server does it when the file is applied.
    """
    settings = load_settings(config_path)
    from vedette.app.destinations import destinations_of
    from vedette.app.wiring import oncall_from, policies_from
    from vedette.respond import ANYWHERE

    found = policies_from(
        file,
        ANYWHERE if settings == Settings() else destinations_of(settings),
        chains=oncall_from(oncall).chains if oncall else None,
    )
    warnings = [str(one) for one in found.warnings]
    if server:
        warnings = ApiClient().post("policies", "check", body={"text": found.text})["warnings"]
    print_warnings(warnings)
    held = f", {len(found.inhibitions)} inhibitions" if found.inhibitions else ""
    typer.echo(f"ok: {len(found.policies)} policies{held}, version {found.version}")


def _text(file: Path) -> str:
    from vedette.app.wiring import policies_from

    return policies_from(file).text


text_commands(policy, "policies", what="the policies", file="A policy file.", read=_text)


@policy.command("backtest")
def backtest_policy(
    file: File,
    days: Annotated[float, typer.Option(min=0.01, max=365, help="How far back.")] = 30,
    config_path: ConfigPath = None,
    server: Annotated[
        bool,
        typer.Option("--server", help="Ask the server, from anywhere; over a shorter history."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Says what a file would have done over the stored history. On the server itself; changes nothing in force."""
    found = _from_afar(file, days) if server else _here(file, days, config_path)
    if as_json:
        print_json(to_builtins(found))
        return
    typer.echo(f"{found.verdicts} verdicts, {found.incidents} incidents, version {found.version}")
    for one in found.kinds:
        more = (
            f"; asked people {one.asked} times, held back {one.held} times, dry runs {one.dry_runs}"
        )
        typer.echo(one.words + more)
    for unanswered in found.valueless:
        typer.echo(plain(unanswered.words))
    if found.lacks:
        print_warnings([f"this does not let the text act by itself: {found.lacks}"])


def _from_afar(file: Path, days: float) -> Backtest:
    body = {"text": _text(file), "days": days}
    return msgspec.convert(
        ApiClient().post("policies", "backtest", body=body, seconds=120), Backtest
    )


def _here(file: Path, days: float, config_path: Path | None) -> Backtest:
    settings = load_settings(config_path)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from vedette.app.administration import LOCAL
    from vedette.app.backtesting import backtest
    from vedette.app.destinations import destinations_of
    from vedette.app.enough import Enough
    from vedette.app.wiring import opened_store, policies_from

    policies = policies_from(file, destinations_of(settings))
    clock, tenant = SystemClock(), TenantId(settings.tenant)
    columns = (TextColumn("backtest"), BarColumn(), MofNCompleteColumn())
    with (
        opened_store(settings, clock) as store,
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
    ):
        until = clock.now()
        since = until - timedelta(days=days)
        total = sum(store.verdicts.counts(tenant, since=since, until=until).values())
        task = progress.add_task("backtest", total=total)
        return backtest(
            store,
            clock,
            tenant,
            policies,
            since=since,
            until=until,
            actor=LOCAL,
            enough=Enough.by(settings.respond),
            progress=lambda number: progress.update(task, completed=number),
        )
