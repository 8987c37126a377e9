"""Enrolment: from a token's text to a host that the server knows, with no moment in which TLS is not verified.

The one request made before trust exists fetches the public CA certificate, and its content is believed only if its
fingerprint is the one in the token.
"""

import secrets
import shutil
import sqlite3
import ssl
from typing import Annotated

import httpx
import msgspec
import structlog

from vedette.agent.actions import ACTIONS
from vedette.agent.backoff import retry_after
from vedette.agent.collect.host import describe, provisional_id
from vedette.agent.collect.source import Source
from vedette.agent.door import LATEST, Door, PassingOffset, pinned
from vedette.agent.enrolment import Enrolment
from vedette.agent.journal import Journal
from vedette.agent.route import Route
from vedette.agent.settings import AgentSettings
from vedette.agent.state import JOURNAL, SPOOL, StateLock
from vedette.core import (
    Clock,
    ConfigError,
    Conflict,
    HostId,
    InvalidInput,
    Record,
    TenantId,
    Unauthenticated,
    Unavailable,
)
from vedette.seal import EnrolmentToken, IngestPublicKey, SigningKey, VerifyKey, fingerprint

__all__ = ["enroll", "former_host"]

_log = structlog.get_logger()
_MAX_CA = 64 * 1024
_LONGEST_SLEEP = 5.0


class _Reply(Record, frozen=True, kw_only=True):
    host_id: HostId
    tenant: TenantId
    ingest_key: str
    command_key: str
    interval: Annotated[float, msgspec.Meta(gt=0)]
    server_time: Annotated[float, msgspec.Meta(ge=0, le=LATEST)] | None = None


def enroll(
    token_text: str, settings: AgentSettings, clock: Clock, *, version: str, again: bool = False
) -> Enrolment:
    """Makes this host known to the server named in the token, and stores what it gets under `settings.state`.

    Raises:
        InvalidInput: (bad-token) the text is no token, or the server's answer can't be used.
        Conflict: this host is enrolled already and `again` was not asked for, or the agent runs.
        Unauthenticated: the server's CA is not the token's, or the server did not accept the token.
        Unavailable: the server can't be reached, or can't enrol now.
        ConfigError: the state folder can't be used.
    """
    token = EnrolmentToken.decode(token_text)
    if Enrolment.exists(settings.state) and not again:
        raise Conflict(
            f"this host is enrolled already (see {settings.state}); to enroll it as a new host: vedette agent enroll --again TOKEN",
            kind="already-enrolled",
        )
    ca_pem = _fetch_ca(token, settings)
    key = SigningKey.generate()
    try:
        with StateLock(settings.state):
            return _introduce(token, settings, clock, version=version, key=key, ca_pem=ca_pem)
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"{settings.state} can't be used: {why}") from error


def former_host(settings: AgentSettings) -> HostId | None:
    """The host that this machine is enrolled as now, for who enrols it anew; None when that can't be read."""
    try:
        return Enrolment.load(settings.state).host
    except ConfigError:
        return None


def _introduce(
    token: EnrolmentToken,
    settings: AgentSettings,
    clock: Clock,
    *,
    version: str,
    key: SigningKey,
    ca_pem: str,
) -> Enrolment:
    source = Source(settings.root)
    request = {
        "token_secret": token.secret,
        "public_key": key.public.to_text(),
        "host": describe(source, provisional_id(source), settings.labels),
        "agent_version": version,
        "can_act": settings.permission.allowed(
            {kind.name: kind.by_default for kind in ACTIONS.values()}
        ),
    }
    # Beside the present journal, which stays in use if the server says no.
    fresh = settings.state / f".{JOURNAL}.{secrets.token_hex(8)}"
    journal = Journal(fresh, clock)
    route = Route(
        token.server,
        context=pinned(ca_pem),
        timeout=settings.request_timeout,
        proxy=settings.proxy,
    )
    # A token has a number of uses: its request must not arrive twice.
    lead = PassingOffset()
    door = Door(route, key=key, clock=clock, journal=lead, repeat=False)
    try:
        reply = _ask(door, msgspec.json.encode(request), clock)
        if reply.server_time is not None:
            lead.set_offset(reply.server_time - clock.now().timestamp())
        journal.set_offset(lead.offset)
        enrolment = _keep(reply, token, settings, clock, key=key, ca_pem=ca_pem)
        journal.close()
        fresh.replace(settings.state / JOURNAL)
    finally:
        door.close()
        journal.close()
        for suffix in ("", "-wal", "-shm"):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
    return enrolment


def _ask(door: Door, request: bytes, clock: Clock) -> _Reply:
    answer = door.request("POST", "/v1/enroll", body=request, content_type="application/json")
    asked = retry_after(answer.retry_after, clock)
    if answer.status == httpx.codes.UNAUTHORIZED and asked is not None:
        # The server has started this very second, and takes no signature from before that. The token was not looked at.
        clock.sleep(min(asked, _LONGEST_SLEEP))
        answer = door.request("POST", "/v1/enroll", body=request, content_type="application/json")
    _raise_for(answer.status, answer.problem())
    try:
        reply = msgspec.json.decode(answer.body, type=_Reply)
        IngestPublicKey.from_text(reply.ingest_key)
        VerifyKey.from_text(reply.command_key)
    except (msgspec.MsgspecError, UnicodeDecodeError, InvalidInput) as error:
        raise InvalidInput(f"the server's answer can't be used: {error}") from error
    return reply


def _keep(
    reply: _Reply,
    token: EnrolmentToken,
    settings: AgentSettings,
    clock: Clock,
    *,
    key: SigningKey,
    ca_pem: str,
) -> Enrolment:
    enrolment = Enrolment(
        host=reply.host_id,
        tenant=reply.tenant,
        server=token.server,
        ingest_key=reply.ingest_key,
        command_key=reply.command_key,
        interval=reply.interval,
        enrolled_at=clock.now(),
    )
    enrolment.save(settings.state, key, ca_pem.encode())
    # What a former identity left unsent is sealed in its name; the new key can't send it.
    former = settings.state / SPOOL
    if former.is_dir():
        _log.warning("agent.spool_discarded", files=len(list(former.iterdir())))
        shutil.rmtree(former)
    _log.info("agent.enrolled", host=enrolment.host, tenant=enrolment.tenant)
    return enrolment


def _raise_for(status: int, problem: str) -> None:
    if status in {httpx.codes.OK, httpx.codes.CREATED}:
        return
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise Unauthenticated(f"the server did not accept the enrolment token: {problem}")
    if status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise Unavailable(f"the server can't enrol now: {problem}; try again later")
    raise InvalidInput(f"the server refused the enrolment: {problem}")


def _fetch_ca(token: EnrolmentToken, settings: AgentSettings) -> str:
    """The server's CA certificate, once its fingerprint is known to be the token's."""
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    # Only for this public file: it is believed for its fingerprint, not for where it came from.
    unverified.verify_mode = ssl.CERT_NONE
    url = token.server.rstrip("/") + "/v1/ca.pem"
    route = Route(
        token.server, context=unverified, timeout=settings.request_timeout, proxy=settings.proxy
    )
    try:
        with route.client() as client:
            response = client.get(url, timeout=route.timeout())
    except httpx.HTTPError as error:
        raise route.failure(error) from error
    if response.status_code != httpx.codes.OK or len(response.content) > _MAX_CA:
        raise Unavailable(f"{url} does not give a certificate (status {response.status_code})")
    try:
        seen = fingerprint(response.content)
    except ConfigError as error:
        raise Unavailable(f"{url} does not give a certificate: {error}") from error
    if not secrets.compare_digest(seen, token.ca_fingerprint.lower()):
        raise Unauthenticated(
            f"the certificate authority of {token.server} is not the token's: it has fingerprint {seen}, the token names {token.ca_fingerprint}; do not go on before you know why",
            kind="wrong-authority",
        )
    # The first certificate is the one whose fingerprint was compared: anything behind it is dropped.
    return _first_certificate(response.text)


def _first_certificate(pem: str) -> str:
    end = "-----END CERTIFICATE-----"
    begin = pem.index("-----BEGIN CERTIFICATE-----")
    return pem[begin : pem.index(end, begin) + len(end)] + "\n"
