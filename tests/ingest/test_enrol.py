"""POST /v1/enroll: proof of possession, limited tokens, the same answer for the same key."""

import json
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from tests.ingest.world import RING, SECRET, Machine, World

from vedette.core import hash_secret
from vedette.ingest import IngestSettings
from vedette.seal import IngestPublicKey, SigningKey, VerifyKey


def test_an_agent_with_a_token_is_let_in_and_can_push() -> None:
    world = World()
    machine = Machine(world, "unknown-yet")
    with world.client() as client:
        answer = machine.enroll(client)
        assert answer.status_code == 201
        told = answer.json()
        machine.host = told["host_id"]
        assert machine.push(client).status_code == 202
    assert told["tenant"] == "default"
    assert IngestPublicKey.from_text(told["ingest_key"]) == RING.current.public
    VerifyKey.from_text(told["command_key"])
    assert told["interval"] == 60.0
    assert told["server_time"] == world.clock.now().timestamp()
    (asked,) = world.enrolments.asked
    assert asked.secret_hash == hash_secret(SECRET)
    assert asked.kid == machine.key.kid
    assert asked.description.labels == {"role": "web"}
    assert SECRET not in repr(asked)


def test_the_same_key_again_gets_the_same_answer_and_takes_no_use() -> None:
    world = World()
    machine = Machine(world, "x")
    with world.client() as client:
        first, second = machine.enroll(client), machine.enroll(client)
        assert first.json()["host_id"] == second.json()["host_id"]
        used_up = Machine(world, "y").enroll(client)
    assert (used_up.status_code, used_up.json()["type"]) == (403, "/problems/token-used-up")


@pytest.mark.parametrize(
    ("changes", "status", "kind"),
    [
        ({"token_secret": "other"}, 401, "unknown-token"),
        ({"token_secret": ""}, 400, "invalid-input"),
        ({"public_key": SigningKey.generate().public.to_text()}, 400, "bad-proof"),
        ({"public_key": "vvk1.AAAA"}, 400, "bad-key"),
        ({"host": {"hostname": ""}}, 400, "invalid-input"),
        ({"host": {"hostname": "h" * 256}}, 400, "invalid-input"),
        (
            {"host": {"hostname": "h", "labels": {str(i): "" for i in range(65)}}},
            400,
            "invalid-input",
        ),
        ({"host": None}, 400, "invalid-input"),
    ],
)
def test_an_enrolment_that_can_not_be_is_refused(
    changes: dict[str, Any], status: int, kind: str
) -> None:
    world = World()
    with world.client() as client:
        answer = Machine(world, "x").enroll(client, **changes)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")
    assert world.hosts.keys.keys() == {world.machine.key.kid}


def test_a_request_signed_by_another_key_proves_nothing() -> None:
    world = World()
    victim, thief = Machine(world, "x"), SigningKey.generate()
    body = json.dumps(
        {
            "token_secret": SECRET,
            "public_key": victim.key.public.to_text(),
            "host": {"hostname": "h"},
        }
    ).encode()
    with world.client() as client:
        headers = victim.sign("POST", "/v1/enroll", body=body, key=thief)
        answer = client.post("/v1/enroll", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/bad-signature")
    assert world.enrolments.asked == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 16_000, b'{"token_secret": 1}'])
def test_a_body_that_is_no_enrolment_is_refused(body: bytes) -> None:
    world = World()
    machine = Machine(world, "x")
    with world.client() as client:
        headers = machine.sign("POST", "/v1/enroll", body=body)
        answer = client.post("/v1/enroll", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-input")


def test_an_enrolment_over_its_small_bound_is_refused() -> None:
    world = World()
    labels = {str(index): "x" * 256 for index in range(64)}
    with world.client() as client:
        answer = Machine(world, "x").enroll(client, host={"hostname": "h", "labels": labels})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


def test_a_replayed_enrolment_is_refused() -> None:
    world = World()
    machine = Machine(world, "x")
    with world.client() as client:
        assert machine.enroll(client).status_code == 201
        machine.nonces -= 1
        answer = machine.enroll(client)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/reused-nonce")


def test_strangers_leave_nothing_in_the_memory_of_nonces() -> None:
    world = World(settings=IngestSettings(max_nonces=1))
    with world.client() as client:
        for _ in range(5):
            stranger = Machine(world, "x").enroll(client, token_secret="other")
            assert stranger.status_code == 401
        assert world.machine.push(client).status_code == 202


def test_enrolments_are_limited_for_each_address() -> None:
    world = World(settings=IngestSettings(enrol_rate=0.01, enrol_burst=2))

    def enroll(client: TestClient[Litestar]) -> int:
        return Machine(world, "x").enroll(client, token_secret="other").status_code

    with world.client() as client:
        assert [enroll(client) for _ in range(3)] == [401, 401, 429]
