"""The metrics of all processes on one loopback port, for Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from prometheus_client import start_http_server

from vedette.app.settings import Settings
from vedette.app.telemetry import merged_registry
from vedette.core import ConfigError

__all__ = ["serve_metrics"]

_log = structlog.get_logger()


@contextmanager
def serve_metrics(settings: Settings, directory: Path) -> Iterator[None]:
    """Serves `/metrics` while the block runs. Port 0 turns it off.

    Raises:
        ConfigError: the port is taken.
    """
    if settings.server.metrics_port == 0:
        yield
        return
    address = (settings.server.metrics_host, settings.server.metrics_port)
    try:
        server, thread = start_http_server(
            address[1], addr=address[0], registry=merged_registry(str(directory))
        )
    except OSError as error:
        raise ConfigError(
            f"metrics can't be served on {address[0]}:{address[1]} ({error.strerror}); set "
            "server.metrics_port to a free port, or to 0 to turn it off"
        ) from error
    _log.info("metrics.serving", host=address[0], port=address[1])
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
