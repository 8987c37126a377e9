"""POST /v1/snapshots: what is accepted, and every refusal with its problem type."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from tests.ingest.world import ENVELOPE, START, Machine, World

from vedette.core import digest
from vedette.ingest import Flow, IngestSettings, QuotaBounds
from vedette.seal import KeyRing, SigningKey, content_digest

Client = TestClient[Litestar]


def test_a_pushed_snapshot_is_appended_as_it_came_and_then_accepted() -> None:
    world = World()
    sealed = world.machine.envelope(7)
    with world.client() as client:
        answer = world.machine.push(client, sealed)
    assert answer.status_code == 202
    plain = {"accepted": True, "duplicate": False, "needed": [], "pace": 0.0, "verdict": ""}
    assert answer.json() == plain
    ((message,),) = world.appender.batches
    assert (message.body, message.digest, message.identity.seq) == (sealed, digest(sealed), 7)
    assert message.received_at == world.clock.now()
    assert message.lane == "default/h-1"


def test_the_same_snapshot_again_is_accepted_as_a_duplicate() -> None:
    world = World()
    sealed = world.machine.envelope()
    with world.client() as client:
        assert world.machine.push(client, sealed).json()["duplicate"] is False
        again = world.machine.push(client, sealed)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    assert world.audit.entries == []


def test_another_content_under_the_same_identity_is_a_conflict_and_audited() -> None:
    world = World()
    with world.client() as client:
        world.machine.push(client, world.machine.envelope(3, body=b"one"))
        answer = world.machine.push(client, world.machine.envelope(3, body=b"two"))
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/identity-conflict"
    (entry,) = world.audit.entries
    assert (entry.action, entry.actor, entry.subject) == ("snapshot.conflict", "host:h-1", "h-1")
    assert [one.seq for one in world.hosts.contested] == [3]
    assert entry.data["seq"] == 3


def test_the_answer_names_the_tables_that_are_needed_in_full() -> None:
    world = World()
    world.hosts.wanted[world.machine.host] = ("deb_packages", "users")
    with world.client() as client:
        assert world.machine.push(client).json()["needed"] == ["deb_packages", "users"]


def test_a_snapshot_taken_long_ago_is_accepted_with_a_fresh_signature() -> None:
    world = World()
    with world.client() as client:
        old = world.machine.envelope(taken_at=START - timedelta(days=30))
        assert world.machine.push(client, old).status_code == 202


def test_a_snapshot_of_a_clock_that_is_hours_ahead_is_accepted() -> None:
    world = World()
    with world.client() as client:
        ahead = world.machine.envelope(taken_at=START + timedelta(hours=23))
        assert world.machine.push(client, ahead).status_code == 202


def test_a_proxy_that_adds_headers_and_a_signature_of_its_own_does_not_disturb() -> None:
    world = World()
    sealed = world.machine.envelope()
    signed = world.machine.sign("POST", "/v1/snapshots", body=sealed)
    lines = [
        ("Content-Type", ENVELOPE),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Signature-Input", 'proxy=("@authority");created=1;keyid="p"'),
        ("Signature", "proxy=:AAAA:"),
        *signed.items(),
    ]
    with world.client() as client:
        answer = client.post("/v1/snapshots", content=sealed, headers=lines)
    assert answer.status_code == 202


Push = Callable[[Machine, Client], Response]


def _unsigned(_machine: Machine, client: Client) -> Response:
    return client.post("/v1/snapshots", content=b"x", headers={"Content-Type": ENVELOPE})


def _wrong_digest(machine: Machine, client: Client) -> Response:
    headers = machine.sign("POST", "/v1/snapshots", body=b"other")
    return client.post(
        "/v1/snapshots", content=machine.envelope(), headers=headers | {"Content-Type": ENVELOPE}
    )


def _digest_replaced(machine: Machine, client: Client) -> Response:
    sealed = machine.envelope()
    return machine.push(client, sealed, headers={"Content-Digest": content_digest(b"other")})


def _wrong_query(machine: Machine, client: Client) -> Response:
    sealed = machine.envelope()
    headers = machine.sign("POST", "/v1/snapshots", body=sealed) | {"Content-Type": ENVELOPE}
    return client.post("/v1/snapshots?a=1", content=sealed, headers=headers)


def _reused_nonce(machine: Machine, client: Client) -> Response:
    assert machine.push(client, machine.envelope(1), nonce="once").status_code == 202
    return machine.push(client, machine.envelope(2), nonce="once")


def _replayed(machine: Machine, client: Client) -> Response:
    sealed = machine.envelope()
    headers = machine.sign("POST", "/v1/snapshots", body=sealed) | {"Content-Type": ENVELOPE}
    assert client.post("/v1/snapshots", content=sealed, headers=headers).status_code == 202
    return client.post("/v1/snapshots", content=sealed, headers=headers)


def _created(offset: float) -> Push:
    def push(machine: Machine, client: Client) -> Response:
        created = int(machine.world.clock.now().timestamp() + offset)
        return machine.push(client, created=created)

    return push


def _expired(machine: Machine, client: Client) -> Response:
    signed = machine.sign("POST", "/v1/snapshots", body=b"x")
    inputs = f"{signed['Signature-Input']};expires=1"
    return machine.push(client, b"x", headers={"Signature-Input": inputs})


def _before_the_start(machine: Machine, client: Client) -> Response:
    return machine.push(client, created=int(START.timestamp()))


def _revoked(machine: Machine, client: Client) -> Response:
    return machine.world.enrolled("h-2", revoked_at=START).push(client)


def _of_another_host(machine: Machine, client: Client) -> Response:
    return machine.push(client, machine.world.enrolled("h-2").envelope())


def _oversized(machine: Machine, client: Client) -> Response:
    return machine.push(client, bytes(2001))


def _oversized_in_chunks(machine: Machine, client: Client) -> Response:
    signed = machine.sign("POST", "/v1/snapshots", body=bytes(4000))
    chunks = (bytes(1000) for _ in range(4))
    return client.post("/v1/snapshots", content=chunks, headers=signed | {"Content-Type": ENVELOPE})


def _bad_length(machine: Machine, client: Client) -> Response:
    return machine.push(client, headers={"Content-Length": "-1"})


def _overloaded(machine: Machine, client: Client) -> Response:
    machine.world.load.value = 1.0
    return machine.push(client)


def _too_often(machine: Machine, client: Client) -> Response:
    for seq in range(1, 6):
        assert machine.push(client, machine.envelope(seq)).status_code == 202
    return machine.push(client, machine.envelope(6))


REFUSALS: list[Any] = [
    pytest.param(_unsigned, 401, "missing-signature", id="unsigned"),
    pytest.param(
        lambda m, c: m.push(c, headers={"Signature": "vedette=:AAAA:"}),
        401,
        "bad-signature",
        id="short signature",
    ),
    pytest.param(
        lambda m, c: m.push(c, headers={"Signature-Input": "(" * 6000}),
        401,
        "bad-signature",
        id="deep signature header",
    ),
    pytest.param(
        lambda m, c: m.push(c, key=SigningKey.generate()), 401, "bad-signature", id="wrong key"
    ),
    pytest.param(_wrong_digest, 401, "bad-digest", id="wrong digest"),
    pytest.param(_digest_replaced, 401, "bad-signature", id="digest replaced"),
    pytest.param(_wrong_query, 401, "bad-signature", id="wrong query"),
    pytest.param(_reused_nonce, 401, "reused-nonce", id="reused nonce"),
    pytest.param(_replayed, 401, "reused-nonce", id="replayed"),
    pytest.param(_created(-301), 401, "stale-signature", id="signed too long ago"),
    pytest.param(_created(301), 401, "stale-signature", id="signed in the future"),
    pytest.param(_expired, 401, "stale-signature", id="expired"),
    pytest.param(_created(-3600), 401, "stale-signature", id="clock off by an hour"),
    pytest.param(_before_the_start, 401, "stale-signature", id="signed before the start"),
    pytest.param(
        lambda m, c: m.push(c, keyid="nobody"), 401, "unknown-signer", id="unknown signer"
    ),
    pytest.param(_revoked, 403, "revoked-host", id="revoked"),
    pytest.param(_of_another_host, 403, "header-mismatch", id="another host's header"),
    pytest.param(
        lambda m, c: m.push(c, m.envelope(tenant="other")),
        403,
        "header-mismatch",
        id="another tenant's header",
    ),
    pytest.param(
        lambda m, c: m.push(c, m.envelope(ring=KeyRing.generate())),
        400,
        "unknown-key",
        id="sealed to an unknown key",
    ),
    pytest.param(lambda m, c: m.push(c, b"not sealed"), 400, "bad-envelope", id="no envelope"),
    pytest.param(lambda m, c: m.push(c, b""), 400, "bad-envelope", id="empty"),
    pytest.param(
        lambda m, c: m.push(c, headers={"Content-Type": "text/plain"}),
        400,
        "bad-content-type",
        id="content type",
    ),
    pytest.param(
        lambda m, c: m.push(c, m.envelope(taken_at=START + timedelta(hours=25))),
        400,
        "bad-time",
        id="taken tomorrow",
    ),
    pytest.param(_bad_length, 400, "bad-content-length", id="content length"),
    pytest.param(_oversized, 413, "too-large", id="oversized"),
    pytest.param(_oversized_in_chunks, 413, "too-large", id="oversized in chunks"),
    pytest.param(_too_often, 429, "throttled", id="too often"),
    pytest.param(_overloaded, 503, "overloaded", id="queue under pressure"),
]


@pytest.mark.parametrize(("push", "status", "kind"), REFUSALS)
def test_a_refusal_is_a_problem_of_its_kind_and_nothing_is_stored(
    push: Push, status: int, kind: str
) -> None:
    world = World(settings=IngestSettings(max_body_bytes=2000, rate=0.001, burst=5))
    with world.client() as client:
        before = [message for batch in world.appender.batches for message in batch]
        answer = push(world.machine, client)
    assert before == []
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"/problems/{kind}"
    assert problem["status"] == status
    assert problem["title"]
    assert len(problem["detail"]) > 10
    assert problem.get("max_bytes") == (2000 if kind == "too-large" else None)
    if status == 401:
        assert problem["server_time"] == world.clock.now().timestamp()
        assert answer.headers["www-authenticate"] == "Signature"
    if status in {429, 503}:
        assert int(answer.headers["retry-after"]) >= 1
    if kind not in {"reused-nonce", "throttled"}:
        assert world.appender.batches == []


def test_a_forger_can_not_use_up_anothers_nonces() -> None:
    world = World()
    with world.client() as client:
        forged = world.machine.push(client, key=SigningKey.generate(), nonce="mine")
        assert forged.status_code == 401
        assert world.machine.push(client, nonce="mine").status_code == 202


def test_a_throttled_host_can_not_fill_the_memory_of_nonces() -> None:
    world = World(settings=IngestSettings(rate=0.001, burst=1, max_nonces=2))
    with world.client() as client:
        statuses = [
            world.machine.push(client, world.machine.envelope(seq)).status_code
            for seq in range(1, 6)
        ]
        assert statuses == [202, 429, 429, 429, 429]
        assert world.enrolled("h-2").push(client).status_code == 202


def test_a_throttled_host_is_let_in_again_after_the_time_it_was_told() -> None:
    world = World(settings=IngestSettings(rate=0.1, burst=1))
    with world.client() as client:
        assert world.machine.push(client, world.machine.envelope(1)).status_code == 202
        refused = world.machine.push(client, world.machine.envelope(2))
        assert refused.status_code == 429
        assert world.enrolled("h-2").push(client).status_code == 202
        world.manual.advance(float(refused.headers["retry-after"]))
        assert world.machine.push(client, world.machine.envelope(2)).status_code == 202


def test_the_wait_under_pressure_grows_and_is_bounded() -> None:
    world = World(settings=IngestSettings(retry_seconds=10, max_retry_seconds=100))
    with world.client() as client:
        world.load.value = 3.0
        waits = {int(world.machine.push(client).headers["retry-after"]) for _ in range(20)}
        world.load.value = 1e9
        longest = int(world.machine.push(client).headers["retry-after"])
    assert min(waits) >= 15
    assert max(waits) <= 45
    assert len(waits) > 1
    assert 50 <= longest <= 150


def test_bodies_over_what_memory_allows_at_once_are_sent_away() -> None:
    world = World(settings=IngestSettings(in_flight_bytes=1000))
    with world.client() as client:
        answer = world.machine.push(client)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


def test_a_port_that_fails_is_told_as_unavailable_without_its_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()

    def broken(_kids: object) -> NoReturn:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(world.hosts, "signers", broken)
    with world.client() as client:
        answer = world.machine.push(client)
    assert answer.status_code == 503
    assert "hunter2" not in answer.text


def test_old_snapshots_are_paced_and_one_that_comes_too_early_is_told_when_to_come() -> None:
    world = World(settings=IngestSettings(least_rate=0.1))
    old = START - timedelta(hours=2)
    with world.client() as client:
        answers = [
            world.machine.push(client, world.machine.envelope(seq, taken_at=old))
            for seq in (1, 2, 3)
        ]
    first, second, third = answers
    # A host that sends one an interval is live, whatever its clock says.
    assert (first.status_code, first.json()["pace"]) == (202, 0.0)
    assert (second.status_code, second.json()["pace"]) == (202, pytest.approx(10.0))
    assert (third.status_code, third.json()["type"]) == (429, "/problems/backlog")
    assert 10 <= int(third.headers["retry-after"]) <= 13
    behind = [message.behind for batch in world.appender.batches for message in batch]
    assert behind == [False, True]


def test_a_tenant_has_a_rate_of_its_own_over_all_its_hosts() -> None:
    world = World(settings=IngestSettings(tenant_rate=1.0, tenant_burst=2))
    hosts = [world.enrolled(f"many-{number}") for number in range(3)]
    with world.client() as client:
        answers = [host.push(client).status_code for host in hosts]
    assert answers == [202, 202, 429]


def test_an_overloaded_server_says_how_long_what_waits_will_take() -> None:
    world = World(settings=IngestSettings(retry_seconds=1.0, max_retry_seconds=600.0))
    world.load.value = 2.0
    world.load.flowing = Flow(depth=200, completed=2.0)
    with world.client() as client:
        answer = world.machine.push(client)
    assert answer.status_code == 503
    # A hundred over the bound, two a second: fifty seconds, and half of that either way.
    assert 25 <= int(answer.headers["retry-after"]) <= 76


def test_a_quota_says_what_is_used_up_and_when_it_renews() -> None:
    bounds = QuotaBounds(host_snapshots=2)
    world = World(settings=IngestSettings(quotas=bounds))
    with world.client() as client:
        world.manual.step(START + timedelta(hours=20))
        answers = [
            world.machine.push(client, world.machine.envelope(seq, taken_at=world.clock.now()))
            for seq in (1, 2, 3)
        ]
        told = answers[2].json()
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert told["type"] == "/problems/quota-exceeded"
        assert (told["quota"], told["used"], told["limit"]) == ("host_snapshots", 2, 2)
        assert told["renews_at"] == "2026-01-02T00:00:00Z"
        assert answers[2].headers["retry-after"] == str(4 * 3600)
        other = world.enrolled("h-2")
        assert other.push(client, other.envelope(1)).status_code == 202
        world.manual.step(START + timedelta(days=1))
        again = world.machine.push(client, world.machine.envelope(3, taken_at=world.clock.now()))
        assert again.status_code == 202
    assert [m.identity.seq for batch in world.appender.batches for m in batch] == [1, 2, 1, 3]
