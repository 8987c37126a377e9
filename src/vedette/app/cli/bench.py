"""`vedette bench`: measures the server of this version on this machine."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer

from vedette.core import ConfigError

__all__ = ["app"]

StoreKind = Annotated[
    Literal["sqlite", "postgres"], typer.Option(help="Where store and queue live.")
]
StoreUrl = Annotated[
    str,
    typer.Option(
        help="URL of an empty PostgreSQL database; else --store postgres starts a server of its own."
    ),
]
app = typer.Typer(help="Measures this version on this machine.", no_args_is_help=True)


@app.command("metrics")
def bench_metrics(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="A folder of .npz files with train, test and label."
        ),
    ],
    warmup: Annotated[
        Literal["train", "none"],
        typer.Option(help="Stream train before test is scored, or start cold with test."),
    ] = "train",
    baselines: Annotated[
        str, typer.Option(help="all, none, or names: zscore, hst, rcf, loda, iforest, ecod.")
    ] = "all",
    scores: Annotated[
        Path | None,
        typer.Option(file_okay=False, help="A folder that gets NAME.npy: one score a row of test."),
    ] = None,
    budget: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=1000.0,
            help="Incidents a host-month that alarms are set for, beside the product's own; 30 is one a day.",
        ),
    ] = 30.0,
    budgets: Annotated[
        str,
        typer.Option(help="Incidents a host-month to ask for in the table of budgets, or none."),
    ] = "1,10,100",
    jobs: Annotated[int, typer.Option(min=1, help="Processes for the baselines.")] = 1,
) -> None:
    """The vitals expert on labelled series beside other detectors: ranking, events, cost, metrics to blame, false-alarm budget."""
    from vedette.app.bench.metrics.run import MetricsOptions, run_metrics_bench, wanted_baselines

    options = MetricsOptions(
        folder=folder,
        warmup=warmup,
        baselines=wanted_baselines(baselines),
        budget=budget,
        budgets=_numbers(budgets),
        scores=scores,
        jobs=jobs,
    )
    raise typer.Exit(run_metrics_bench(options))


@app.command("hosts")
def bench_hosts(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="Recordings HOST.SESSION.jsonl.gz, and labels.jsonl."
        ),
    ],
    first: Annotated[
        int | None,
        typer.Option(min=1, help="Cold start: only so many snapshots of each baseline, its first."),
    ] = None,
    leave_role_out: Annotated[
        bool,
        typer.Option(
            "--leave-role-out", help="Judge each role by a model made without any host of it."
        ),
    ] = False,
    baselines: Annotated[
        str, typer.Option(help="all, none, or names: new, new-once, iforest, logistic, trees.")
    ] = "all",
    budgets: Annotated[
        str,
        typer.Option(help="Incidents a host-month to ask for in the table of budgets, or none."),
    ] = "1,10,100",
    model: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A model bundle's folder.")
    ] = None,
    cost: Annotated[bool, typer.Option(help="Measure CPU and bytes of state, too.")] = True,
) -> None:
    """The whole detector over labelled recordings beside plain rules: what it finds, how soon, false incidents, cost."""
    from vedette.app.bench.hosts.run import HostsOptions, run_hosts_bench, wanted_baselines

    if leave_role_out and model is not None:
        raise ConfigError("--leave-role-out makes its own models; leave --model out")
    options = HostsOptions(
        folder=folder,
        first=first,
        leave_role_out=leave_role_out,
        baselines=wanted_baselines(baselines),
        budgets=_numbers(budgets),
        model=model,
        cost=cost,
    )
    raise typer.Exit(run_hosts_bench(options))


@app.command("poisoning")
def bench_poisoning(
    model: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A model bundle's folder.")
    ] = None,
) -> None:
    """How slow is slow enough: bad states brought in by 1, 10, 100 and 1,000 steps, and when they are still told."""
    from vedette.app.bench.poisoning import run_poisoning_bench
    from vedette.detect import Bundle

    rows = run_poisoning_bench(Bundle.load(model) if model else Bundle.shipped())
    typer.echo(msgspec.json.encode({"poisoning": rows}))


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = () if text in {"", "none"} else tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = (0.0,)
    if not all(0.0 < number < 1e6 for number in numbers):
        raise ConfigError(f"--budgets {text!r} is not a list of numbers such as 1,10,100")
    return numbers


@app.command("ingest")
def bench_ingest(
    hosts: Annotated[int, typer.Option(min=1, max=2000, help="Simulated hosts.")] = 16,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="Length of the overloaded and of the paced part.")
    ] = 10.0,
    queue: Annotated[Literal["sql", "kafka"], typer.Option(help="The queue's kind.")] = "sql",
    store: StoreKind = "sqlite",
    store_url: StoreUrl = "",
    rate: Annotated[
        float,
        typer.Option(min=0, help="Snapshots a second in the paced part; 0: half of the most."),
    ] = 0.0,
    processes: Annotated[int, typer.Option(min=2, help="Processes of a host.")] = 100,
    packages: Annotated[int, typer.Option(min=0, help="Packages of a host.")] = 700,
) -> None:
    """Real signed, sealed snapshots over TLS through the whole path: speed, latency, and CPU beside the same work called bare."""
    if queue != "sql":
        raise ConfigError("--queue kafka is not in this version; --queue sql is")
    from vedette.app.bench.ingest import IngestOptions, run_ingest_bench
    from vedette.app.bench.simulated import HostSize

    options = IngestOptions(
        hosts=hosts,
        seconds=seconds,
        rate=rate,
        size=HostSize(processes=processes, packages=packages),
        postgres=store == "postgres",
        store_url=store_url,
    )
    raise typer.Exit(run_ingest_bench(options))


@app.command("flood")
def bench_flood(
    agents: Annotated[int, typer.Option(min=1, max=2000, help="Agents that return.")] = 200,
    backlog: Annotated[
        int, typer.Option(min=1, max=2000, help="Snapshots in each one's spool, a minute apart.")
    ] = 120,
    live: Annotated[int, typer.Option(min=1, help="Live senders, each one a second.")] = 10,
    quiet: Annotated[
        float, typer.Option(min=6, help="Seconds before the flood, to compare with.")
    ] = 30.0,
    store: StoreKind = "sqlite",
    store_url: StoreUrl = "",
    processes: Annotated[int, typer.Option(min=2, help="Processes of a host.")] = 40,
    packages: Annotated[int, typer.Option(min=0, help="Packages of a host.")] = 170,
) -> None:
    """Agents return with what they spooled: what live senders notice of it, how long it takes, and that nothing is lost."""
    from vedette.app.bench.flood import FloodOptions, run_flood_bench
    from vedette.app.bench.simulated import HostSize

    options = FloodOptions(
        agents=agents,
        backlog=backlog,
        live=live,
        quiet=quiet,
        size=HostSize(processes=processes, packages=packages),
        postgres=store == "postgres",
        store_url=store_url,
    )
    raise typer.Exit(run_flood_bench(options))
