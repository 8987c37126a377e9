"""`vedette policy`: check a file, compare it with what is in force, try it over history, put it in force."""

import difflib
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.api_client import ApiClient
from vedette.app.cli.tables import print_json, print_page
from vedette.app.settings import Settings, load_settings
from vedette.core import SystemClock, TenantId, to_builtins

__all__ = ["policy"]

policy = typer.Typer(help="Policies: rules that propose actions.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A policy file.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config", help="TOML file; else VEDETTE_CONFIG, ./vedette.toml.")
]


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
    _warn(warnings)
    typer.echo(f"ok: {len(found.policies)} policies, version {found.version}")


@policy.command("show")
def show_policy(as_json: AsJson = False) -> None:
    """Prints the policies in force."""
    found = ApiClient().get("policies")
    if as_json:
        print_json(found)
    else:
        typer.echo(found["text"], nl=False)


@policy.command("diff")
def diff_policy(file: File) -> None:
    """Compares a file with what is in force; exit 1 if they differ."""
    from vedette.app.wiring import policies_from

    text = policies_from(file).text
    found = ApiClient().get("policies")
    lines = list(
        difflib.unified_diff(
            found["text"].splitlines(), text.splitlines(), "in force", str(file), lineterm=""
        )
    )
    for line in lines:
        typer.echo(line)
    if lines:
        raise typer.Exit(1)
    typer.echo("no difference", err=True)


@policy.command("apply")
def apply_policy(
    file: File,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")],
) -> None:
    """Puts a file in force, whole or not at all; all processes follow within seconds."""
    from vedette.app.wiring import policies_from

    text = policies_from(file).text
    done = ApiClient().post("policies", body={"text": text, "reason": reason})
    _warn(done["warnings"])
    typer.echo(f"in force: version {done['version']}")


@policy.command("history")
def policy_history(as_json: AsJson = False) -> None:
    """Lists the texts that were applied, newest first."""
    page = ApiClient().get("policies", "history")
    if as_json:
        print_json(page)
    else:
        print_page(page, ("applied_at", "applied_by", "version"), empty="Nothing was applied yet.")


@policy.command("backtest")
def backtest_policy(
    file: File,
    days: Annotated[float, typer.Option(min=0.01, max=365, help="How far back.")] = 30,
    config_path: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Says what a file would have done over the stored history. On the server itself; changes nothing in force."""
    settings = load_settings(config_path)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from vedette.app.administration import LOCAL
    from vedette.app.backtesting import backtest
    from vedette.app.destinations import destinations_of
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
        found = backtest(
            store,
            clock,
            tenant,
            policies,
            since=since,
            until=until,
            actor=LOCAL,
            progress=lambda number: progress.update(task, completed=number),
        )
    if as_json:
        print_json(to_builtins(found))
        return
    typer.echo(f"{found.verdicts} verdicts, {found.incidents} incidents, version {found.version}")
    for one in found.kinds:
        more = (
            f"; asked people {one.asked} times, held back {one.held} times, dry runs {one.dry_runs}"
        )
        typer.echo(one.words + more)


def _warn(warnings: list[str]) -> None:
    for words in warnings:
        typer.echo(f"warning: {words}", err=True)
