"""`vedette replay`: detection and decision over recorded snapshots, just as online."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["replay"]

_TOLD = 20  # unreadable lines that are named


def replay(
    files: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="Recordings (gzip JSON lines)."),
    ],
    verdicts: Annotated[Path, typer.Option(help="Where to write: one JSON line a snapshot.")],
    state: Annotated[
        Path | None, typer.Option(help="A folder that keeps the hosts' states between runs.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=4096, help="Snapshots judged at once.")] = 256,
    model: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A model bundle's folder.")
    ] = None,
    policies: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A policy file.")
    ] = None,
    sayings: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="What people said, as `vedette sayings --json` printed it.",
        ),
    ] = None,
    budget: Annotated[
        float, typer.Option(help="False incidents accepted of one host in a month of 30 days.")
    ] = 1.0,
) -> None:
    """Replays recordings: the files merged by time, one verdict line per snapshot.

    A line that is no snapshot gets the `unknown` verdict of an unreadable one, as online, and standard error says which. Exit code 0 when
    every line has its verdict, such lines too; 2 when a file is no recording or an option is wrong: then nothing is written.
    """
    from vedette.app.replay import Replay, read_sayings

    run = Replay(
        model=model,
        policies=policies,
        state=state,
        batch=batch,
        budget=budget,
        sayings=() if sayings is None else read_sayings(sayings),
    )
    run.write(files, verdicts)
    if run.unread:
        many = len(run.unread)
        typer.echo(f"{many} line{'s' * (many > 1)} could not be read and got `unknown`:", err=True)
        for line in run.unread[:_TOLD]:
            typer.echo(f"  {line.path}, line {line.number}: {line.why}", err=True)
        if many > _TOLD:
            typer.echo(f"  and {many - _TOLD} more", err=True)
