"""`vedette replay`: detection and decision over recorded snapshots, just as online."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["replay"]


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
    """Replays recordings: the files merged by time, one verdict line per snapshot."""
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
