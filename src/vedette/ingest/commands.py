"""GET /v1/commands and POST /v1/commands/{id}/result: what a host is told to do, and what became of it."""

import asyncio
import base64
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from vedette.core import ActionState, CommandId, CommandResult, InvalidInput, Record, Unavailable
from vedette.ingest.door import Door
from vedette.ingest.gate import Caller
from vedette.ingest.spec import SIGNED, described, problems
from vedette.ingest.workers import jittered

__all__ = ["Commands", "Recorded", "commands_routes"]

_TOLD: Final = frozenset(
    {
        ActionState.ACKNOWLEDGED,
        ActionState.SIMULATED,
        ActionState.APPLIED,
        ActionState.VERIFIED,
        ActionState.RELEASED,
        ActionState.CANCELLED,
        ActionState.REFUSED,
        ActionState.FAILED,
    }
)
_Wait = Annotated[
    float,
    QueryParameter(
        ge=0, le=60, description="Seconds to wait for a command when there is none yet."
    ),
]
_Can = Annotated[
    str | None,
    QueryParameter(
        max_length=1_000,
        pattern=r"^([a-z0-9_]{1,64}(,[a-z0-9_]{1,64})*)?$",
        description="The kinds of actions that the host's own settings allow now, by name, with commas between. "
        "An agent that says nothing is taken at the word that it gave at its enrolment.",
    ),
]
_MOST_KINDS: Final = 32
_Id = Annotated[str, PathParameter(max_length=64, description="The command's id.")]


class Commands(Record, frozen=True, kw_only=True):
    """Signed commands in base64, oldest first. They are given again until a result is told."""

    commands: tuple[str, ...]


class Recorded(Record, frozen=True, kw_only=True):
    """The result is kept."""

    recorded: bool


_RESULT: Final = msgspec.json.Decoder(CommandResult)


class Allowances:
    """What hosts last said that they let be done, so that it is stored only when it is news, or after a restart."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._told: dict[tuple[str, str], tuple[str, ...]] = {}

    async def hear(self, caller: Caller, can: str) -> None:
        """Keeps it, durably."""
        kinds = tuple(sorted({kind for kind in can.split(",") if kind}))[:_MOST_KINDS]
        lane = (caller.tenant, caller.host)
        if self._told.get(lane) == kinds:
            return
        await self._door.workers.run(self._door.hosts.allow, caller.tenant, caller.host, kinds)
        self._told[lane] = kinds


class Polls:
    """Long polls under way: the newest of a host ends its older one, whose connection is probably dead."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._newest: dict[tuple[str, str], object] = {}

    async def wait(self, caller: Caller, seconds: float) -> Sequence[tuple[CommandId, bytes]]:
        """The host's pending commands, as soon as there are any; none when the time is over."""
        if len(self._newest) >= self._door.settings.max_polls:
            raise Unavailable(
                "too many hosts wait for commands",
                retry_after=jittered(self._door.settings.retry_seconds),
            )
        lane, mine = (caller.tenant, caller.host), object()
        self._newest[lane] = mine
        clock = self._door.clock
        ends = clock.monotonic() + seconds
        try:
            while True:
                pending = await self._door.workers.run(
                    self._door.commands.pending, caller.tenant, caller.host, clock.now()
                )
                left = ends - clock.monotonic()
                superseded = self._newest.get(lane) is not mine
                if pending or left <= 0 or superseded or self._door.draining:
                    return () if superseded else pending
                await asyncio.sleep(min(left, self._door.settings.poll_seconds))
                await self._door.gate.check_again(caller)
        finally:
            if self._newest.get(lane) is mine:
                del self._newest[lane]


def commands_routes(door: Door) -> list[HTTPRouteHandler]:
    """The routes by which hosts get commands and answer them."""
    return [_poll_route(door, Polls(door), Allowances(door)), _result_route(door)]


def _poll_route(door: Door, polls: Polls, allowances: Allowances) -> HTTPRouteHandler:
    @get(
        "/commands",
        summary="Wait for commands",
        description="A long poll: returns as soon as there is a command for the host, or empty when the time is over.",
        responses=problems(400, 401, 403, 413, 429, 503),
        security=SIGNED,
        tags=["machines"],
    )
    async def poll_commands(
        request: Request[Any, Any, Any], wait: _Wait = 0.0, can: _Can = None
    ) -> Response[Commands]:
        caller, _ = await door.gate.admit(request, max_bytes=door.settings.max_json_bytes)
        if can is not None:
            await allowances.hear(caller, can)
        pending = await polls.wait(caller, wait)
        blobs = tuple(base64.b64encode(blob).decode("ascii") for _, blob in pending)
        return Response(Commands(commands=blobs), headers={"Cache-Control": "no-store"})

    return poll_commands


def _result_route(door: Door) -> HTTPRouteHandler:
    @post(
        "/commands/{command_id:str}/result",
        status_code=200,
        summary="Tell what became of a command",
        description="The same result again has no second effect.",
        operation_class=described("application/json", CommandResult, "What became of it."),
        responses=problems(400, 401, 403, 404, 409, 413, 429, 503),
        security=SIGNED,
        tags=["machines"],
    )
    async def record_result(request: Request[Any, Any, Any], command_id: _Id) -> Response[Recorded]:
        caller, body = await door.gate.admit(request, max_bytes=door.settings.max_json_bytes)
        result = _decode(body, command_id)
        await door.workers.run(
            door.commands.record_result, result, caller.host, tenant=caller.tenant
        )
        return Response(Recorded(recorded=True))

    return record_result


def _decode(body: bytes, command_id: str) -> CommandResult:
    try:
        result = _RESULT.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"not a command's result: {error}", kind="invalid-result") from error
    if result.command != command_id:
        raise InvalidInput(
            "the result is of another command than the address names", kind="invalid-result"
        )
    if result.state not in _TOLD or result.at.tzinfo is None:
        raise InvalidInput(
            f"a result needs a time with zone, and a state of {', '.join(sorted(_TOLD))}",
            kind="invalid-result",
        )
    return result
