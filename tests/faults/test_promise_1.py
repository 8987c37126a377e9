"""Promise 1: nothing accepted is lost. Twenty rounds of kill -9 on each backend, under a load with everything in it."""

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.fixtures.postgres import PostgresServer, running_postgres
from tests.fixtures.rough_load import RoughHost, Tally
from tests.fixtures.service import Service, running_service

from vedette.core import HostId, TenantId, Unavailable, Verdict
from vedette.queue import DeadLetter, SqlQueue
from vedette.store import Store

pytestmark = pytest.mark.faults

TENANT = TenantId("default")
ROUNDS, HOSTS, BURST_SECONDS = 20, 5, 1.6
SETTINGS = "[detector]\nworkers = 2\nlease_seconds = 2.0\nbatch = 16\n[ingest]\nrate = 1000.0\n"
PROCESSES = ("api", "detector", "detector-1", "responder")
SEED = int(os.environ.get("VEDETTE_SEED", "0")) or random.SystemRandom().randrange(2**32)


@dataclass
class _Rounds:
    """One server that lives through all the rounds, and what was done to it."""

    service: Service
    store: Store
    queue: SqlQueue
    random: random.Random
    tally: Tally = field(default_factory=Tally)
    killed: Counter[str] = field(default_factory=Counter)
    database: tuple[PostgresServer, str] | None = None

    def kill_under_load(self, number: int, hosts: list[RoughHost]) -> None:
        """One burst of all hosts, and what is killed meanwhile: processes, in some rounds all or the database."""
        failed: list[BaseException] = []

        def burst(host: RoughHost) -> None:
            try:
                host.burst(BURST_SECONDS)
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                failed.append(error)

        threads = [threading.Thread(target=burst, args=(host,)) for host in hosts]
        for thread in threads:
            thread.start()
        until = time.monotonic() + BURST_SECONDS
        while True:
            time.sleep(self.random.uniform(0.1, 0.9))
            if time.monotonic() > until:
                break
            self._kill(number)
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def _kill(self, number: int) -> None:
        if number % 5 == 4:
            self.service.kill_tree()
            self.service.start()
            self.killed["the whole tree"] += 1
        elif self.database is not None and number % 5 == 2:
            server, name = self.database
            if number % 2:
                server.crash()
                self.killed["database"] += 1
            elif server.kill_backend(name):
                self.killed["database backend"] += 1
        else:
            name = self.random.choice(PROCESSES)
            if self.service.kill(name):
                self.killed[name] += 1

    def wait_until_judged(self, seconds: float = 60.0) -> None:
        """Returns when the queue is empty, or when the time is over: then the counts will say what lacks."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if not self.queue.depth() and self.store.ready():
                    return
            except Unavailable:
                # A database that was killed is on its way back.
                pass
            time.sleep(0.05)

    def verdicts(self) -> list[Verdict]:
        """All there are."""
        found: list[Verdict] = []
        after: str | None = None
        while True:
            page = self.store.verdicts.find(TENANT, limit=500, after=after)
            found += page.items
            after = page.next
            if after is None:
                return found

    def dead_letters(self) -> list[DeadLetter]:
        """All there are."""
        found: list[DeadLetter] = []
        while page := self.queue.dead_letters(limit=500, after=found[-1].id if found else None):
            found += page
        return found


def _unreadable(verdict: Verdict) -> bool:
    return any(reason.subject == "unreadable" for reason in verdict.reasons)


def _check(rounds: _Rounds, hosts: list[RoughHost]) -> None:
    """Promise 1 in full, over everything that was accepted so far."""
    accepted, verdicts = rounds.tally.accepted, rounds.verdicts()
    counted = Counter((verdict.host, verdict.seq) for verdict in verdicts)
    assert not set(accepted) - set(counted), "lost"
    assert not set(counted) - set(accepted), "a verdict on what never was accepted"
    assert set(counted.values()) == {1}, "doubled"
    for verdict in verdicts:
        one = accepted[verdict.host, verdict.seq]
        # In order per host: whatever had come out of its turn would be late, and what is late would not be.
        said = (verdict.input_digest, verdict.late, _unreadable(verdict))
        assert said == (one.digest, one.late, one.poison), (verdict.host, verdict.seq)
    dead = Counter((letter.identity.host, letter.identity.seq) for letter in rounds.dead_letters())
    assert dead == Counter(key for key, one in accepted.items() if one.poison)
    states = rounds.store.states.load(TENANT, [HostId(host.host) for host in hosts])
    for host in hosts:
        seqs = [seq for (owner, seq), one in accepted.items() if owner == host.host]
        usable = [seq for seq in seqs if not accepted[host.host, seq].poison]
        assert states[HostId(host.host)].last_seq == max(usable)
        assert sorted(seqs) == list(range(1, len(seqs) + 1))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def rounds(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[_Rounds]:
    """A server on this backend. PostgreSQL has a server of its own, which syncs as in production and may be killed."""
    if request.param == "sqlite":
        yield from _running(tmp_path, "", None)
        return
    with running_postgres(fsync=True) as server:
        name = server.create()
        yield from _running(tmp_path, server.url(name), (server, name))


def _running(
    folder: Path, url: str, database: tuple[PostgresServer, str] | None
) -> Iterator[_Rounds]:
    chance = random.Random(SEED)
    with (
        running_service(folder, store_url=url, queue_url=url, more=SETTINGS) as service,
        closing(service.store()) as store,
        closing(service.queue()) as queue,
    ):
        yield _Rounds(service, store, queue, chance, database=database)


def test_20_rounds_of_kill_9_lose_nothing_double_nothing_and_keep_order(
    rounds: _Rounds, request: pytest.FixtureRequest, figures: Callable[[str], None]
) -> None:
    senders = [rounds.service.sender(f"host-{number}") for number in range(HOSTS)]
    hosts = [RoughHost(one, SEED + index, rounds.tally) for index, one in enumerate(senders)]
    done = 0
    try:
        for number in range(ROUNDS):
            rounds.kill_under_load(number, hosts)
            rounds.wait_until_judged()
            _check(rounds, hosts)
            done += 1
    finally:
        tally, verdicts = rounds.tally, rounds.verdicts()
        keys = {(verdict.host, verdict.seq) for verdict in verdicts}
        kinds = Counter(
            "poison" if one.poison else "late" if one.late else "plain"
            for one in tally.accepted.values()
        )
        kills = ", ".join(f"{name} {count}" for name, count in sorted(rounds.killed.items()))
        figures(
            f"{request.node.callspec.id}: seed {SEED}, {done} rounds, {rounds.killed.total()} kills ({kills}); "
            f"accepted {len(tally.accepted)} ({dict(kinds)}), verdicts {len(verdicts)}, "
            f"sent again {tally.repeats}, conflicts refused {tally.conflicts}, "
            f"unanswered {tally.unanswered}, told to come later {tally.refused}; "
            f"lost {len(set(tally.accepted) - keys)}, doubled {len(verdicts) - len(keys)}"
        )
    assert rounds.killed.total() >= ROUNDS
    _would_have_noticed(rounds, hosts)


def _would_have_noticed(rounds: _Rounds, hosts: list[RoughHost]) -> None:
    """The check can fail: on one that got lost, and on one with another content than was accepted."""
    accepted = rounds.tally.accepted
    key, one = next(iter(accepted.items()))
    accepted[key[0], 1_000_000] = one
    with pytest.raises(AssertionError, match="lost"):
        _check(rounds, hosts)
    del accepted[key[0], 1_000_000]
    accepted[key] = replace(one, digest="another")
    with pytest.raises(AssertionError):
        _check(rounds, hosts)
    accepted[key] = one
