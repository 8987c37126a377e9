"""POST /v1/enroll: a new agent shows its token, proves that it holds its key, and is told what it needs."""

from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler

from vedette.core import HostDescription, HostId, InvalidInput, OperatingSystem, Record, hash_secret
from vedette.ingest.door import Door
from vedette.ingest.network import network_of
from vedette.ingest.ports import Enrolment
from vedette.ingest.spec import SIGNED, described, problems
from vedette.seal import VerifyKey

__all__ = ["EnrolReply", "EnrolRequest", "EnrollingHost", "enrol_route"]

_LOG = structlog.get_logger()
_Text = Annotated[str, msgspec.Meta(max_length=256)]
_Labels = Annotated[dict[_Text, _Text], msgspec.Meta(max_length=64)]


class EnrollingHost(Record, frozen=True, kw_only=True):
    """What the host says of itself; its id is given by the server."""

    hostname: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    os: OperatingSystem = OperatingSystem()
    boot_time: float = 0.0
    labels: _Labels = {}


class EnrolRequest(Record, frozen=True, kw_only=True):
    """`public_key` is the text form of the key that also signs this request; `can_act` names the actions it lets be done."""

    token_secret: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    public_key: Annotated[str, msgspec.Meta(max_length=256)]
    host: EnrollingHost
    agent_version: Annotated[str, msgspec.Meta(max_length=64)] = ""
    can_act: Annotated[tuple[_Text, ...], msgspec.Meta(max_length=32)] = ()


class EnrolReply(Record, frozen=True, kw_only=True):
    """Keys are in their text forms; `interval` is seconds between pushes, `server_time` Unix seconds."""

    host_id: HostId
    tenant: str
    ingest_key: str
    command_key: str
    interval: float
    server_time: float


_DECODER = msgspec.json.Decoder(EnrolRequest)


def enrol_route(door: Door) -> HTTPRouteHandler:
    """The route that lets agents in."""

    @post(
        "/enroll",
        status_code=201,
        summary="Enrol an agent",
        description=(
            "Signed by the very key that is enrolled, as proof of possession; `keyid` is the id of that key. Asking again "
            "with the same key gives the same answer and takes no further use of the token."
        ),
        operation_class=described("application/json", EnrolRequest, "The token and the key."),
        responses=problems(400, 401, 403, 409, 413, 429, 503),
        security=SIGNED,
        tags=["machines"],
    )
    async def enrol_agent(request: Request[Any, Any, Any]) -> Response[EnrolReply]:
        signed = door.gate.read(request)
        network = network_of(request)
        door.enrol_rate.take(network, door.clock.monotonic())
        body = await door.enrol_bodies.read(request, door.settings.max_enrol_bytes, sender=network)
        asked = _decode(body)
        key = VerifyKey.from_text(asked.public_key)
        if key.kid != signed.signature.keyid:
            raise InvalidInput(
                "the request must be signed by the key that it brings", kind="bad-proof"
            )
        door.gate.verify(request, signed, key, body)
        enrolled = await door.enrol_workers.run(door.enrolments.enrol, _enrolment(asked, key))
        # Only now, so that strangers can't fill the memory of nonces. What a replay did before it is refused here is
        # nothing: the same key again takes no use of the token.
        door.gate.take_nonce(signed)
        _LOG.info("ingest.enrolled", tenant=enrolled.tenant, host=enrolled.host, kid=key.kid)
        reply = EnrolReply(
            host_id=enrolled.host,
            tenant=enrolled.tenant,
            ingest_key=enrolled.ingest_key,
            command_key=enrolled.command_key,
            interval=enrolled.interval,
            server_time=door.clock.now().timestamp(),
        )
        return Response(reply, status_code=201, headers={"Cache-Control": "no-store"})

    return enrol_agent


def _decode(body: bytes) -> EnrolRequest:
    try:
        return _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"not an enrolment: {error}") from error


def _enrolment(asked: EnrolRequest, key: VerifyKey) -> Enrolment:
    return Enrolment(
        secret_hash=hash_secret(asked.token_secret),
        public_key=key.to_text(),
        kid=key.kid,
        description=HostDescription(
            id=HostId(""),
            hostname=asked.host.hostname,
            os=asked.host.os,
            boot_time=asked.host.boot_time,
            labels=asked.host.labels,
        ),
        agent_version=asked.agent_version,
        can_act=asked.can_act,
    )
