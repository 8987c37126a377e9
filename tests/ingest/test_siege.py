"""The door under siege, over real connections: strangers can't close it to enrolled hosts."""

import contextlib
import select
from collections.abc import Callable

import pytest
from tests.ingest.served import Served, serving
from tests.ingest.world import ENVELOPE, Machine, World

from vedette.ingest import IngestSettings
from vedette.seal import SigningKey

MIB = 1024 * 1024
COUNT = 300


def stranger(world: World, path: str, *, keyid: str | None = None) -> dict[str, str]:
    """Fresh signature fields of a key that nobody knows."""
    machine = Machine(world, "x")
    return machine.sign("POST", path, body=b"", keyid=keyid or machine.key.kid)


def one_address(_index: int) -> str:
    return "127.0.0.1"


def many_addresses(index: int) -> str:
    return f"127.0.{1 + index // 250}.{1 + index % 250}"


def settle(served: Served) -> None:
    """What was sent before is with the application: a request that came later has been answered."""
    with served.client() as client:
        client.get("/v1/ca.pem")


@pytest.mark.parametrize("source", [one_address, many_addresses])
@pytest.mark.parametrize("length", [16 * 1024, MIB])
def test_idle_enrolments_do_not_keep_a_host_from_pushing(
    source: Callable[[int], str], length: int
) -> None:
    world = World()
    with serving(world) as served, contextlib.ExitStack() as open_ones:
        for index in range(COUNT):
            headers = stranger(world, "/v1/enroll")
            open_ones.enter_context(
                served.send("/v1/enroll", headers, length=length, source=source(index))
            )
        settle(served)
        with served.client() as client:
            answers = [world.machine.push(client, world.machine.envelope(n)) for n in range(1, 11)]
    assert [answer.status_code for answer in answers] == [202] * 10


def test_enrolments_that_bring_bytes_and_stall_fill_only_their_own_bound() -> None:
    world = World(settings=IngestSettings(enrol_in_flight_bytes=64 * 1024, in_flight_bytes=MIB))
    with serving(world) as served, contextlib.ExitStack() as open_ones:
        for index in range(COUNT):
            headers = stranger(world, "/v1/enroll")
            connection = served.send(
                "/v1/enroll", headers, length=16_000, body=bytes(8000), source=many_addresses(index)
            )
            open_ones.enter_context(connection)
        settle(served)
        with served.client() as client:
            assert world.machine.push(client).status_code == 202


def test_one_address_has_few_enrolments_under_way_and_another_can_enrol() -> None:
    world = World(settings=IngestSettings(enrol_bodies_per_address=3))
    with serving(world) as served, contextlib.ExitStack() as open_ones:
        waiting = [
            open_ones.enter_context(
                served.send(
                    "/v1/enroll", stranger(world, "/v1/enroll"), length=100, source="127.0.0.9"
                )
            )
            for _ in range(10)
        ]
        refused = set(waiting[:0])
        while len(refused) < 7:
            readable, _, _ = select.select(set(waiting) - refused, [], [], 30.0)
            assert readable
            for connection in readable:
                assert "/problems/throttled" in served.answer(connection)
            refused |= set(readable)
        with served.client() as client:
            assert Machine(world, "y").enroll(client).status_code == 201


@pytest.mark.parametrize("path", ["/v1/snapshots", "/v1/commands/c-1/result"])
def test_no_body_is_awaited_of_who_has_not_signed_as_an_enrolled_host(path: str) -> None:
    world = World()
    revoked = world.enrolled("h-2", revoked_at=world.clock.now())
    forged = stranger(world, path, keyid=world.machine.key.kid)
    with serving(world) as served:
        for headers, kind in [
            ({}, "missing-signature"),
            (stranger(world, path), "unknown-signer"),
            (revoked.sign("POST", path), "revoked-host"),
            (forged, "bad-signature"),
        ]:
            with served.send(path, headers, length=MIB) as connection:
                assert f"/problems/{kind}" in served.answer(connection)


def test_one_host_that_stalls_does_not_keep_another_from_pushing() -> None:
    world = World(settings=IngestSettings(bodies_per_host=2, in_flight_bytes=64 * 1024))
    other = world.enrolled("h-2")
    with serving(world) as served, contextlib.ExitStack() as open_ones:
        for _ in range(10):
            headers = world.machine.sign("POST", "/v1/snapshots", body=b"x")
            connection = served.send("/v1/snapshots", headers, length=MIB, body=bytes(10_000))
            open_ones.enter_context(connection)
        settle(served)
        with served.client() as client:
            assert other.push(client).status_code == 202


def test_a_body_that_stalls_is_told_to_come_again_later() -> None:
    world = World(settings=IngestSettings(body_window_seconds=0.05))
    headers = world.machine.sign("POST", "/v1/snapshots", body=b"x")
    with serving(world) as served, served.send("/v1/snapshots", headers, length=100) as connection:
        answer = served.answer(connection)
    assert answer.startswith("HTTP/1.1 503 ")
    assert "/problems/slow-body" in answer
    assert "retry-after" in answer.lower()


def test_tokenless_callers_of_one_address_do_not_throttle_another() -> None:
    world = World(settings=IngestSettings(enrol_rate=0.01, enrol_burst=2))
    asked = Machine(world, "x")
    body = b'{"token_secret": "other"}'
    with serving(world) as served:
        kinds = []
        for _ in range(4):
            headers = asked.sign("POST", "/v1/enroll", body=body)
            with served.send(
                "/v1/enroll", headers, length=len(body), body=body, source="127.0.0.9"
            ) as connection:
                kinds.append(served.answer(connection).split(" ", 2)[1])
        with served.client() as client:
            assert Machine(world, "y").enroll(client).status_code == 201
    assert kinds == ["400", "400", "429", "429"]


SPELLINGS = ["/v1//snapshots", "/v1/snapshots/", "/v1/%73napshots", "/v1/snapshots%2F"]


@pytest.mark.parametrize("sent", SPELLINGS)
def test_a_path_that_was_rewritten_on_its_way_is_refused(sent: str) -> None:
    world = World()
    sealed = world.machine.envelope()
    with serving(world) as served:
        for signed, got in (("/v1/snapshots", sent), (sent, "/v1/snapshots")):
            headers = world.machine.sign("POST", signed, body=sealed) | {"Content-Type": ENVELOPE}
            with served.send(got, headers, length=len(sealed), body=sealed) as connection:
                answer = served.answer(connection)
            refused = "/problems/bad-signature" in answer or answer.startswith("HTTP/1.1 404 ")
            assert refused, answer
    assert world.appender.batches == []


@pytest.mark.parametrize("sent", SPELLINGS[:3])
def test_the_signature_is_over_the_raw_path_as_it_was_sent(sent: str) -> None:
    world = World()
    sealed = world.machine.envelope()
    headers = world.machine.sign("POST", sent, body=sealed) | {"Content-Type": ENVELOPE}
    with (
        serving(world) as served,
        served.send(sent, headers, length=len(sealed), body=sealed) as connection,
    ):
        assert served.answer(connection).startswith("HTTP/1.1 202 ")


def test_another_key_under_a_known_id_is_refused_before_its_body() -> None:
    world = World()
    headers = world.machine.sign("POST", "/v1/snapshots", key=SigningKey.generate())
    with serving(world) as served, served.send("/v1/snapshots", headers, length=MIB) as connection:
        assert "/problems/bad-signature" in served.answer(connection)
