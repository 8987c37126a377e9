"""The web application: the machines' door, the people's door, health, and one way to tell errors."""

from collections.abc import Sequence

from litestar import Litestar, Response, get
from litestar.datastructures import CacheControlHeader
from litestar.enums import ScopeType
from litestar.middleware import DefineMiddleware
from litestar.openapi import ResponseSpec
from litestar.types import ASGIApp, ControllerRouterHandler, Message, Receive, Scope, Send

from vedette import __version__
from vedette.app.administration import enrolment_text
from vedette.app.letters import Letters
from vedette.app.oncall_book import OnCallBook
from vedette.app.openapi import Bodies, Rows, openapi_config
from vedette.app.policy_book import PolicyBook
from vedette.app.readiness import Readiness
from vedette.app.settings import Settings
from vedette.app.telemetry import ACCEPT_SECONDS, REQUESTS
from vedette.console import (
    Console,
    ConsoleSettings,
    IssuedEnrolment,
    ModelInfo,
    people_problem_handlers,
    people_routes,
)
from vedette.core import Clock, Record, TenantId, hash_secret, new_secret
from vedette.detect import Bundle
from vedette.ingest import Door, machine_routes, problem_handlers
from vedette.queue import Queue
from vedette.store import Store

__all__ = ["Health", "Ready", "make_app", "make_console"]


class Health(Record, frozen=True, kw_only=True):
    """That the API runs: `ok`."""

    status: str


class Ready(Record, frozen=True, kw_only=True):
    """`ok`, or what can't be used; for each part `ok`, or the kind of its problem."""

    status: str
    parts: dict[str, str]


class _Models:
    def __init__(self, bundle: Bundle) -> None:
        manifest = bundle.manifest
        self._champion = ModelInfo(
            digest=bundle.digest,
            made=manifest.made,
            data=", ".join(file.name for file in manifest.data),
        )

    def all(self) -> Sequence[ModelInfo]:
        return (self._champion,)


class _Issuer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def issue(self, _tenant: TenantId) -> IssuedEnrolment:
        secret = new_secret()
        return IssuedEnrolment(
            text=enrolment_text(self._settings, secret), secret_hash=hash_secret(secret)
        )


def make_console(
    settings: Settings, store: Store, queue: Queue, bundle: Bundle, clock: Clock
) -> Console:
    """The people's door over this store and queue."""
    policies = PolicyBook(settings, store, clock)
    return Console(
        store=store,
        clock=clock,
        policies=policies,
        oncall=OnCallBook(settings, store, policies, clock),
        models=_Models(bundle),
        enrolments=_Issuer(settings),
        letters=Letters(queue),
        settings=ConsoleSettings(version=__version__),
    )


def make_app(console: Console, door: Door, readiness: Readiness) -> Litestar:
    """One application for machines and people."""
    return Litestar(
        route_handlers=[
            *machine_routes(door),
            *people_routes(console),
            *_health_routes(readiness),
        ],
        exception_handlers=people_problem_handlers(console, problem_handlers()),
        middleware=[DefineMiddleware(_Counted)],
        lifespan=[door.lifespan],
        logging_config=None,
        openapi_config=openapi_config(),
        plugins=[Rows(), Bodies()],
    )


def _health_routes(readiness: Readiness) -> Sequence[ControllerRouterHandler]:
    @get(
        "/health/live",
        summary="Whether the API runs",
        tags=["health"],
        security=[{}],
        cache_control=CacheControlHeader(no_store=True),
        sync_to_thread=False,
    )
    def live() -> Health:
        return Health(status="ok")

    @get(
        "/health/ready",
        summary="Whether store and queue can be written",
        description="503 names what can't be, and the kind of its problem.",
        responses={503: ResponseSpec(Ready, generate_examples=False, description="Not now.")},
        tags=["health"],
        security=[{}],
        cache_control=CacheControlHeader(no_store=True),
        sync_to_thread=False,
    )
    def ready() -> Response[Ready]:
        parts = readiness.states
        failing = [f"{name} ({state})" for name, state in parts.items() if state != "ok"]
        text = "ok" if not failing else f"can't be used: {', '.join(failing)}"
        return Response(Ready(status=text, parts=parts), status_code=503 if failing else 200)

    return (live, ready)


class _Counted:
    """Counts answers and their time by route template, so that ids never become labels."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        route = str(scope.get("path_template") or "other")
        status = "none"

        async def counting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        with ACCEPT_SECONDS.labels(route=route).time():
            try:
                await self._app(scope, receive, counting)
            finally:
                REQUESTS.labels(route=route, status=status).inc()
