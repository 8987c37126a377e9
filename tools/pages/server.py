"""Routes, from the application's own OpenAPI document, and metrics, from where they are defined."""

import tempfile
from pathlib import Path
from typing import Any

import structlog
from pages.table import said, table
from prometheus_client.metrics import MetricWrapperBase

from vedette.app import telemetry
from vedette.app.door import QueueWatch, make_door
from vedette.app.prepare import prepare
from vedette.app.settings import Settings
from vedette.app.web import make_app, make_console
from vedette.app.wiring import open_queue, open_store
from vedette.core import SystemClock
from vedette.detect import Bundle

__all__ = ["document", "metrics", "routes"]

_DOORS = {"machineSignature": "signed by a host", "personToken": "token"}


def document() -> dict[str, Any]:
    """The OpenAPI document of an application made for it, over empty SQLite files."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=str(Path(folder) / "data"))
        prepare(settings)
        store, queue = open_store(settings, clock), open_queue(settings, clock)
        try:
            watch = QueueWatch(queue, settings.queue.max_depth, clock)
            door = make_door(settings, store, queue, watch, clock)
            console = make_console(settings, store, queue, Bundle.shipped(), clock)
            return dict(make_app(console, door, queue).openapi_schema.to_schema())
        finally:
            queue.close()
            store.close()
            structlog.reset_defaults()


def routes() -> str:
    """The chapter on routes."""
    rows = [
        [
            f"`{method.upper()}`",
            f"`{path}`",
            _allowed(operation),
            said(path, operation.get("summary")),
        ]
        for path, item in sorted(document()["paths"].items())
        for method, operation in sorted(item.items())
    ]
    return (
        "## Routes\n\n`docs/api.md` says how to use them; the running server's `/openapi/openapi.json` has "
        "every parameter and answer.\n\n" + table(("method", "path", "who", "what"), rows)
    )


def metrics() -> str:
    """The chapter on metrics."""
    found = [getattr(telemetry, name) for name in telemetry.__all__]
    rows = []
    for metric in (one for one in found if isinstance(one, MetricWrapperBase)):
        described = next(iter(metric.describe()))
        name = described.name + ("_total" if described.type == "counter" else "")
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)  # noqa: SLF001 - there is no other way to ask
        rows.append([f"`{name}`", described.type, labels, said(name, described.documentation)])
    return (
        "## Metrics\n\nFor Prometheus, of all processes, at `server.metrics_host` and "
        "`server.metrics_port`.\n\n" + table(("metric", "kind", "labels", "what"), sorted(rows))
    )


def _allowed(operation: dict[str, Any]) -> str:
    named = [name for scheme in operation.get("security", []) for name in scheme]
    if not named:
        return "everybody"
    if named == ["personToken"]:
        role = str(operation["description"]).split("`")[1]
        return f"{role}'s token"
    return ", ".join(_DOORS[name] for name in named)
