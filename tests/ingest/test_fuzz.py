"""Rightly signed requests with any body at all: never a server error, never anything but a problem."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient
from tests.fuzz.alter import altered, as_json
from tests.ingest.world import ENVELOPE, RING, SECRET, World

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
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
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


def near_valid(world: World, path: str, random: Random) -> bytes:
    """What the route asks for, changed in one to four places."""
    good: dict[str, Any] = {
        "token_secret": SECRET,
        "public_key": world.machine.key.public.to_text(),
        "host": {
            "hostname": "web-1",
            "os": {"name": "Debian"},
            "boot_time": 1.5,
            "labels": {"a": "b"},
        },
        "agent_version": "0.1.0",
        "can_act": ["quarantine"],
    }
    if path.endswith("result"):
        good = {
            "command": "c-1",
            "state": "simulated",
            "at": "2026-01-01T00:00:00Z",
            "data": {"plan": []},
        }
    return as_json(json.dumps(good).encode(), random)


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(path=st.sampled_from(["/v1/enroll", "/v1/commands/c-1/result"]), seed=st.integers(0, 2**32))
def test_a_nearly_right_document_is_taken_or_refused_as_the_clients_mistake(
    served: tuple[World, TestClient[Litestar]], path: str, seed: int
) -> None:
    world, client = served
    body = near_valid(world, path, Random(seed))
    answer = client.post(path, content=body, headers=world.machine.sign("POST", path, body=body))
    if answer.status_code >= 300:
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.json()["detail"]) <= 1000


@settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32))
def test_a_nearly_right_signature_is_refused_and_nothing_is_appended(
    served: tuple[World, TestClient[Litestar]], seed: int
) -> None:
    world, client = served
    random = Random(seed)
    sealed = world.machine.envelope(1 + seed, kid=RING.current.kid)
    signed = world.machine.sign("POST", "/v1/snapshots", body=sealed)
    name = random.choice(sorted(signed))
    changed = str(altered(signed[name], random)).encode("ascii", "replace").decode()
    changed = "".join(letter for letter in changed if letter.isprintable()) or "x"
    before = len(world.appender.batches)
    answer = client.post(
        "/v1/snapshots",
        content=sealed,
        headers=signed | {name: changed, "Content-Type": ENVELOPE},
    )
    if changed.strip() == signed[name]:
        assert answer.status_code == 202
        return
    assert answer.status_code == 401, answer.text
    assert len(world.appender.batches) == before
