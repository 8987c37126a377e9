"""The server's wall clock is set while it runs: no host is kept out, and no signature is taken twice."""

from datetime import timedelta

import pytest
from httpx import Client, Response
from tests.ingest.world import START, World


def _again(client: Client, sent: dict[str, str], sealed: bytes) -> Response:
    headers = {"Content-Type": "application/vedette-envelope"} | sent
    return client.post("/v1/snapshots", content=sealed, headers=headers)


@pytest.mark.parametrize("hours", [-1, 1, -9000, 9000])
def test_hosts_are_let_in_at_once_after_the_clock_was_set(hours: int) -> None:
    world = World()
    with world.client() as client:
        assert world.machine.push(client).status_code == 202
        world.manual.step(world.clock.now() + timedelta(hours=hours))
        taken_at = world.clock.now()
        sealed = world.machine.envelope(2, taken_at=taken_at)
        assert world.machine.push(client, sealed).status_code == 202


def test_what_was_signed_before_the_start_stays_refused_after_a_step() -> None:
    world = World()
    world.manual.step(START - timedelta(hours=1))
    now = int(world.clock.now().timestamp())
    with world.client() as client:
        # Ten seconds have passed since the start.
        answers = [world.machine.push(client, created=now - age) for age in (10, 9)]
    assert [answer.status_code for answer in answers] == [401, 202]


def test_a_replay_is_refused_however_the_clock_was_set_in_between() -> None:
    world = World()
    sealed = world.machine.envelope()
    sent = world.machine.sign("POST", "/v1/snapshots", body=sealed)
    with world.client() as client:
        assert _again(client, sent, sealed).status_code == 202
        for hours in (500, -500):
            world.manual.step(world.clock.now() + timedelta(hours=hours))
            world.manual.advance(1)
            fresh = world.machine.envelope(2, taken_at=world.clock.now())
            assert world.machine.push(client, fresh).status_code in {202, 409}
        answer = _again(client, sent, sealed)
    assert answer.json()["type"] == "/problems/reused-nonce"
