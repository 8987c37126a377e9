"""Commands that run things here: the server, and the demonstration."""

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from vedette.app.cli.options import ConfigPath
from vedette.app.settings import Settings, load_settings
from vedette.core import SystemClock

__all__ = ["demo", "up"]


def up(config: ConfigPath = None) -> None:
    """Runs the server: API, detector workers and responder as supervised processes, until Ctrl-C."""
    settings = load_settings(config)
    from vedette.app.metrics_page import serve_metrics
    from vedette.app.processes import Supervisor
    from vedette.app.telemetry import configure_logs

    configure_logs(settings.log, process="supervisor")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    supervisor = Supervisor(settings, SystemClock())
    supervisor.prepare()
    with serve_metrics(settings, supervisor.metrics_dir):
        _welcome(settings)
        supervisor.run(stop)


def _welcome(settings: Settings) -> None:
    if not sys.stderr.isatty():
        return
    sys.stderr.write(
        f"\nVedette: {settings.public_url}\n"
        "  sign in:   vedette tokens create NAME --role admin\n"
        "  add hosts: vedette enrolments create\n"
        "  stop:      Ctrl-C\n\n"
    )


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself; exit 0 only if all of it happened.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where to keep the demo's data; else a new folder.")
    ] = None,
) -> None:
    """Shows the whole of Vedette on this machine: a real agent, a benign change, an abnormal one, the answer."""
    from vedette.app.demo.run import run_demo

    raise typer.Exit(run_demo(once=once, data_dir=data_dir))
