"""POST /v1/snapshots: the hot path, from a signed envelope to a durable place in the queue."""

import base64
import math
from datetime import timedelta
from typing import Annotated, Any, Final

import msgspec
import structlog
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from vedette.core import (
    AuditEntry,
    Conflict,
    Forbidden,
    InvalidInput,
    Message,
    Record,
    Severity,
    VedetteError,
    Waiter,
    Wish,
    digest,
)
from vedette.ingest.door import Door
from vedette.ingest.gate import Caller
from vedette.ingest.ports import Usage
from vedette.ingest.prefer import wait_of
from vedette.ingest.spec import SIGNED, described, problems
from vedette.seal import Header, read_header

__all__ = ["ENVELOPE", "Accepted", "snapshots_route"]

ENVELOPE: Final = "application/vedette-envelope"
_LOG = structlog.get_logger()


class Accepted(Record, frozen=True, kw_only=True):
    """The snapshot is on disk. `duplicate`: it was before. `needed`: tables to send in full next time.

    `pace`: seconds to wait before the next one is sent, so that it is let in; 0 for a host that is not behind. `verdict`:
    the signed verdict in base64, where it was waited for and came in time.
    """

    accepted: bool
    duplicate: bool
    needed: tuple[str, ...]
    pace: float
    verdict: str = ""


_Self = Annotated[
    Severity | None,
    QueryParameter(
        description="With Prefer: wait. The host quarantines itself on a verdict of this severity or worse, if it gets leave."
    ),
]
_Confirmed = Annotated[
    bool,
    QueryParameter(
        description="Only on a verdict that more than one snapshot or expert stands behind."
    ),
]
_Lease = Annotated[
    float, QueryParameter(ge=60, le=86_400, description="For how many seconds from each renewal.")
]


def snapshots_route(door: Door) -> HTTPRouteHandler:
    """The route that takes snapshots."""

    @post(
        "/snapshots",
        status_code=202,
        summary="Push one sealed snapshot",
        description=(
            "202 once the envelope is durable. The same snapshot again is accepted again without a second effect; another "
            "content under the same identity is refused with 409. Old snapshots are let in one sender after the other: `pace` "
            "is how many seconds to wait before the next, and 429 (backlog) says when to come for the first time. "
            "`Prefer: wait=N` (RFC 7240) holds the answer back for the verdict, for N seconds or the server's own bound at "
            "most; `Preference-Applied` says that it is there."
        ),
        operation_class=described(ENVELOPE, None, "One sealed envelope."),
        responses=problems(400, 401, 403, 409, 413, 429, 503),
        security=SIGNED,
        tags=["machines"],
    )
    async def push_snapshot(
        request: Request[Any, Any, Any],
        *,
        self_quarantine: _Self = None,
        confirmed: _Confirmed = True,
        lease: _Lease = 600.0,
    ) -> Response[Accepted]:
        door.check_load()
        wish = _wish(self_quarantine, confirmed=confirmed, lease=lease)
        caller, body = await door.gate.admit(request, max_bytes=door.settings.max_body_bytes)
        _check_content_type(request)
        header = _header(door, caller, body)
        door.quotas.check(header.tenant, header.host, len(body), door.clock.now())
        admitted = door.admit(header)
        message = Message(
            identity=header.identity,
            digest=digest(body),
            body=body,
            received_at=door.clock.now(),
            behind=admitted.behind,
        )
        outcome = await door.commit.add(message)
        if outcome == "conflict":
            await _refuse_conflict(door, message)
        if outcome == "new":
            usage = Usage(tenant=header.tenant, host=header.host, snapshots=1, size=len(body))
            door.quotas.count(usage, door.clock.now())
        waited, ruling = await _ruling(door, caller, request, message, wish)
        accepted = Accepted(
            accepted=True,
            duplicate=outcome == "duplicate",
            needed=caller.needed,
            pace=round(admitted.pace, 3),
            verdict="" if ruling is None else base64.b64encode(ruling).decode("ascii"),
        )
        applied = {} if ruling is None else {"Preference-Applied": f"wait={waited}"}
        return Response(accepted, status_code=202, headers=applied)

    return push_snapshot


def _wish(severity: Severity | None, *, confirmed: bool, lease: float) -> Wish | None:
    if severity is None:
        return None
    # Bounds alone let pass what is no number.
    if not math.isfinite(lease):
        raise InvalidInput("a lease is a number of seconds", kind="invalid-input")
    return Wish(severity=severity, confirmed=confirmed, lease=lease)


async def _ruling(
    door: Door,
    caller: Caller,
    request: Request[Any, Any, Any],
    message: Message,
    wish: Wish | None,
) -> tuple[int, bytes | None]:
    """The seconds that the client would wait, and the signed verdict where it came in that time. The snapshot is on disk."""
    asked = wait_of(",".join(request.headers.getall("prefer", [])))
    seconds = min(asked, door.settings.verdict_wait)
    if not seconds or message.behind:
        return asked, None
    identity = message.identity
    ruling = await door.awaiting.ruling(
        Waiter(
            tenant=identity.tenant,
            host=identity.host,
            epoch=identity.epoch,
            seq=identity.seq,
            digest=message.digest,
            until=door.clock.now() + timedelta(seconds=seconds),
            wish=wish,
        )
    )
    if ruling is None:
        return asked, None
    try:
        await door.gate.check_again(caller)
    except VedetteError as error:
        # The snapshot stays accepted; but a host that was revoked meanwhile is told nothing more.
        _LOG.warning("ingest.verdict_kept_back", host=identity.host, kind=error.kind)
        return asked, None
    return asked, ruling


def _check_content_type(request: Request[Any, Any, Any]) -> None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != ENVELOPE:
        raise InvalidInput(
            f"send the envelope as {ENVELOPE}, not as {given[:80]!r}", kind="bad-content-type"
        )


def _header(door: Door, caller: Caller, body: bytes) -> Header:
    header = read_header(body)
    if (header.tenant, header.host) != (caller.tenant, caller.host):
        raise Forbidden(
            "the envelope's header names another host than the one that signed the request",
            kind="header-mismatch",
        )
    if header.kid not in door.kids:
        raise InvalidInput(
            f"the envelope is sealed to key {header.kid}, which this server can't open; enrol the agent anew",
            kind="unknown-key",
        )
    ahead = (header.taken_at - door.clock.now()).total_seconds()
    if ahead > door.settings.max_ahead:
        # An hour off is common and does no harm. But what is taken as seen in another year would be the newest for ever.
        raise InvalidInput(
            f"the snapshot was taken {ahead / 3600:.0f} hours ahead of the server's time; set the host's clock",
            kind="bad-time",
        )
    return header


async def _refuse_conflict(door: Door, message: Message) -> None:
    identity = message.identity
    fields = {"host": identity.host, "epoch": identity.epoch, "seq": identity.seq}
    _LOG.warning("ingest.conflict", tenant=identity.tenant, **fields)
    entry = AuditEntry(
        tenant=identity.tenant,
        at=message.received_at,
        actor=f"host:{identity.host}",
        action="snapshot.conflict",
        subject=identity.host,
        reason="another content under an identity that was accepted before",
        data=msgspec.to_builtins(identity) | {"digest": message.digest},
    )
    taken_at = read_header(message.body).taken_at
    await door.workers.run(door.hosts.contest, identity, taken_at)
    await door.workers.run(door.audit.add, [entry])
    raise Conflict(
        "a snapshot with this epoch and seq but another content was accepted before; start a new epoch",
        kind="identity-conflict",
    )
