"""The machine routes as one router, whose refusals tell the server's time."""

from collections.abc import Sequence
from typing import Any

import structlog
from litestar import Request, Response, Router
from litestar.types import ControllerRouterHandler

from vedette.core import Unauthenticated, VedetteError
from vedette.ingest.certificate import certificate_route
from vedette.ingest.commands import commands_routes
from vedette.ingest.door import Door
from vedette.ingest.enrol import enrol_route
from vedette.ingest.evidence import evidence_route
from vedette.ingest.problem import problem_response
from vedette.ingest.snapshots import snapshots_route

__all__ = ["machine_routes"]

_LOG = structlog.get_logger()


def machine_routes(door: Door) -> Sequence[ControllerRouterHandler]:
    """POST /v1/enroll, POST /v1/snapshots, GET /v1/commands, POST /v1/commands/{id}/result and /evidence, GET /v1/ca.pem.

    The application also needs `problem_handlers()`, and `door.lifespan` or `door.close`.
    """

    def refuse(request: Request[Any, Any, Any], error: VedetteError) -> Response[bytes]:
        _LOG.info("ingest.refused", path=request.url.path, status=error.status, kind=error.kind)
        if isinstance(error, Unauthenticated):
            # A host whose clock is off keeps the difference and signs with the server's time.
            error.extensions |= {
                "server_time": door.clock.now().timestamp(),
                "scheme": "Signature",
            }
        return problem_response(error)

    routes = [
        enrol_route(door),
        snapshots_route(door),
        *commands_routes(door),
        evidence_route(door),
        certificate_route(door),
    ]
    return [Router("/v1", route_handlers=routes, exception_handlers={VedetteError: refuse})]
