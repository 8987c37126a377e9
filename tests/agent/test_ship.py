"""Shipping to a real TLS server: order, clocks, back-pressure, conflicts, cuts, trust."""

import random
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server

from vedette.agent.backoff import Backoff, retry_after
from vedette.agent.health import Health
from vedette.agent.ship import Shipped
from vedette.core import ManualClock, decode_snapshot
from vedette.seal import Authority, open_envelope, read_header

CONFLICT = Reply(409, {"type": "/problems/identity-conflict"})


def _drain(agent: Agent, most: int = 50) -> list[Shipped]:
    outcomes = []
    for _ in range(most):
        outcomes.append(agent.shipper.step()[0])
        if outcomes[-1] is Shipped.IDLE:
            break
    return outcomes


def test_snapshots_arrive_in_order_signed_sealed_and_only_once(
    agent: Agent, server: Server
) -> None:
    made = agent.fill(5)
    assert _drain(agent) == [Shipped.SENT] * 5 + [Shipped.IDLE]
    arrived = [(read_header(seen.body).epoch, read_header(seen.body).seq) for seen in server.seen]
    assert arrived == made
    nonces = set()
    for seen in server.seen:
        seen.verify(agent.key.public)
        nonces.add(seen.signature.nonce)
        assert seen.signature.keyid == agent.key.kid
        assert seen.headers["Content-Type"] == "application/vedette-envelope"
        header, body = open_envelope(seen.body, agent.ring)
        assert header.matches(decode_snapshot(body, header.content_type))
    assert len(nonces) == 5
    assert agent.spool.depth == 0
    assert agent.health.report.shipped == 5


def test_a_clock_that_is_off_is_corrected_and_remembered(agent: Agent, server: Server) -> None:
    theirs = agent.clock.now().timestamp() + 3600.0

    def script(seen: Seen) -> Reply:
        if abs(seen.signature.created - theirs) > 300:
            return Reply(401, {"type": "/problems/stale-signature", "server_time": theirs})
        return Reply(202)

    server.script = script
    agent.fill(2)
    assert agent.shipper.step()[0] is Shipped.SENT
    assert agent.journal.offset == pytest.approx(3600.0)
    assert agent.shipper.step()[0] is Shipped.SENT
    assert len(server.seen) == 3
    assert len({seen.signature.nonce for seen in server.seen}) == 3


def test_a_401_that_stays_keeps_the_snapshot_and_backs_off(agent: Agent, server: Server) -> None:
    server.script = lambda _: Reply(401, {"server_time": agent.clock.now().timestamp()})
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT
    assert len(server.seen) == 2
    assert agent.spool.depth == 1


@pytest.mark.parametrize(
    "lie", [None, True, "soon", float("1e999"), [1], 1e15, -1e12, pytest.param(10**400, id="huge")]
)
def test_a_senseless_server_time_changes_nothing(agent: Agent, server: Server, lie: object) -> None:
    server.script = lambda _: Reply(401, {"server_time": lie})
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT
    assert agent.journal.offset == 0.0
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_back_pressure_is_honoured_and_nothing_is_lost(
    agent: Agent, server: Server, status: int
) -> None:
    server.script = lambda _: Reply(status, headers={"Retry-After": "17"})
    agent.fill(2)
    outcome, wait = agent.shipper.step()
    assert outcome is Shipped.KEPT
    assert 17.0 <= wait <= 18.0
    server.script = lambda _: Reply(202)
    assert _drain(agent) == [Shipped.SENT] * 2 + [Shipped.IDLE]


def test_a_conflict_drops_that_one_tells_and_begins_a_new_epoch(
    agent: Agent, server: Server
) -> None:
    made = agent.fill(2)
    server.script = lambda seen: CONFLICT if read_header(seen.body).seq == 1 else Reply(202)
    assert _drain(agent) == [Shipped.DROPPED, Shipped.SENT, Shipped.IDLE]
    assert agent.health.report.conflicts == 1
    assert "copied or restored" in agent.health.report.last_error
    assert agent.journal.epoch != made[0][0]
    assert agent.fill(1)[0][1] == 1


def test_conflicts_of_one_old_epoch_begin_one_new_epoch_only(agent: Agent, server: Server) -> None:
    agent.fill(3)
    server.script = lambda _: CONFLICT
    agent.shipper.step()
    renewed = agent.journal.epoch
    _drain(agent)
    assert agent.journal.epoch == renewed
    assert agent.health.report.conflicts == 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad-content-type"),
        (400, "bad-envelope"),
        (400, "bad-identity"),
        (400, "bad-time"),
        (403, "header-mismatch"),
        (413, "too-large"),
    ],
)
def test_what_the_server_will_never_take_is_dropped_and_counted(
    agent: Agent, server: Server, status: int, kind: str
) -> None:
    server.script = lambda _: Reply(
        status, {"type": f"/problems/{kind}", "detail": "no, and never"}
    )
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.DROPPED
    assert agent.spool.depth == 0
    assert agent.health.report.refused == 1
    assert "no, and never" in agent.health.report.last_error


@pytest.mark.parametrize("status", [301, 403, 404, 500, 502])
def test_what_may_pass_keeps_the_snapshot(agent: Agent, server: Server, status: int) -> None:
    server.script = lambda _: Reply(
        status, headers={"Location": "https://localhost:1/"}, raw=b"<html>"
    )
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT
    assert agent.spool.depth == 1


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
@pytest.mark.parametrize(
    "reply",
    [
        {"raw": b"<html><h1>Request Entity Too Large</h1></html>"},
        {"raw": b""},
        {"fields": {"type": "https://proxy.example/problems/too-large", "title": "no"}},
        {"fields": {"type": ["/problems/too-large"]}},
    ],
)
def test_an_answer_that_is_not_the_servers_costs_nothing(
    agent: Agent, server: Server, status: int, reply: dict[str, Any]
) -> None:
    server.script = lambda _: Reply(status, **reply)
    agent.fill(3)
    assert [agent.shipper.step()[0] for _ in range(3)] == [Shipped.KEPT] * 3
    assert agent.spool.depth == 3
    report = agent.health.report
    assert (report.refused, report.conflicts) == (0, 0)
    assert f"{status}" in report.last_error
    assert "something in between gave it" in report.last_error
    server.script = lambda _: Reply(202)
    assert _drain(agent) == [Shipped.SENT] * 3 + [Shipped.IDLE]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "incomplete-body"), (400, "bad-request"), (400, "invalid-input"), (400, "of-later")],
)
def test_a_problem_that_says_nothing_of_the_snapshot_keeps_it(
    agent: Agent, server: Server, status: int, kind: str
) -> None:
    server.script = lambda _: Reply(status, {"type": f"/problems/{kind}", "detail": "odd"})
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT
    assert agent.health.report.last_error == f"{status} odd"


def test_a_server_that_lost_its_keys_costs_no_snapshot(agent: Agent, server: Server) -> None:
    agent.fill(3)
    server.script = lambda _: Reply(
        400, {"type": "/problems/unknown-key", "detail": "sealed to a key that is not known"}
    )
    outcome, wait = agent.shipper.step()
    assert outcome is Shipped.KEPT
    assert 150.0 <= wait <= 300.0
    assert (agent.spool.depth, agent.health.report.refused) == (3, 0)
    assert "Restore the server's keys" in agent.health.report.last_error
    server.script = lambda _: Reply(202)
    assert _drain(agent) == [Shipped.SENT] * 3 + [Shipped.IDLE]


def test_a_revoked_host_keeps_its_spool_slows_down_and_says_so(
    agent: Agent, server: Server
) -> None:
    agent.fill(3)
    server.script = lambda _: Reply(
        403, {"type": "/problems/revoked-host", "detail": "this host's key was revoked"}
    )
    outcome, wait = agent.shipper.step()
    assert outcome is Shipped.KEPT
    assert 150.0 <= wait <= 300.0
    assert agent.spool.depth == 3
    assert "revoked this host: snapshots stay in the spool" in agent.health.report.last_error
    server.script = lambda _: Reply(202)
    assert _drain(agent) == [Shipped.SENT] * 3 + [Shipped.IDLE]


def test_a_server_that_is_away_loses_nothing(agent: Agent, server: Server) -> None:
    made = agent.fill(3)
    server.stop()
    waits = [agent.shipper.step() for _ in range(5)]
    assert {outcome for outcome, _ in waits} == {Shipped.KEPT}
    assert "localhost" in agent.health.report.last_error
    server.start()
    assert _drain(agent) == [Shipped.SENT] * 3 + [Shipped.IDLE]
    assert [read_header(seen.body).seq for seen in server.seen] == [seq for _, seq in made]


def test_an_endless_answer_is_not_read_to_its_end(agent: Agent, server: Server) -> None:
    server.script = lambda _: Reply(202, raw=b"x" * (5 * 1024 * 1024))
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT


def test_a_server_of_another_authority_gets_nothing(tmp_path: Path, server: Server) -> None:
    other = Authority.create(tmp_path / "other", ["localhost"])
    agent = Agent(tmp_path / "wary", server, ca_pem=other.ca_pem)
    agent.fill(1)
    assert agent.shipper.step()[0] is Shipped.KEPT
    assert "CERTIFICATE_VERIFY_FAILED" in agent.health.report.last_error
    assert server.seen == []
    agent.close()


def test_the_shipping_thread_sleeps_until_woken_and_stops(agent: Agent, server: Server) -> None:
    stop, wake, arrived = threading.Event(), threading.Event(), threading.Event()

    def script(_: Seen) -> Reply:
        arrived.set()
        return Reply(202)

    server.script = script
    thread = threading.Thread(target=agent.shipper.run, args=(stop, wake))
    thread.start()
    agent.fill(1)
    wake.set()
    assert arrived.wait(10)
    stop.set()
    wake.set()
    thread.join(10)
    assert not thread.is_alive()
    assert Health.read(agent.state).shipped == agent.health.report.shipped


def test_draining_gives_up_at_the_first_failure(agent: Agent, server: Server) -> None:
    agent.fill(3)
    server.script = lambda seen: Reply(202 if read_header(seen.body).seq == 1 else 503)
    agent.shipper.drain(5.0)
    assert agent.spool.depth == 2
    assert len(server.seen) == 2


@given(st.integers(0, 2**32), st.lists(st.booleans(), max_size=60))
def test_backoff_stays_between_zero_and_its_cap(seed: int, failures: list[bool]) -> None:
    backoff = Backoff(random.Random(seed), base=1.0, cap=30.0)
    in_row = 0
    for failed in failures:
        if failed:
            assert 0.0 <= backoff.fail() <= min(30.0, 2.0**in_row)
            in_row += 1
        else:
            backoff.succeed()
            in_row = 0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("12", 12.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("99999", 3600.0),
        ("nan", None),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_in_both_its_forms(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))) == seconds


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 0.0), (2.5, 2.5), (1e6, 600.0)])
def test_the_pace_that_the_server_asks_for_is_kept(
    agent: Agent, server: Server, asked: float, waited: float
) -> None:
    server.script = lambda _: Reply(202, {"needed": [], "pace": asked})
    agent.fill(1)
    assert agent.shipper.step() == (Shipped.SENT, waited)


@pytest.mark.parametrize("lie", [None, True, "soon", -3, float("1e999"), [1]])
def test_a_senseless_pace_is_none(agent: Agent, server: Server, lie: object) -> None:
    server.script = lambda _: Reply(202, {"needed": [], "pace": lie})
    agent.fill(1)
    assert agent.shipper.step() == (Shipped.SENT, 0.0)


def test_an_agent_that_stops_does_not_wait_for_its_turn(agent: Agent, server: Server) -> None:
    server.script = lambda _: Reply(202, {"needed": [], "pace": 30.0})
    agent.fill(3)
    agent.shipper.drain(5.0)
    assert len(server.seen) == 1
    assert agent.spool.depth == 2


def test_one_whose_turn_has_not_come_keeps_its_snapshot_as_long_as_asked(
    agent: Agent, server: Server
) -> None:
    server.script = lambda _: Reply(
        429, {"type": "/problems/backlog", "detail": "not yet"}, {"Retry-After": "7"}
    )
    agent.fill(1)
    outcome, wait = agent.shipper.step()
    assert outcome is Shipped.KEPT
    assert wait >= 7.0
    assert agent.spool.depth == 1
    assert "not yet" in agent.health.report.last_error
