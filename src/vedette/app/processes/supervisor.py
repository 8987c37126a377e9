"""Keeps the server's processes up: starts them, restarts what ends, stops all in order."""

import os
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from vedette.app.processes.data_lock import DataLock
from vedette.app.settings import Settings, settings_for
from vedette.core import Clock, ConfigError

__all__ = ["Supervisor"]

_log = structlog.get_logger()
_MAX_BACKOFF = 10.0
_STOP_SECONDS = 15.0


@dataclass
class _Child:
    name: str
    worker: str
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    started_at: float = 0.0
    not_before: float = 0.0
    label: str = field(init=False)

    def __post_init__(self) -> None:
        self.label = self.name if self.worker == "0" else f"{self.name}-{self.worker}"


class Supervisor:
    """One process tree: api, detector workers, responder.

    Args:
        settings: each child is given only its own part of them, through its standard input.
        clock: for backoff between restarts.

    Raises:
        ConfigError: the data folder is in use by another server, or could not be prepared.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._run_dir = settings.data / "run"
        self._metrics_dir = settings.data / "metrics"
        workers = range(settings.detector.workers)
        self._children = [
            _Child("api", "0"),
            *(_Child("detector", str(number)) for number in workers),
            _Child("responder", "0"),
        ]
        self._lock = DataLock(settings.data)

    @property
    def metrics_dir(self) -> Path:
        """Where the children write their metrics."""
        return self._metrics_dir

    def prepare(self) -> None:
        """Makes folders, keys, certificates and schemas in a short-lived process, so that no key stays in this one."""
        try:
            self._settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.take()
            shutil.rmtree(self._metrics_dir, ignore_errors=True)
            self._metrics_dir.mkdir(mode=0o700)
        except OSError as error:
            raise ConfigError(
                f"data_dir {self._settings.data} can't be used: {error.strerror}"
            ) from error
        child = self._spawn(_Child("prepare", "0"))
        if child.wait() != 0:
            raise ConfigError("the server could not be prepared; the lines above say why")

    def run(self, stop: threading.Event) -> None:
        """Starts everything and keeps it up until `stop` is set, then ends all."""
        try:
            while not stop.is_set():
                for child in self._children:
                    self._keep(child)
                stop.wait(0.1)
        finally:
            self._end_all()

    def _keep(self, child: _Child) -> None:
        now = self._clock.monotonic()
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            _log.warning("process.ended", name=child.label, code=code)
            child.process = None
            child.failures = 0 if now - child.started_at > 30 else child.failures + 1
            child.not_before = now + min(_MAX_BACKOFF, 0.1 * 2**child.failures)
        if now >= child.not_before:
            child.process = self._spawn(child)
            child.started_at = now
            self._note_pid(child.label, child.process.pid)

    def _spawn(self, child: _Child) -> subprocess.Popen[bytes]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")
        }
        environment["PROMETHEUS_MULTIPROC_DIR"] = str(self._metrics_dir)
        process = subprocess.Popen(
            [sys.executable, "-m", "vedette.app.processes", child.name, child.worker],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin is not None
        settings = settings_for(self._settings, child.name)
        process.stdin.write(msgspec.json.encode(settings) + b"\n")
        process.stdin.flush()
        return process

    def _end_all(self) -> None:
        for child in self._children:
            if child.process is not None:
                child.process.terminate()
        deadline = self._clock.monotonic() + _STOP_SECONDS
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - self._clock.monotonic()))
            except subprocess.TimeoutExpired:
                _log.warning("process.killed", name=child.label)
                child.process.kill()
                child.process.wait()
            self._note_pid(child.label, None)

    def _note_pid(self, label: str, pid: int | None) -> None:
        path = self._run_dir / f"{label}.pid"
        try:
            # First away with the old one: on a full disk a wrong number is worse than none.
            path.unlink(missing_ok=True)
            if pid is not None:
                path.write_text(str(pid))
        except OSError as error:
            _log.warning("process.pid_not_written", name=label, error=error.strerror)
