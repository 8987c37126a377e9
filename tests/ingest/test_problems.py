"""Errors of the whole application as problem details, and what the OpenAPI document says of the machine routes."""

from typing import Any

import jsonschema
import pytest
from litestar import Litestar, get
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery
from litestar.testing import TestClient
from tests.ingest.world import World

from vedette.core import ConfigError, Conflict, LeaseLost, NotFound, Throttled, Unauthenticated
from vedette.ingest import problem_handlers

ERRORS: dict[str, Exception] = {
    "not-found": NotFound("no such host"),
    "conflict": Conflict("closed already", kind="closed", incident="i-1"),
    "throttled": Throttled("slow down", retry_after=0.2),
    "gateway": HTTPException("secret-detail", status_code=502),
    "unauthenticated": Unauthenticated("sign in"),
    "lease": LeaseLost("secret-detail"),
    "config": ConfigError("secret-detail"),
    "crash": RuntimeError("secret-detail"),
}


@get("/raise/{name:str}")
async def raising(name: FromPath[str]) -> None:
    raise ERRORS[name]


@get("/number/{number:int}")
async def number(number: FromPath[int], limit: FromQuery[int]) -> int:
    return number + limit


@pytest.fixture
def client() -> Any:
    app = Litestar([raising, number], exception_handlers=problem_handlers())
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/raise/not-found", 404, "not-found"),
        ("/raise/conflict", 409, "closed"),
        ("/raise/throttled", 429, "throttled"),
        ("/raise/unauthenticated", 401, "unauthenticated"),
        ("/raise/lease", 500, "internal"),
        ("/raise/config", 500, "internal"),
        ("/raise/crash", 500, "internal"),
        ("/raise/gateway", 500, "internal"),
        ("/nowhere", 404, "not-found"),
        ("/number/x?limit=1", 404, "not-found"),
        ("/number/1?limit=x", 400, "invalid-input"),
        ("/number/1", 400, "invalid-input"),
    ],
)
def test_every_error_is_a_problem(
    client: TestClient[Litestar], path: str, status: int, kind: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == f"/problems/{kind}"
    assert answer.json()["status"] == status
    assert "secret-detail" not in answer.text
    assert "Traceback" not in answer.text


def test_no_problem_is_kept_by_a_cache(client: TestClient[Litestar]) -> None:
    for answer in (
        client.get("/raise/not-found"),
        client.get("/raise/crash"),
        client.get("/nowhere"),
        client.post("/raise/x"),
    ):
        assert answer.headers["cache-control"] == "no-store"


def test_extensions_and_headers_reach_the_client(client: TestClient[Litestar]) -> None:
    assert client.get("/raise/conflict").json()["incident"] == "i-1"
    assert client.get("/raise/throttled").headers["retry-after"] == "1"
    assert client.get("/raise/unauthenticated").headers["www-authenticate"] == "Bearer"
    assert client.post("/raise/x").headers["allow"]
    assert client.post("/raise/x").status_code == 405
    assert client.get("/number/1").json()["detail"]


def test_the_ca_certificate_is_public_and_absent_when_there_is_none() -> None:
    with World(ca_pem=b"pem").client() as client:
        answer = client.get("/v1/ca.pem")
        assert (answer.status_code, answer.content) == (200, b"pem")
        assert answer.headers["content-type"].startswith("application/x-pem-file")
    with World(ca_pem=None).client() as client:
        assert client.get("/v1/ca.pem").json()["type"] == "/problems/not-found"


def test_the_openapi_document_tells_bodies_refusals_and_the_signature() -> None:
    with World().client() as client:
        document = client.get("/schema/openapi.json").json()
    paths = document["paths"]
    assert set(paths) == {
        "/v1/enroll",
        "/v1/snapshots",
        "/v1/commands",
        "/v1/commands/{command_id}/result",
        "/v1/commands/{command_id}/evidence",
        "/v1/ca.pem",
    }
    push = paths["/v1/snapshots"]["post"]
    assert list(push["requestBody"]["content"]) == ["application/vedette-envelope"]
    assert set(push["responses"]) == {"202", "400", "401", "403", "409", "413", "429", "503"}
    assert list(push["responses"]["401"]["content"]) == ["application/problem+json"]
    assert push["security"] == [{"machineSignature": []}]
    assert "machineSignature" in document["components"]["securitySchemes"]
    given = paths["/v1/commands/{command_id}/evidence"]["post"]
    assert list(given["requestBody"]["content"]) == ["application/vedette-evidence"]
    assert set(given["responses"]) == {
        "201",
        "400",
        "401",
        "403",
        "404",
        "409",
        "413",
        "429",
        "503",
    }
    poll = paths["/v1/commands"]["get"]["responses"]["400"]
    assert list(poll["content"]) == ["application/problem+json"]
    enrol = paths["/v1/enroll"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator.check_schema(enrol)
    assert set(enrol["required"]) == {"token_secret", "public_key", "host"}
    assert enrol["properties"]["host"]["properties"]["hostname"]["maxLength"] == 255


def test_every_operation_documents_the_status_and_type_of_its_answers() -> None:
    world = World()
    with world.client() as client:
        paths = client.get("/schema/openapi.json").json()["paths"]
        answers = [
            ("/v1/snapshots", "post", world.machine.push(client)),
            ("/v1/enroll", "post", world.machine.enroll(client)),
            ("/v1/commands", "get", world.machine.poll(client)),
            ("/v1/commands", "get", world.machine.poll(client, "x")),
            ("/v1/commands/{command_id}/result", "post", world.machine.tell(client, "c")),
            ("/v1/ca.pem", "get", client.get("/v1/ca.pem")),
        ]
    for path, method, answer in answers:
        told = paths[path][method]["responses"][str(answer.status_code)]
        assert answer.headers["content-type"].partition(";")[0] in told["content"]
