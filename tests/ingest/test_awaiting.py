"""Prefer: wait on a push: held back for the signed verdict, never for long, never in the way of what is accepted."""

import base64
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.world import World

from vedette.core import Identity, Severity, SystemClock, Unavailable, Waiter
from vedette.ingest import IngestSettings
from vedette.ingest.memory import MemoryWaits
from vedette.ingest.prefer import wait_of
from vedette.seal import read_header


def _waiting(most: float = 10.0, waiters: int = 10) -> World:
    settings = IngestSettings(verdict_wait=most, verdict_waiters=waiters, verdict_look_seconds=0.01)
    world = World(settings=settings, clock=SystemClock())
    # A signature of the second in which the door was made is taken for one of before.
    time.sleep(1.1)
    return world


def _fresh(world: World, seq: int = 1) -> bytes:
    return world.machine.envelope(seq, taken_at=world.clock.now())


def _identity(body: bytes) -> Identity:
    return read_header(body).identity


def test_the_answer_brings_the_verdict_that_was_signed_meanwhile() -> None:
    world = _waiting()
    body = _fresh(world)
    world.waits.rulings[_identity(body)] = b"signed"
    with world.client() as client:
        answer = world.machine.push(client, body, headers={"Prefer": "wait=5"})
    assert answer.status_code == 202
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert base64.b64decode(answer.json()["verdict"]) == b"signed"
    (asked,) = world.waits.asked
    (message,) = world.appender.batches[0]
    assert (asked.identity, asked.digest) == (message.identity, message.digest)
    assert asked.wish is None
    assert asked.until - message.received_at <= timedelta(seconds=5.5)


def test_when_the_time_is_over_the_answer_is_the_plain_one() -> None:
    world = _waiting(most=0.2)
    with world.client() as client:
        answer = world.machine.push(client, _fresh(world), headers={"Prefer": "wait=60"})
    assert (answer.status_code, answer.json()["verdict"]) == (202, "")
    assert "Preference-Applied" not in answer.headers
    assert world.door.awaiting._answers == {}
    assert world.waits.looks >= 2


@pytest.mark.parametrize("prefer", ["", "respond-async", "wait=0", "wait=-1", "wait=soon"])
def test_who_asks_for_no_wait_does_not_wait(prefer: str) -> None:
    world = _waiting()
    with world.client() as client:
        assert world.machine.push(client, _fresh(world), headers={"Prefer": prefer}).is_success
    assert world.waits.asked == []
    assert world.waits.looks == 0


def test_a_server_that_is_set_so_holds_nothing_back() -> None:
    world = _waiting(most=0.0)
    with world.client() as client:
        assert world.machine.push(client, _fresh(world), headers={"Prefer": "wait=5"}).is_success
    assert world.waits.asked == []


def test_what_the_host_would_do_itself_stands_in_the_signed_query() -> None:
    world = _waiting(most=0.1)
    body = _fresh(world)
    query = "self_quarantine=high&confirmed=false&lease=300"
    signed = world.machine.sign("POST", "/v1/snapshots", query, body)
    sent = {"Content-Type": "application/vedette-envelope", "Prefer": "wait=1"} | signed
    with world.client() as client:
        assert client.post(f"/v1/snapshots?{query}", content=body, headers=sent).is_success
        other = client.post("/v1/snapshots?self_quarantine=low", content=body, headers=sent)
    assert other.status_code == 401
    (asked,) = world.waits.asked
    assert asked.wish is not None
    assert (asked.wish.severity, asked.wish.confirmed, asked.wish.lease) == (
        Severity.HIGH,
        False,
        300.0,
    )


@pytest.mark.parametrize(
    "query",
    ["self_quarantine=awful", "self_quarantine=high&lease=1", "self_quarantine=low&lease=nan"],
)
def test_a_wish_that_cannot_be_is_refused_before_anything_is_kept(query: str) -> None:
    world = _waiting()
    body = _fresh(world)
    signed = world.machine.sign("POST", "/v1/snapshots", query, body)
    sent = {"Content-Type": "application/vedette-envelope", "Prefer": "wait=1"} | signed
    with world.client() as client:
        assert client.post(f"/v1/snapshots?{query}", content=body, headers=sent).status_code == 400
    assert world.appender.batches == []


def test_beyond_the_bound_nobody_waits_and_all_who_wait_share_their_looks() -> None:
    world = _waiting(most=1.0, waiters=3)
    bodies = [_fresh(world, seq) for seq in range(1, 7)]
    with world.client() as client, ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda body: world.machine.push(client, body, headers={"Prefer": "wait=1"}), bodies
            )
        )
    assert [one.status_code for one in answers] == [202] * 6
    assert len({one.identity for one in world.waits.asked}) == 3
    assert sum(len(batch) for batch in world.appender.batches) == 6


class _Broken(MemoryWaits):
    """Can't be reached at first, as a store may be."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals = 3

    def ask(self, waiters: Any, /) -> None:
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("the store is busy")
        super().ask(waiters)


def test_a_store_that_cannot_be_reached_costs_nobody_what_was_accepted() -> None:
    world = _waiting(most=2.0)
    broken = _Broken()
    world.door.awaiting._waits = broken
    body = _fresh(world)
    broken.rulings[_identity(body)] = b"signed"
    with world.client() as client:
        answer = world.machine.push(client, body, headers={"Prefer": "wait=2"})
    assert answer.status_code == 202
    assert base64.b64decode(answer.json()["verdict"]) == b"signed"
    assert broken.refusals == 0


def test_a_host_revoked_while_it_waits_is_accepted_and_told_nothing() -> None:
    world = _waiting(most=5.0)
    body = _fresh(world)

    class Revoking(MemoryWaits):
        def ask(self, waiters: Any, /) -> None:
            world.revoke(world.machine)
            super().ask(waiters)

    world.door.awaiting._waits = waits = Revoking()
    waits.rulings[_identity(body)] = b"signed"
    with world.client() as client:
        answer = world.machine.push(client, body, headers={"Prefer": "wait=5"})
    assert (answer.status_code, answer.json()["verdict"]) == (202, "")


def test_a_server_that_stops_lets_all_who_wait_go() -> None:
    world = _waiting(most=60.0)
    body = _fresh(world)
    answers = []
    with world.client() as client:
        pushed = threading.Thread(
            target=lambda: answers.append(
                world.machine.push(client, body, headers={"Prefer": "wait=60"})
            )
        )
        pushed.start()
        while not world.waits.asked:
            time.sleep(0.01)
        world.door.draining = True
        pushed.join(20)
    assert [(one.status_code, one.json()["verdict"]) for one in answers] == [(202, "")]


def test_the_same_snapshot_waits_once() -> None:
    world = _waiting(most=1.0)
    body = _fresh(world)
    with world.client() as client, ThreadPoolExecutor(2) as pool:
        pushes = [
            pool.submit(world.machine.push, client, body, headers={"Prefer": "wait=1"})
            for _ in range(2)
        ]
        assert {one.result().json()["duplicate"] for one in pushes} == {False, True}
    assert len([one for one in world.waits.asked if isinstance(one, Waiter)]) <= 2


@given(
    st.integers(0, 999_999_999),
    st.sampled_from(["wait={}", " Wait = {} ", 'wait="{}"', "a, wait={};b"]),
)
def test_the_seconds_of_a_preference_are_read(seconds: int, form: str) -> None:
    assert wait_of(form.format(seconds)) == seconds


@given(st.text())
def test_no_text_breaks_the_reading_of_preferences(text: str) -> None:
    assert wait_of(text) >= 0
    assert wait_of("x" * 1_000 + ",wait=3") == 0
