"""POST /v1/commands/{id}/evidence: what a host collected, sealed by it and kept as it is."""

from typing import Annotated, Any, Final

import structlog
from litestar import Request, Response, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from vedette.core import (
    AuditEntry,
    CommandId,
    Conflict,
    Evidence,
    Forbidden,
    InvalidInput,
    Record,
    Unavailable,
    digest,
)
from vedette.ingest.door import Door
from vedette.ingest.gate import Caller
from vedette.ingest.spec import SIGNED, described, problems
from vedette.ingest.workers import jittered
from vedette.seal import BundleHeader, read_bundle_header

__all__ = ["EVIDENCE", "Kept", "evidence_route"]

EVIDENCE: Final = "application/vedette-evidence"
_LOG = structlog.get_logger()
_Id = Annotated[str, PathParameter(max_length=64, description="The command's id.")]


class Kept(Record, frozen=True, kw_only=True):
    """The bundle is on disk. `digest` and `bytes` are of what is kept; `duplicate`: it was before."""

    digest: str
    bytes: int
    duplicate: bool


def evidence_route(door: Door) -> HTTPRouteHandler:
    """The route that takes sealed evidence. Bundles are large, so few are taken at once."""
    at_work: set[str] = set()

    @post(
        "/commands/{command_id:str}/evidence",
        status_code=201,
        summary="Deliver sealed evidence",
        description=(
            "201 once the bundle is durable, 200 where this very bundle was before. It is refused before it is read unless the "
            "host was told to collect it, in time; another bundle for the same action is refused with 409."
        ),
        operation_class=described(EVIDENCE, None, "One sealed bundle."),
        responses=problems(400, 401, 403, 404, 409, 413, 429, 503),
        security=SIGNED,
        tags=["machines"],
    )
    async def deliver_evidence(request: Request[Any, Any, Any], command_id: _Id) -> Response[Kept]:
        command = CommandId(command_id)

        async def first(caller: Caller) -> None:
            await door.workers.run(door.evidence.wanted, caller.tenant, caller.host, command)
            if len(at_work) >= door.settings.evidence_at_once or command in at_work:
                raise Unavailable(
                    "other evidence is being taken in; send it again later",
                    retry_after=jittered(door.settings.retry_seconds),
                )
            at_work.add(command)
            mine.append(command)

        mine: list[str] = []
        try:
            caller, body = await door.gate.admit(
                request, max_bytes=door.settings.max_evidence_bytes, first=first
            )
            evidence = _described(door, caller, request, command, body)
            new = await _keep(door, evidence, body)
        finally:
            at_work.difference_update(mine)
        kept = Kept(digest=evidence.digest, bytes=evidence.size, duplicate=not new)
        return Response(kept, status_code=201 if new else 200)

    return deliver_evidence


def _described(
    door: Door,
    caller: Caller,
    request: Request[Any, Any, Any],
    command: CommandId,
    body: bytes,
) -> Evidence:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != EVIDENCE:
        raise InvalidInput(
            f"send the bundle as {EVIDENCE}, not as {given[:80]!r}", kind="bad-content-type"
        )
    header = read_bundle_header(body)
    _check(door, caller, command, header)
    return Evidence(
        action=header.action,
        tenant=header.tenant,
        host=header.host,
        incident=None,
        command=header.command,
        digest=digest(body),
        size=len(body),
        kid=header.kid,
        sealed_at=header.sealed_at,
        received_at=door.clock.now(),
    )


def _check(door: Door, caller: Caller, command: CommandId, header: BundleHeader) -> None:
    if (header.tenant, header.host) != (caller.tenant, caller.host):
        raise Forbidden(
            "the bundle's header names another host than the one that signed the request",
            kind="header-mismatch",
        )
    if header.command != command:
        raise InvalidInput(
            "the bundle is of another command than the address names", kind="bad-bundle"
        )
    if header.kid not in door.kids:
        raise InvalidInput(
            f"the bundle is sealed to key {header.kid}, which this server can't open; enrol the agent anew",
            kind="unknown-key",
        )


async def _keep(door: Door, evidence: Evidence, body: bytes) -> bool:
    try:
        return await door.workers.run(door.evidence.keep, evidence, body)
    except Conflict as error:
        if error.kind == "evidence-conflict":
            _LOG.warning("ingest.evidence_conflict", host=evidence.host, action=evidence.action)
            entry = AuditEntry(
                tenant=evidence.tenant,
                at=door.clock.now(),
                actor=f"host:{evidence.host}",
                action="evidence.conflict",
                subject=evidence.action,
                reason="another bundle for an action whose evidence is kept already",
                data={"digest": evidence.digest, "command": evidence.command},
            )
            await door.workers.run(door.audit.add, [entry])
        raise
