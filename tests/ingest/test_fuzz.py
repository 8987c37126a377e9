"""Rightly signed requests with any body at all: never a server error, never anything but a problem."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from tests.ingest.world import ENVELOPE, World

from vedette.ingest import IngestSettings

json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
).map(lambda value: repr(value).replace("'", '"').encode(errors="replace"))
bodies = st.one_of(
    st.binary(max_size=200),
    json_like,
    st.binary(max_size=100).map(lambda junk: b"VE\x01\x00" + junk),
)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[World, TestClient[Litestar]]]:
    world = World(settings=IngestSettings(burst=10**6, enrol_burst=10**6))
    with world.client() as client:
        yield world, client


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.sampled_from(["/v1/snapshots", "/v1/enroll", "/v1/commands/c-1/result"]), body=bodies
)
def test_a_signed_request_with_any_body_is_refused_as_the_clients_mistake(
    served: tuple[World, TestClient[Litestar]], path: str, body: bytes
) -> None:
    world, client = served
    headers = world.machine.sign("POST", path, body=body) | {"Content-Type": ENVELOPE}
    answer = client.post(path, content=body, headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
