"""The running server against its own OpenAPI document: requests made up from it, answers held to it."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fixtures.quiet_host import process, quiet_snapshots, quiet_tables
from tests.fixtures.service import Service, running_service
from tests.fixtures.wire import Sender

from vedette.core import ActionId, Command, CommandId, Evidence, TenantId, digest
from vedette.seal import sign_request

# The server's processes are counted, which the fixture starts; to count the tool's own, too, would take twice as long.
pytestmark = pytest.mark.no_cover
# For each operation, and each of valid and spoilt data. For callers who are mostly refused, there is less to find.
EXAMPLES = 20 if settings.get_current_profile_name() == "nightly" else 10
FEW_EXAMPLES = EXAMPLES // 3
# `positive_data_acceptance` is left out: an id of the right form that nothing has is rightly a 404.
CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
SIGNED = {
    "POST /v1/enroll",
    "POST /v1/snapshots",
    "GET /v1/commands",
    "POST /v1/commands/{command_id}/result",
    "POST /v1/commands/{command_id}/evidence",
}
PUBLIC = {"GET /health/live", "GET /health/ready", "GET /v1/ca.pem"}
# An action is decided once, by whichever of these comes first.
DECISIONS = {f"POST /v1/actions/{{action_id}}/{step}" for step in ("approve", "refuse", "cancel")}
# These need something that stands (a lease in force, a thrown switch, an open breaker, an open incident), or what
# fits together (a whole policy, a scope with an end).
STANDING = {
    "POST /v1/actions",
    *(
        f"POST /v1/incidents/{{incident_id}}/{one}"
        for one in ("assign", "merge", "reopen", "split")
    ),
    "POST /v1/incidents/{incident_id}/false-positive",
    "POST /v1/silences",
    "POST /v1/actions/{action_id}/release",
    "POST /v1/guards/lift",
    "POST /v1/guards/reset",
    "POST /v1/policies",
    "POST /v1/policies/check",
    "POST /v1/policies/backtest",
    "POST /v1/oncall",
    "POST /v1/oncall/check",
}
# To the tool an envelope is a file of any bytes.
schemathesis.serializer.alias("application/vedette-envelope", "application/octet-stream")
schemathesis.serializer.alias("application/vedette-evidence", "application/octet-stream")
Case = schemathesis.Case[Any]
Operation = APIOperation[Any, Any, Any, Any]


class Signing(requests.auth.AuthBase):
    """Signs what is sent as an enrolled host does."""

    def __init__(self, sender: Sender, created: Callable[[], int]) -> None:
        self._key = sender._key
        self._created = created

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        url = urlsplit(str(request.url))
        body = request.body or b""
        assert isinstance(body, str | bytes)
        request.headers.update(
            sign_request(
                self._key,
                keyid=self._key.kid,
                method=str(request.method),
                path=url.path,
                query=url.query,
                body=body.encode() if isinstance(body, str) else body,
                created=self._created(),
                nonce=secrets.token_hex(16),
            )
        )
        return request


@dataclass(frozen=True)
class World:
    """A server with some history, its document, and ids that exist, by the name of the path's parameter.

    There are two readings of the document: for callers with credentials of their own, and for those without, whose
    credentials the tool makes up.
    """

    service: Service
    schemas: dict[bool, BaseSchema]
    session: requests.Session
    ids: dict[str, list[str]]
    signing: Signing

    def tried(
        self,
        checks: list[CheckFunction],
        prefix: str = "/",
        examples: int = EXAMPLES,
        **sent: Any,
    ) -> dict[str, set[int]]:
        """Asks every operation below the prefix; says which statuses each has answered with."""
        answered: dict[str, set[int]] = {}
        failed = []
        for result in self.schemas[bool(sent)].get_all_operations():
            assert isinstance(result, Ok), result
            if result.ok().path.startswith(prefix):
                statuses = answered.setdefault(result.ok().label, set())
                try:
                    for mode in GenerationMode:
                        with suppress(
                            Unsatisfiable
                        ):  # what takes nothing can't be sent spoilt data
                            self._ask(result.ok(), mode, statuses, checks, examples, sent)
                except FailureGroup as failure:
                    failed.append(str(failure))
        assert not failed, "\n".join(failed)
        return answered

    def _ask(
        self,
        operation: Operation,
        mode: GenerationMode,
        statuses: set[int],
        checks: list[CheckFunction],
        examples: int,
        sent: dict[str, Any],
    ) -> None:
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), choice=st.integers(0, 99))
        def ask(case: Case, choice: int) -> None:
            if mode.is_positive:
                self._name_what_exists(case, choice)
            _wait_less(case)
            answer = case.call_and_validate(
                base_url=self.service.url,
                session=self.session,
                checks=checks,
                verify=str(self.service.ca_file),
                **sent,
            )
            statuses.add(answer.status_code)

        ask()

    def _name_what_exists(self, case: Case, choice: int) -> None:
        """Every second request is about a record that exists; made-up ids never are."""
        for name in case.path_parameters or {}:
            if (known := self.ids.get(name)) and choice % 2:
                case.path_parameters[name] = known[choice // 2 % len(known)]


def _wait_less(case: Case) -> None:
    """Valid long polls are shortened: a minute of waiting for each would show nothing more."""
    wait = (case.query or {}).get("wait")
    if isinstance(wait, int | float) and 0 <= wait <= 60:
        case.query["wait"] = min(wait, 0.05)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    # Rates are tested elsewhere; here they would hide what lies behind them.
    more = "[ingest]\nrate = 100000.0\nburst = 100000\n"
    with (
        running_service(tmp_path_factory.mktemp("schemathesis"), more=more) as service,
        requests.Session() as session,
    ):
        signer = service.sender("signer")
        ids = _fill(service)
        schemas = {known: _schema(service, credentials=known) for known in (True, False)}
        signing = Signing(signer, lambda: int(service.clock.now().timestamp()))
        yield World(service, schemas, session, ids, signing)


def _schema(service: Service, *, credentials: bool) -> BaseSchema:
    schema = schemathesis.openapi.from_url(
        f"{service.url}/openapi/openapi.json", verify=str(service.ca_file)
    )
    schema.config.generation.update(with_security_parameters=not credentials)
    return schema


def _fill(service: Service) -> dict[str, list[str]]:
    """Two hosts, one of them abnormal and one with dead letters, spare tokens of both kinds; the ids of what came of it."""
    evil = process(4711, 1, "kworker", "/dev/shm/.x/kworker", "[kworker/0:1]", on_disk=0)
    snapshots = list(quiet_snapshots(40, every=1.0))
    # They end now, so that what they lead to still waits for people.
    later = service.clock.now() - snapshots[-1].taken_at
    for index, snapshot in enumerate(snapshots):
        tables = quiet_tables()
        if index >= 36:
            tables["processes"].append(evil)
        at = snapshot.taken_at + later
        snapshots[index] = msgspec.structs.replace(snapshot, tables=tables, taken_at=at)
    abnormal, quiet = service.sender("abnormal"), service.sender("quiet")
    envelopes = [
        *((abnormal, abnormal.envelope(snapshot)) for snapshot in snapshots),
        *((quiet, quiet.envelope(snapshot)) for snapshot in snapshots[:3]),
        *((quiet, quiet.envelope(snapshot, body=b"torn")) for snapshot in snapshots[3:23]),
    ]
    for sender, envelope in envelopes:
        assert sender.push(envelope).status_code == 202
    verdicts = service.wait_for_verdicts(len(snapshots) + 3 + 20)
    letters = _buried(service, 20)
    with service.client("admin") as client:
        # The tokens in use are never among those that may be revoked, nor is the signer among the hosts.
        spare = [
            client.post("/v1/tokens", json={"name": f"spare-{n}", "role": "viewer"}).json()
            for n in range(5)
        ]
        enrolments = [client.post("/v1/enrolments", json={"uses": 1}).json() for _ in range(5)]
        until = (service.clock.now() + timedelta(hours=1)).isoformat()
        silence = {"labels": {"role": "none"}, "ends_at": until, "reason": "a roll-out"}
        silences = [client.post("/v1/silences", json=silence).json() for _ in range(5)]
        incidents = client.get("/v1/incidents").json()["items"]
        # Only what still waits for people can be decided.
        actions = client.get("/v1/actions", params={"kind": "quarantine"}).json()["items"]
    assert incidents
    assert actions
    _collected(service, ActionId(actions[0]["id"]))
    return {
        "host_id": sorted({verdict["host"] for verdict in verdicts}),
        "verdict_id": [verdict["id"] for verdict in verdicts],
        "incident_id": [incident["id"] for incident in incidents],
        "action_id": [action["id"] for action in actions],
        "token_id": [made["token"]["id"] for made in spare],
        "silence_id": [made["id"] for made in silences],
        "letter_id": [letter["id"] for letter in letters],
        "enrolment_id": [made["enrolment"]["id"] for made in enrolments],
    }


def _collected(service: Service, action: ActionId) -> None:
    """Sealed evidence of an action, so that there is something to list and to download."""
    store = service.store()
    try:
        told, now = (
            store.actions.get(TenantId(service.settings.tenant), action),
            service.clock.now(),
        )
        assert told.host is not None
        command = Command(
            id=CommandId("collected"),
            tenant=told.tenant,
            host=told.host,
            action=action,
            kind="collect",
            parameters={},
            dry_run=False,
            issued_at=now,
            expires_at=now + timedelta(hours=1),
            nonce="collected",
        )
        # For a host that answers to no signature of the tool's, so it is never fetched.
        store.commands.put(command, b"signed")
        bundle = b"sealed"
        evidence = Evidence(
            action=action,
            tenant=told.tenant,
            host=told.host,
            incident=None,
            command=command.id,
            digest=digest(bundle),
            size=len(bundle),
            kid="k",
            sealed_at=now,
            received_at=now,
        )
        assert store.evidence.keep(evidence, bundle)
    finally:
        store.close()


def _buried(service: Service, count: int) -> list[dict[str, Any]]:
    """The dead letters, once there are so many: each is one a moment after its verdict."""
    deadline = time.monotonic() + 30
    found: list[dict[str, Any]] = []
    with service.client("viewer") as client:
        while len(found) < count:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            found = client.get("/v1/dead-letters").json()["items"]
    return found


@pytest.fixture(autouse=True)
def _no_error_behind_the_answers(world: World) -> Iterator[None]:
    """The API's process lives through it, and logs nothing that nobody expected."""
    before = world.service.pid("api")
    yield
    assert world.service.pid("api") == before
    log = (world.service.settings.data / "server.log").read_text()
    assert "http.unexpected_error" not in log


def _never_done(answered: dict[str, set[int]]) -> set[str]:
    return {name for name, statuses in answered.items() if not any(s < 300 for s in statuses)}


def test_an_administrator_is_answered_as_the_document_says(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.service.token('admin')}"}
    answered = world.tried(CHECKS, headers=headers)
    assert len(answered) >= 35
    never = _never_done(answered)
    assert never - DECISIONS - STANDING == SIGNED
    assert not never >= DECISIONS


def test_a_viewer_is_answered_as_the_document_says(world: World) -> None:
    headers = {"Authorization": f"Bearer {world.service.token('viewer')}"}
    # Who may not see a thing is told so before anyone looks at what was sent.
    checks = [check for check in CHECKS if check is not negative_data_rejection]
    answered = world.tried(checks, examples=FEW_EXAMPLES, headers=headers)
    assert {name for name in answered if not name.startswith("GET ")} <= _never_done(answered)


def test_without_a_token_nothing_but_what_is_public_is_told(world: World) -> None:
    answered = world.tried([*CHECKS, ignored_auth], examples=FEW_EXAMPLES)
    assert set(answered) - _never_done(answered) == PUBLIC


def test_a_host_is_answered_as_the_document_says(world: World) -> None:
    prefixes = ("/v1/enroll", "/v1/snapshots", "/v1/commands")
    answered = {
        name: statuses
        for prefix in prefixes
        for name, statuses in world.tried(CHECKS, prefix, auth=world.signing).items()
        if name in SIGNED
    }
    assert set(answered) == SIGNED
    # What is signed rightly gets past the gate, and is refused for what it holds.
    assert 401 not in answered["POST /v1/snapshots"]
    assert 200 in answered["GET /v1/commands"]


def test_the_server_takes_and_judges_snapshots_afterwards(world: World) -> None:
    sender = world.service.sender("afterwards")
    for snapshot in quiet_snapshots(3):
        assert sender.push(sender.envelope(snapshot)).status_code == 202
    world.service.wait_for_verdicts(40 + 3 + 3)
