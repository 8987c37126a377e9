"""The way into the spool and out of it: what goes in full after a loss, and what is numbered anew after a conflict."""

import random
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server
from tests.agent.test_sameness import look

from vedette.agent.outgoing import MAX_ENVELOPE, Outgoing
from vedette.agent.ship import Shipped
from vedette.agent.spool import Spool
from vedette.core import Epoch, Snapshot, decode_snapshot
from vedette.seal import open_envelope, read_header


def _drain(agent: Agent, most: int = 50) -> list[Shipped]:
    outcomes = []
    for _ in range(most):
        outcomes.append(agent.shipper.step()[0])
        if outcomes[-1] in {Shipped.IDLE, Shipped.KEPT}:
            break
    return outcomes


def _inside(agent: Agent, seen: Seen) -> Snapshot:
    header, body = open_envelope(seen.body, agent.ring)
    snapshot = decode_snapshot(body, header.content_type)
    assert header.matches(snapshot)
    return snapshot


def _rows(agent: Agent, outgoing: Outgoing | None = None) -> int:
    """Spools the same look once more; the seq it got."""
    epoch, seq = agent.journal.take_seq()
    taken = look()
    host = replace(taken.host, id=agent.enrolment.host)
    return (outgoing or agent.outgoing).add(epoch, replace(taken, host=host, seq=seq)).seq


class Taken:
    """A server that has these seqs of an epoch with other content."""

    def __init__(self, epoch: Epoch, seqs: range) -> None:
        self.epoch, self.seqs = epoch, seqs
        self.accepted: list[Seen] = []

    def __call__(self, seen: Seen) -> Reply:
        header = read_header(seen.body)
        if header.epoch == self.epoch and header.seq in self.seqs:
            return Reply(409, {"type": "/problems/identity-conflict"})
        self.accepted.append(seen)
        return Reply(202)


def test_what_waits_of_this_run_is_numbered_anew_in_its_order(agent: Agent, server: Server) -> None:
    (former,) = agent.fill(1)
    agent.fill(4, held=True)
    taken = Taken(former[0], range(1, 100))
    server.script = taken
    outcomes = _drain(agent)
    assert outcomes == [Shipped.DROPPED] + [Shipped.SENT] * 4 + [Shipped.IDLE]
    arrived = [read_header(seen.body) for seen in taken.accepted]
    assert [header.seq for header in arrived] == [1, 2, 3, 4]
    assert {header.epoch for header in arrived} == {agent.journal.epoch}
    assert agent.journal.epoch != former[0]
    assert [_inside(agent, seen).seq for seen in taken.accepted] == [1, 2, 3, 4]
    assert agent.health.report.conflicts == 1
    assert "enroll" in agent.health.report.last_error
    assert agent.outgoing.held == 0


def test_the_snapshot_in_conflict_goes_again_too(agent: Agent, server: Server) -> None:
    ((epoch, _),) = agent.fill(1, held=True)
    taken = Taken(epoch, range(1, 9))
    server.script = taken
    assert _drain(agent) == [Shipped.RENUMBERED, Shipped.SENT, Shipped.IDLE]
    assert len(taken.accepted) == 1
    assert "it goes again under a new epoch" in agent.health.report.last_error


def test_a_server_that_refuses_every_epoch_is_not_asked_without_end(
    agent: Agent, server: Server
) -> None:
    agent.fill(2, held=True)
    server.script = lambda _: Reply(409, {"type": "/problems/identity-conflict"})
    assert _drain(agent) == [
        Shipped.RENUMBERED,
        Shipped.DROPPED,
        Shipped.DROPPED,
        Shipped.IDLE,
    ]
    assert agent.health.report.conflicts == 3
    assert agent.outgoing.held == 0


def test_a_look_under_way_during_a_conflict_joins_the_new_epoch(
    agent: Agent, server: Server
) -> None:
    ((epoch, _),) = agent.fill(1, held=True)
    begun = agent.journal.take_seq()
    server.script = Taken(epoch, range(1, 9))
    assert agent.shipper.step()[0] is Shipped.RENUMBERED
    assert agent.outgoing.add(begun[0], look()).seq == 2
    assert [item.epoch for item in agent.spool.waiting()] == [agent.journal.epoch] * 2


def test_a_disk_that_fails_amid_a_conflict_costs_nothing(
    agent: Agent, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((epoch, _), *_rest) = agent.fill(3, held=True)
    taken = Taken(epoch, range(1, 9))
    server.script = taken
    put = Spool.put

    def failing(self: Spool, epoch: Epoch, seq: int, envelope: bytes) -> object:
        if seq == 2:
            raise OSError(5, "Input/output error")
        return put(self, epoch, seq, envelope)

    monkeypatch.setattr(Spool, "put", failing)
    with pytest.raises(OSError, match="Input/output"):
        agent.shipper.step()
    monkeypatch.setattr(Spool, "put", put)
    _drain(agent)
    assert len(taken.accepted) == 3
    assert agent.health.report.conflicts == 1


def test_bodies_in_memory_have_a_bound(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr("vedette.agent.outgoing._HELD_BYTES", 600)
    made = agent.fill(20, held=True)
    assert 0 < agent.outgoing.held < 20
    taken = Taken(made[0][0], range(1, 100))
    held = agent.outgoing.held
    server.script = taken
    outcomes = _drain(agent)
    assert outcomes.count(Shipped.DROPPED) == 20 - held
    assert len(taken.accepted) == held


@pytest.mark.parametrize("status", [202, 400])
def test_after_a_loss_all_tables_go_in_full(agent: Agent, server: Server, status: int) -> None:
    server.script = lambda _: Reply(status, {"type": "/problems/bad-envelope"})
    _rows(agent)
    _drain(agent)
    _rows(agent)
    _drain(agent)
    sent = [_inside(agent, seen) for seen in server.seen]
    assert not sent[0].same
    assert bool(sent[1].same) == (status == 202)


def test_what_a_full_spool_pushed_out_may_have_borne_a_table_in_full(
    agent: Agent, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "small", max_bytes=10**8, max_count=2)
    outgoing = Outgoing(agent.enrolment, agent.journal, spool, full_every=60)
    for _ in range(4):
        _rows(agent, outgoing)
    bodies = []
    while found := outgoing.head():
        header, body = open_envelope(found[1], agent.ring)
        bodies.append(decode_snapshot(body, header.content_type))
        outgoing.arrived(found[0])
    assert [body.seq for body in bodies] == [3, 4]
    assert bodies[0].same
    assert not bodies[1].same
    assert outgoing.held == 0


def test_tables_that_the_server_needs_go_in_full_with_the_next_look(
    agent: Agent, server: Server
) -> None:
    server.script = lambda _: Reply(202, {"needed": ["users", "no_such_table", 7]})
    for _ in range(3):
        _rows(agent)
        _drain(agent)
    sent = [_inside(agent, seen) for seen in server.seen]
    assert all("users" in one.tables for one in sent)
    assert all("hash" in one.same for one in sent[1:])
    server.script = lambda _: Reply(202, {"needed": "users"})
    _rows(agent)
    _drain(agent)
    _rows(agent)
    assert _drain(agent) == [Shipped.SENT, Shipped.IDLE]
    assert "users" in _inside(agent, server.seen[-1]).same


def _noise(agent: Agent, rows: int, letters: int = 3_990) -> Snapshot:
    """Spools a look at a crontab of so many long lines that no compression makes smaller; as it went."""
    chance = random.Random(rows)
    alphabet = [chr(code) for code in range(33, 127)]
    epoch, seq = agent.journal.take_seq()
    taken = look()
    noise = [{"command": "".join(chance.choices(alphabet, k=letters))} for _ in range(rows)]
    host = replace(taken.host, id=agent.enrolment.host)
    tables = taken.tables | {"crontab": noise}
    return agent.outgoing.add(epoch, replace(taken, host=host, seq=seq, tables=tables))


class Narrow:
    """A server that takes bodies of so many bytes, and may say so."""

    def __init__(self, most: int, *, told: bool) -> None:
        self.most = most
        self.accepted: list[Seen] = []
        self._problem = {"type": "/problems/too-large", "detail": "more than it takes"} | (
            {"max_bytes": most} if told else {}
        )

    def __call__(self, seen: Seen) -> Reply:
        if len(seen.body) > self.most:
            return Reply(413, self._problem)
        self.accepted.append(seen)
        return Reply(202)


def test_what_no_compression_makes_small_is_cut_until_the_server_takes_it(
    agent: Agent, server: Server
) -> None:
    went = _noise(agent, 2_900)
    assert went.unread["crontab"].startswith("cut: ")
    assert agent.outgoing.held == 0
    _noise(agent, 2_900)
    assert _drain(agent) == [Shipped.SENT] * 2 + [Shipped.IDLE]
    for seen in server.seen:
        assert len(seen.body) <= MAX_ENVELOPE
        inside = _inside(agent, seen)
        assert 0 < len(inside.tables["crontab"]) < 2_900
        # The server has not what a digest of the whole table would stand for.
        assert "crontab" not in inside.same
        assert set(inside.unread) == {"crontab"}
    assert len(server.seen[0].body) > MAX_ENVELOPE // 4


@pytest.mark.parametrize("told", [True, False])
def test_a_server_that_takes_less_teaches_it(agent: Agent, server: Server, *, told: bool) -> None:
    _noise(agent, 200)
    narrow = Narrow(150_000, told=told)
    server.script = narrow
    outcomes = _drain(agent)
    assert outcomes[-2:] == [Shipped.SENT, Shipped.IDLE]
    assert set(outcomes[:-2]) == {Shipped.CUT}
    assert len(outcomes[:-2]) == (1 if told else 2)
    assert agent.health.report.refused == 0
    assert "ingest.max_body_bytes" in agent.health.report.last_error
    asked = len(server.seen)
    went = _noise(agent, 200)
    assert _drain(agent) == [Shipped.SENT, Shipped.IDLE]
    assert len(server.seen) == asked + 1
    first, second = (_inside(agent, seen) for seen in narrow.accepted)
    assert "crontab" not in second.same
    assert first.unread.keys() == second.unread.keys() == went.unread.keys() == {"crontab"}
    assert (agent.spool.depth, agent.spool.size, agent.outgoing.held) == (0, 0, 0)


def test_what_is_too_large_and_only_exists_sealed_is_refused_and_the_next_fits(
    agent: Agent, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.agent.outgoing._HELD_BYTES", 0)
    _noise(agent, 200)
    server.script = Narrow(150_000, told=True)
    assert _drain(agent) == [Shipped.DROPPED, Shipped.IDLE]
    assert agent.health.report.refused == 1
    _noise(agent, 200)
    assert _drain(agent) == [Shipped.SENT, Shipped.IDLE]


@pytest.mark.parametrize("lie", [None, True, "150000", -1, 0, 10**9, 1.5])
def test_a_server_that_takes_nothing_is_not_asked_without_end(
    agent: Agent, server: Server, lie: object
) -> None:
    _noise(agent, 200)
    server.script = lambda _: Reply(413, {"type": "/problems/too-large", "max_bytes": lie})
    outcomes = _drain(agent)
    assert outcomes[-2:] == [Shipped.DROPPED, Shipped.IDLE]
    assert 1 <= outcomes.count(Shipped.CUT) <= 8
    assert agent.health.report.refused == 1
