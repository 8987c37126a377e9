"""A responder that is killed in the middle of isolating or releasing an instance: what its rows say is enough to end it right."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.aws import moto_server
from tests.fixtures.failing_proxy import Asked, Break
from tests.respond.ec2_world import LEASE, Cloud, cloud, isolate, operation
from tests.respond.world import TENANT, StoreWorld

from vedette.core import Action, ActionState

pytestmark = pytest.mark.faults
S = ActionState
ROOT = Path(__file__).parents[2]


class Scene:
    """A store, a cloud, and workers that come and go."""

    def __init__(self, directory: Path, made: Cloud) -> None:
        self.world = StoreWorld(directory)
        self.file = directory / "store.sqlite"
        self.cloud = made
        self.action = isolate()
        self.world.propose(self.action)

    def stands(self) -> Action:
        return self.world.ports.actions.get(TENANT, self.action.id)

    def work(self, seconds: float) -> None:
        assert self._start(seconds).wait(timeout=120) == 0

    def work_and_die(self, seconds: float, name: str, count: int, *, after: bool) -> None:
        """A worker that is killed at its `count`th call of this operation, before or after it was carried out."""
        worker = self._start(seconds)
        left = count

        def kill(asked: Asked) -> Break | None:
            nonlocal left
            left -= operation(asked) == name
            if left or operation(asked) != name:
                return None
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait(timeout=30)
            left = -1
            return Break(0, after=after)

        self.cloud.proxy.breaks = kill
        assert worker.wait(timeout=120) == -signal.SIGKILL
        self.cloud.proxy.breaks = lambda _: None

    def _start(self, seconds: float) -> "subprocess.Popen[bytes]":
        given = [str(self.file), self.cloud.proxy.url, self.cloud.instance, str(seconds)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.faults.cloud_worker", *given],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        )


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def scene(upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with cloud(upstream) as made:
        given = Scene(tmp_path, made)
        yield given
        given.world.store.close()


IN_THE_MIDDLE = [
    ("CreateSecurityGroup", 1, True),
    ("CreateTags", 1, False),
    ("CreateTags", 1, True),
    ("ModifyNetworkInterfaceAttribute", 1, True),
    ("ModifyNetworkInterfaceAttribute", 2, False),
    ("ModifyNetworkInterfaceAttribute", 2, True),
]


@pytest.mark.parametrize(("name", "count", "after"), IN_THE_MIDDLE)
def test_killed_while_isolating_it_goes_on_and_later_restores_exactly(
    scene: Scene, name: str, count: int, *, after: bool
) -> None:
    scene.work_and_die(0, name, count, after=after)
    assert scene.stands().state is S.DISPATCHED
    scene.work(60)
    assert scene.stands().state is S.VERIFIED
    assert all(len(groups) == 1 for groups in scene.cloud.groups().values())
    scene.work(60 + LEASE + 60)
    assert scene.stands().state is S.RELEASED
    assert scene.cloud.groups() == scene.cloud.before
    assert scene.cloud.tags() == {}


@pytest.mark.parametrize(("name", "count", "after"), IN_THE_MIDDLE)
def test_killed_while_isolating_and_back_too_late_it_takes_back_what_it_did(
    scene: Scene, name: str, count: int, *, after: bool
) -> None:
    scene.work_and_die(0, name, count, after=after)
    scene.work(3600)
    assert scene.stands().state is S.FAILED
    assert scene.cloud.groups() == scene.cloud.before
    assert scene.cloud.tags() == {}


@pytest.mark.parametrize(
    ("name", "count", "after"),
    [
        ("ModifyNetworkInterfaceAttribute", 1, False),
        ("ModifyNetworkInterfaceAttribute", 1, True),
        ("DeleteTags", 1, False),
        ("DeleteTags", 2, True),
    ],
)
def test_killed_while_releasing_it_goes_on_releasing(
    scene: Scene, name: str, count: int, *, after: bool
) -> None:
    scene.work(0)
    assert scene.stands().state is S.VERIFIED
    scene.work_and_die(LEASE + 1, name, count, after=after)
    assert scene.stands().state is S.VERIFIED
    scene.work(LEASE + 60)
    assert scene.stands().state is S.RELEASED
    assert scene.cloud.groups() == scene.cloud.before
    assert scene.cloud.tags() == {}
