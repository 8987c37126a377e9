"""What is remembered of the last snapshot saves work and changes nothing: neither what is said nor what is learned."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from tests.detect.scene import Tables, port, proc, scene, sock, tables

from vedette.core import Row, Snapshot
from vedette.detect import Case, View
from vedette.detect.behaviour import BehaviourExpert
from vedette.detect.behaviour.recent import Recent
from vedette.detect.inventory import InventoryExpert

_PROGRAMS = (
    ("bash", "/usr/bin/bash", "-bash", 1000),
    ("sh", "/usr/bin/dash", "sh -c id", 33),
    ("python3", "/usr/bin/python3.11", "python3 /opt/job/run.py", 998),
    ("x", "/tmp/.x/x", "/tmp/.x/x", 33),
    ("agent", "/opt/agent/agent", "/opt/agent/agent", 0),
    ("kworker/1:2", "", "", 0),
)


def churn(seed: int, count: int = 90) -> Iterator[tuple[Snapshot, bool]]:
    """A host on which things start, stop, talk, listen and get other parents, with an alarm now and then."""
    random = Random(seed)
    rows = tables()
    for seq in range(1, count + 1):
        rows = {name: [dict(row) for row in some] for name, some in rows.items()}
        for _ in range(random.randrange(3)):
            _happen(rows, random, seq)
        yield scene(seq, rows), random.random() < 0.2


def _happen(rows: Tables, random: Random, seq: int) -> None:
    running = rows["processes"]
    pids: list[Any] = [row["pid"] for row in running]
    kind = random.randrange(8)
    if kind < 2:
        name, path, command, uid = random.choice(_PROGRAMS)
        parent = random.choice([1, 1, random.choice(pids), 4_000])
        pid = random.choice([1_000 + seq, 900 + random.randrange(20)])
        if pid not in pids:
            running.append(proc(pid, parent, name, path, command, uid, start_time=seq))
    elif kind == 2:
        running[:] = [row for row in running if row["pid"] == 1 or random.random() > 0.1]
    elif kind == 3:
        random.choice(running)["parent"] = random.choice(pids)
    elif kind < 6:
        _talk(rows["process_open_sockets"], random, pids)
    elif kind == 6:
        rows["listening_ports"].append(port(random.choice(pids), random.choice([80, 8080, 40_001])))
    else:
        rows["users"][1]["shell"] = random.choice(["/usr/sbin/nologin", "/bin/bash"])


def _talk(sockets: list[Row], random: Random, pids: list[Any]) -> None:
    if random.random() < 0.3:
        sockets[:] = [row for row in sockets if random.random() > 0.3]
    address, far = random.choice(["10.0.0.9", "198.51.100.7"]), random.choice([443, 6379, 4444])
    local = random.choice([80, 22, random.randrange(40_000, 60_000)])
    sockets.append(
        sock(random.choice(pids), address, far, local, random.choice(["ESTABLISHED", "LISTEN"]))
    )


def play(
    expert: Any, life: list[tuple[Snapshot, bool]], *, forget: Any
) -> tuple[list[tuple[Case, ...]], Any]:
    state, told = expert.fresh(), []
    for count, (snapshot, alarm) in enumerate(life):
        view = View(snapshot=snapshot, count=count, seen=frozenset(snapshot.tables))
        forget(state)
        told += expert.judge([view], [state])
        (state,) = expert.learn([view], [state], [alarm])
        state = expert.load(expert.dump(state))
    return told, state


def _forget_rows(state: Any) -> None:
    state.recent = Recent()


def _forget_listeners(state: Any) -> None:
    state.listeners = 0


def _forget_nothing(_: Any) -> None:
    return


@pytest.mark.no_cover
@pytest.mark.parametrize("seed", range(12))
def test_processes_that_are_not_read_again_would_have_said_and_taught_the_same(seed: int) -> None:
    life = list(churn(seed))
    told, state = play(BehaviourExpert(), life, forget=_forget_nothing)
    straight, whole = play(BehaviourExpert(), life, forget=_forget_rows)
    assert told == straight
    assert any(case.nats > 0 for cases in told for case in cases)
    for shelf in ("shapes", "contacts", "programs"):
        assert set(getattr(state, shelf)) == set(getattr(whole, shelf))
    for name in ("marks", "unlearned", "residents", "crowds", "locked"):
        assert getattr(state, name) == getattr(whole, name)


def test_most_processes_are_not_read_again() -> None:
    expert, life = BehaviourExpert(), [scene(seq, tables()) for seq in range(1, 6)]
    state = expert.fresh()
    for count, snapshot in enumerate(life):
        view = View(snapshot=snapshot, count=count, seen=frozenset(snapshot.tables))
        read = expert.look(view, state).scope.read
        (state,) = expert.learn([view], [state], [False])
        assert bool(read) is (count == 0)


@pytest.mark.parametrize("seed", range(4))
def test_ports_that_are_not_read_again_would_have_said_and_taught_the_same(seed: int) -> None:
    life = list(churn(seed))
    told, state = play(InventoryExpert(), life, forget=_forget_nothing)
    straight, whole = play(InventoryExpert(), life, forget=_forget_listeners)
    assert told == straight
    assert state.open == whole.open
    assert state.prints() == whole.prints()
