"""The API process: machines' and people's doors. It holds no opening key and no command-signing key."""

import ssl
import threading
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from litestar import Litestar

from vedette.app.door import QueueWatch, make_door, used_today
from vedette.app.doorkeeper import Doorkeeper
from vedette.app.keys import KeyFiles
from vedette.app.processes.wire import BoundedProtocol
from vedette.app.readiness import Readiness, WatchedQueue
from vedette.app.settings import Settings
from vedette.app.web import make_app, make_console
from vedette.app.wiring import open_queue, open_store
from vedette.core import SystemClock
from vedette.detect import Bundle
from vedette.ingest import Door

__all__ = ["run_api", "tls_context"]

_log = structlog.get_logger()


class _Server(uvicorn.Server):
    """Ends long polls first, so that a stop does not wait for them."""

    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._door.draining = True
        super().handle_exit(sig, frame)

    @property
    def listens(self) -> bool:
        """Whether somebody who comes now is let in."""
        return self.started and not self.should_exit

    def end_with(self, stop: threading.Event) -> None:
        """Blocks until `stop` is set, then ends."""
        stop.wait()
        self._door.draining = True
        self.should_exit = True


def run_api(settings: Settings, stop: threading.Event) -> None:
    """Serves until told to stop; requests under way are finished."""
    clock = SystemClock()
    store, queue = open_store(settings, clock), open_queue(settings, clock)
    model = settings.detector.model
    bundle = Bundle.load(Path(model)) if model else Bundle.shipped()
    try:
        with (
            QueueWatch(queue, settings.queue.max_depth, clock) as watch,
            Readiness({"queue": queue, "store": store}, clock) as readiness,
        ):
            door = make_door(
                settings,
                store,
                WatchedQueue(queue, readiness),
                watch,
                clock,
                used=used_today(settings, queue, clock),
            )
            app = make_app(make_console(settings, store, queue, bundle, clock), door, readiness)
            server = _Server(_config(settings, app), door)
            threading.Thread(target=server.end_with, args=(stop,), daemon=True).start()

            def is_open() -> bool:
                return server.listens and watch.is_open() and readiness.states["queue"] == "ok"

            with Doorkeeper(store.door, clock, is_open):
                _log.info("api.serving", url=settings.public_url)
                server.run()
    finally:
        queue.close()
        store.close()


def _config(settings: Settings, app: Litestar) -> uvicorn.Config:
    folder = KeyFiles(settings).tls
    return uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Requests end in far less; a client that keeps its TLS connection and reads nothing must not hold a stop up.
        timeout_graceful_shutdown=4,
        http=BoundedProtocol,
        backlog=2048,
        ssl_context_factory=lambda _config, _default: tls_context(folder),
    )


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with the server's chain."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context
