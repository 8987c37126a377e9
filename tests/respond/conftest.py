"""The worlds that responder tests run in, and a mail server."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis.internal.cache import LRUCache
from hypothesis.internal.conjecture import providers
from hypothesis.internal.conjecture.engine import ConjectureRunner
from hypothesis.internal.constants_ast import Constants
from tests.fixtures.aws import moto_server
from tests.respond import cluster_world
from tests.respond.ec2_world import Cloud, Play, cloud
from tests.respond.smtp_server import MailBox
from tests.respond.world import MemoryWorld, StoreWorld, World


@pytest.fixture
def fresh_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run of a state machine is a new one.

    Hypothesis follows each by five that repeat parts of it. There is no setting for that, and of so few runs, each of which is long,
    it leaves a sixth: faults were then found after 200 or not at all that 30 new ones find. Nor does it draw from the numbers and texts
    of whichever modules the tests before have loaded: the same runs would be others in another order of tests.
    """
    monkeypatch.setattr(ConjectureRunner, "generate_mutations_from", lambda *_: None)
    monkeypatch.setattr(providers, "_get_local_constants", Constants)
    monkeypatch.setattr(providers, "CONSTANTS_CACHE", LRUCache(1024))


@pytest.fixture(params=["memory", "sqlite"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
        return
    made = StoreWorld(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[MailBox]:
    with MailBox(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def made(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """EC2 with one instance and nothing of an earlier test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    httpx.post(f"{moto}/moto-api/reset").raise_for_status()
    with cloud(moto) as given:
        yield given


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoreWorld]:
    made = StoreWorld(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def play(stored: StoreWorld, made: Cloud) -> Play:
    """A responder over a real store, and EC2."""
    return Play(stored, made)


@pytest.fixture
def kube(stored: StoreWorld, tmp_path: Path) -> Iterator[cluster_world.Play]:
    """A responder over a real store, and a cluster."""
    with cluster_world.cluster(tmp_path) as scene:
        yield cluster_world.Play(stored, scene)
