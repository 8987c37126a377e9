"""Kubernetes actions against the labelled fake of the API server: what holds for all three of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.failing_proxy import Break
from tests.respond.cluster_world import (
    LABELS,
    LEASE,
    Play,
    Scene,
    breaking,
    cluster,
    lease,
    refusal,
)
from tests.respond.world import TENANT, StoreWorld, World, events, states

from vedette.core import ActionState, InvalidInput
from vedette.respond import Cluster, Job, Kubernetes, KubernetesCordon, schemas
from vedette.respond.outcome import Failed, Waiting

S = ActionState
KINDS = ["cordon", "isolate", "scale"]
WRITES = {"cordon": "PATCH", "isolate": "POST", "scale": "PATCH"}
UNDOES = {"cordon": "PATCH", "isolate": "DELETE", "scale": "PATCH"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    made = StoreWorld(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with cluster(tmp_path) as made:
        yield made


@pytest.fixture
def play(world: World, scene: Scene) -> Play:
    return Play(world, scene)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_put_in_force_seen_and_taken_back_exactly(play: Play, kind: str) -> None:
    given = play.propose(lease(kind))
    assert given.state is S.VERIFIED
    assert not play.scene.untouched()
    assert states(play.world, given)[-3:] == ["acknowledged", "applied", "verified"]
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="it was me")
    play.responder.tick()
    assert play.stands(given).state is S.RELEASED
    assert play.scene.untouched()
    assert len(play.scene.changes()) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_responder_that_was_away_at_the_end_releases_when_it_is_back(
    play: Play, kind: str
) -> None:
    given = play.propose(lease(kind))
    play.world.clock.advance(LEASE + 3600)
    play.restart()
    play.responder.tick()
    assert play.stands(given).state is S.RELEASED
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_renewed_without_another_change(play: Play, kind: str) -> None:
    given = play.propose(lease(kind))
    play.wait(LEASE / 2)
    after = play.stands(given)
    assert given.lease_until is not None
    assert after.lease_until is not None
    assert after.lease_until > given.lease_until
    assert len(play.scene.changes()) == 1


def test_with_the_kill_switch_thrown_nothing_is_renewed_and_the_end_is_on_time(
    world: StoreWorld, scene: Scene
) -> None:
    play = Play(world, scene)
    given = play.propose(lease("cordon"))
    world.store.guards.throw(TENANT, actor="user:ann", reason="a drill")
    play.wait(LEASE - 1)
    assert play.stands(given).lease_until == given.lease_until
    assert not scene.untouched()
    play.wait(1)
    assert play.stands(given).state is S.RELEASED
    assert scene.untouched()
    assert play.propose(lease("cordon", 2)).state is S.REFUSED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", [refusal(503), refusal(429), Break(0)])
def test_what_may_pass_is_tried_again(play: Play, kind: str, answer: Break) -> None:
    play.scene.proxy.breaks = breaking(WRITES[kind], answer, times=1)
    given = play.propose(lease(kind))
    assert given.state is S.DISPATCHED
    assert "all is as before" in given.detail
    assert play.scene.untouched()
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_whose_answer_is_lost_is_no_second_change(play: Play, kind: str) -> None:
    play.scene.proxy.breaks = breaking(WRITES[kind], Break(0, after=True), times=1)
    given = play.propose(lease(kind))
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.RELEASED
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_carried_out_but_not_written_down_is_found_again(play: Play, kind: str) -> None:
    """The attempt breaks right after the change, and nothing could be put back then."""
    play.scene.proxy.breaks = breaking(WRITES[kind], refusal(500, after=True))
    given = play.propose(lease(kind))
    assert given.state is S.DISPATCHED
    play.scene.proxy.breaks = lambda _: None
    play.restart()
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    play.wait(LEASE + 1)
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_right_it_has_failed_and_nothing_was_changed(play: Play, kind: str) -> None:
    play.scene.proxy.breaks = breaking(WRITES[kind], refusal(403))
    given = play.propose(lease(kind))
    assert given.state is S.FAILED
    assert "403 made by the test" in given.detail
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_what_can_not_be_released_stays_verified_and_is_tried_until_it_can(
    play: Play, kind: str
) -> None:
    given = play.propose(lease(kind))
    play.scene.proxy.breaks = breaking(UNDOES[kind], refusal(403))
    for _ in range(4):
        play.wait(LEASE)
        play.restart()
    assert play.stands(given).state is S.VERIFIED
    assert any("could not be undone" in one.detail for one in events(play.world, given))
    play.scene.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.RELEASED
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_a_dry_run_asks_the_api_and_changes_nothing(play: Play, kind: str) -> None:
    given = play.propose(lease(kind, dry_run=True))
    assert given.state is S.SIMULATED
    assert given.plan is not None
    assert given.plan["check"] == "allowed"
    assert play.scene.changes() == []
    play.scene.api.denied |= {
        ("patch", "nodes"),
        ("patch", "deployments"),
        ("create", "networkpolicies"),
    }
    second = play.propose(lease(kind, 2, dry_run=True))
    assert second.plan is not None
    assert "forbidden" in second.plan["check"]
    assert play.scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("labels", "settings", "words"),
    [
        ({}, {}, "prove"),
        (
            {**LABELS, "kubernetes.workload": "deployment/none", "kubernetes.node": "none"},
            {},
            "404",
        ),
        (LABELS, {"enabled": False}, "acting on Kubernetes is off"),
        (LABELS, {"tenant": "other"}, "tenant other alone"),
        (LABELS, {"kubeconfig": "/nonexistent"}, "/nonexistent"),
        (LABELS, {"kubeconfig": ""}, "no kubernetes.kubeconfig"),
        (LABELS, {"context": "none"}, "context"),
    ],
)
def test_what_is_not_surely_the_hosts_or_can_not_be_reached_is_not_touched(
    world: World,
    scene: Scene,
    kind: str,
    labels: dict[str, str],
    settings: dict[str, Any],
    words: str,
) -> None:
    play = Play(world, scene, labels=labels, **settings)
    given = play.propose(lease(kind))
    assert given.state in {S.FAILED, S.REFUSED}
    assert words in given.detail
    assert scene.untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_a_protected_object_is_not_touched(play: Play, kind: str) -> None:
    for row in play.scene.before:
        play.scene.api.patch(row, {"metadata": {"annotations": {"vedette/protected": ""}}})
    given = play.propose(lease(kind))
    assert given.state is S.FAILED
    assert "bears vedette/protected" in given.detail
    assert play.scene.changes() == []


@pytest.mark.parametrize("kind", ["isolate", "scale"])
@pytest.mark.parametrize("namespace", ["kube-system", "billing"])
def test_protected_namespaces_are_not_touched(
    world: World, scene: Scene, kind: str, namespace: str
) -> None:
    labels = {**LABELS, "kubernetes.namespace": namespace}
    play = Play(world, scene, labels=labels, protected_namespaces=("billing",))
    given = play.propose(lease(kind))
    assert given.state is S.FAILED
    assert f"namespace {namespace} is protected" in given.detail
    assert scene.proxy.asked == []


@pytest.mark.parametrize("kind", ["isolate", "scale"])
@pytest.mark.parametrize("workload", ["", "web", "deployment/", "daemonset/web"])
def test_a_workload_that_is_not_named_is_not_guessed(
    world: World, scene: Scene, kind: str, workload: str
) -> None:
    play = Play(world, scene, labels={**LABELS, "kubernetes.workload": workload})
    given = play.propose(lease(kind))
    assert given.state is S.FAILED
    assert "no workload proves to be this host's" in given.detail


@pytest.mark.parametrize("kind", KINDS)
def test_policies_say_how_long_and_never_which(kind: str) -> None:
    schema = schemas()[f"kubernetes_{kind}"]
    assert schema.check({"lease": "30m"}, dry_run=False)["lease"] == LEASE
    with pytest.raises(InvalidInput):
        schema.check({"lease": "30m", "namespace": "shop"}, dry_run=False)
    with pytest.raises(InvalidInput):
        schema.check({}, dry_run=False)


def test_without_its_library_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    made = Cluster(Kubernetes(tenant=TENANT, enabled=True))
    assert "vedette[kubernetes]" in made.lacks
    with pytest.raises(InvalidInput, match=r"vedette\[kubernetes\]"):
        made.find("node")


def test_without_a_host_there_is_nothing_to_plan_and_without_a_past_nothing_to_see(
    play: Play,
) -> None:
    kind = KubernetesCordon(Cluster(play.settings), play.hosts)
    now = play.world.clock.now()
    with pytest.raises(InvalidInput, match="names none"):
        kind.plan(Job(action=lease("cordon", host=None), incident=None, events=(), now=now))
    past = lease("cordon", state=S.APPLIED)
    job = Job(action=past, incident=None, events=(), now=now + timedelta(minutes=5))
    seen = kind.probe(job)
    assert isinstance(seen, Failed)
    assert "nothing shows what was there before" in seen.detail
    assert isinstance(kind.renew(job, due=False), Waiting)


def test_what_could_not_be_begun_in_time_is_not_begun_late(play: Play) -> None:
    play.scene.proxy.breaks = breaking("GET", refusal(503))
    given = play.propose(lease("cordon"))
    for _ in range(6):
        play.wait(300)
    assert play.stands(given).state is S.FAILED
    assert "could not be done in time" in play.stands(given).detail
    assert play.scene.untouched()
