"""How a server process starts: its settings come through standard input, and its end too.

The first line of standard input is the process's own settings as JSON, so that secrets are in no argument and no
environment. The pipe then stays open; its end means that the supervisor is gone, and the process stops.
"""

import os
import signal
import threading
from types import FrameType

import msgspec
import structlog

from vedette.app.settings import Settings
from vedette.app.telemetry import configure_logs
from vedette.core import ConfigError, VedetteError

__all__ = ["PROCESSES", "main"]

PROCESSES = ("prepare", "api", "detector", "responder")
_log = structlog.get_logger()
_STDIN = 0


def main(argv: list[str]) -> int:
    """Runs one process until told to stop; the exit code. `argv` is its name and, for workers, its number."""
    name, worker = argv[0], argv[1] if len(argv) > 1 else "0"
    if name not in PROCESSES:
        raise ConfigError(f"{name} is no process of the server; known: {', '.join(PROCESSES)}")
    settings = msgspec.json.decode(_first_line(), type=Settings)
    configure_logs(settings.log, process=f"{name}-{worker}" if worker != "0" else name)
    stop = threading.Event()
    _stop_on_signals(stop)
    if name != "prepare":
        threading.Thread(target=_stop_on_orphaned, args=(stop,), daemon=True).start()
    _log.info("process.started")
    try:
        _run(name, settings, stop, worker)
    except VedetteError as error:
        # What went wrong is said in full; where in the program would help nobody.
        _log.error("process.failed", kind=error.kind, detail=error.detail)
        return 2 if isinstance(error, ConfigError) else 1
    _log.info("process.stopped")
    return 0


def _run(name: str, settings: Settings, stop: threading.Event, worker: str) -> None:
    if name == "prepare":
        from vedette.app.prepare import prepare

        prepare(settings)
    elif name == "api":
        from vedette.app.processes.api import run_api

        run_api(settings, stop)
    elif name == "detector":
        from vedette.app.processes.detector import run_detector

        run_detector(settings, stop, worker)
    else:
        from vedette.app.processes.responder import run_responder

        run_responder(settings, stop)


def _stop_on_signals(stop: threading.Event) -> None:
    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def _stop_on_orphaned(stop: threading.Event) -> None:
    while os.read(_STDIN, 4096):
        continue
    stop.set()


def _first_line() -> bytes:
    # Read without a buffer: a thread that waits in a buffered read can't be ended with the process.
    line = bytearray()
    while not line.endswith(b"\n"):
        chunk = os.read(_STDIN, 1)
        if not chunk:
            raise ConfigError(
                "a server process is started by the supervisor, which hands over its settings"
            )
        line += chunk
    return bytes(line)
