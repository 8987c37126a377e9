"""Options that mean the same wherever they stand."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["After", "AsJson", "ConfigPath", "Limit", "Reason"]

Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most.")]
After = Annotated[str | None, typer.Option(help="Cursor of the next page, as printed.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
Reason = Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit log.")]
ConfigPath = Annotated[
    Path | None, typer.Option("--config", help="TOML file; else VEDETTE_CONFIG, ./vedette.toml.")
]
