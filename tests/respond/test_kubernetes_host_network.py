"""Pods in their node's network: no network policy holds for them, so they are never called isolated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.failing_proxy import Asked
from tests.respond.cluster_world import LEASE, WEB, Play, cluster, lease
from tests.respond.world import StoreWorld

from vedette.core import ActionState

S = ActionState


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    world = StoreWorld(tmp_path)
    with cluster(tmp_path) as scene:
        yield Play(world, scene)
    world.store.close()


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_workload_in_its_nodes_network_is_refused_before_anything_is_made(
    play: Play, dry_run: bool
) -> None:
    play.scene.api.patch(WEB, {"spec": {"template": {"spec": {"hostNetwork": True}}}})
    given = play.propose(lease("isolate", dry_run=dry_run))
    assert given.state is S.FAILED
    assert "pods of deployment shop/web are in their node's network (hostNetwork)" in given.detail
    assert play.scene.changes() == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_pods_in_their_nodes_network_are_named_and_nothing_is_made(
    play: Play, dry_run: bool
) -> None:
    play.scene.pod("web-9", on_host=True, app="web")
    given = play.propose(lease("isolate", dry_run=dry_run))
    assert given.state is S.FAILED
    assert "and network policies do not hold for these: web-9" in given.detail
    assert play.scene.changes() == []


def test_of_a_whole_namespace_any_pod_in_its_nodes_network_counts_unless_it_runs_no_more(
    play: Play,
) -> None:
    whole = {"whole_namespace": True}
    play.scene.pod("job-0", on_host=True, phase="Succeeded", app="job")
    play.scene.pod("job-1", on_host=True, phase="Failed", app="job")
    given = play.propose(lease("isolate", parameters=whole))
    assert given.state is S.VERIFIED
    play.wait(LEASE + 1)
    play.scene.pod("db-9", on_host=True, app="db")
    # Of other pods than the workload's, which it says nothing of.
    assert play.propose(lease("isolate", 2)).state is S.VERIFIED
    play.wait(LEASE + 1)
    again = play.propose(lease("isolate", 3, parameters=whole))
    assert again.state is S.FAILED
    assert "1 of the pods are in their node's network" in again.detail


def test_a_pod_in_its_nodes_network_that_comes_meanwhile_keeps_it_from_being_verified(
    play: Play,
) -> None:
    def comes(asked: Asked) -> None:
        if asked.method == "POST" and "dryRun" not in asked.path:
            play.scene.pod("web-9", on_host=True, app="web")

    play.scene.proxy.breaks = comes
    given = play.propose(lease("isolate"))
    play.wait(61)
    assert play.stands(given).state is S.FAILED
    assert "network policies do not hold for these: web-9" in play.stands(given).detail
    assert play.scene.policies() == []


def test_a_pod_in_its_nodes_network_that_comes_later_is_told_and_not_renewed(play: Play) -> None:
    given = play.propose(lease("isolate"))
    assert given.state is S.VERIFIED
    play.scene.pod("web-9", on_host=True, app="web")
    play.wait(LEASE / 2)
    assert "not renewed: 1 of the pods are in their node's network" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
