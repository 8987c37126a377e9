"""The API's description, and requests made up from it."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from litestar import Litestar
from litestar.testing import TestClient
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fixtures.console import console_of, kept_app_of, served, token_of
from tests.fixtures.history import History

from vedette.store import Role

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SCHEMA = "/v1/schema/openapi.json"


def test_every_operation_has_a_summary_a_tag_and_its_problems(client: TestClient[Litestar]) -> None:
    schema = client.get(SCHEMA).json()
    assert schema["openapi"].startswith("3.1")
    operations = [
        (f"{method} {path}", operation)
        for path, item in schema["paths"].items()
        for method, operation in item.items()
    ]
    assert len(operations) == 63
    for name, operation in operations:
        assert name.split()[1].startswith("/v1/"), "pages are not part of the API"
        assert operation["summary"], name
        assert operation["tags"], name
        for status in ("400", "401", "403", "503"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
    names = [operation["operationId"] for _, operation in operations]
    assert len(names) == len(set(names))


def test_every_body_has_the_fields_that_it_names_and_no_others(
    client: TestClient[Litestar],
) -> None:
    schema = client.get(SCHEMA).json()
    bodies = [
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
        for item in schema["paths"].values()
        for operation in item.values()
        if "requestBody" in operation
    ]
    assert len(bodies) == 29
    for name in bodies:
        assert schema["components"]["schemas"][name]["additionalProperties"] is False, name
    assert "additionalProperties" not in schema["components"]["schemas"]["Incident"]


@pytest.fixture
def server(history: History, tmp_path: Path) -> Iterator[str]:
    """The app over real HTTP."""
    with served(kept_app_of(console_of(history)), tmp_path) as url:
        yield url


@pytest.fixture
def api_schema(server: str, tmp_path: Path) -> BaseSchema:
    """The description as the server tells it."""
    return schemathesis.openapi.from_url(f"{server}{SCHEMA}", verify=str(tmp_path / "server.pem"))


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """One connection for all requests: to make one takes longer than to be answered."""
    with requests.Session() as made:
        yield made


@pytest.fixture
def token(history: History) -> str:
    """An administrator's, so that every operation is reached."""
    return token_of(history, Role.ADMIN, name="fuzz")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_made_up_requests_are_answered_as_described(
    api_schema: BaseSchema,
    mode: GenerationMode,
    server: str,
    session: requests.Session,
    token: str,
    tmp_path: Path,
) -> None:
    tried = 0
    for result in api_schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()

        @settings(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case[Any]) -> None:
            case.call_and_validate(
                base_url=server,
                session=session,
                headers={"authorization": f"Bearer {token}"},
                checks=CHECKS,
                verify=str(tmp_path / "server.pem"),
            )

        with suppress(Unsatisfiable):
            ask()
            tried += 1
    assert tried >= 20
