"""What each Kubernetes action meets alone: others' changes, other policies, pods that take their time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.failing_proxy import Asked
from tests.respond.cluster_world import (
    DB,
    LABELS,
    LEASE,
    NODE,
    WEB,
    Play,
    Scene,
    breaking,
    cluster,
    lease,
    refusal,
    thing,
)
from tests.respond.world import HOST, TENANT, StoreWorld, World, events

from vedette.core import ActionState
from vedette.respond.cluster.fake_rows import Refusal, Row

S = ActionState
MARK = {"vedette/action": "of somebody else"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
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


def replicas(scene: Scene, row: Row = WEB) -> Any:
    return scene.api.get(row)["spec"].get("replicas")


def test_a_node_that_was_cordoned_before_stays_so(play: Play) -> None:
    play.scene.api.patch(NODE, {"spec": {"unschedulable": True}})
    given = play.propose(lease("cordon"))
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.RELEASED
    assert play.scene.api.get(NODE)["spec"] == {"unschedulable": True}
    assert play.scene.api.get(NODE)["metadata"]["annotations"] == {"team": "shop"}


def test_a_node_that_somebody_uncordoned_is_not_renewed_and_stays_so(play: Play) -> None:
    given = play.propose(lease("cordon"))
    play.scene.api.patch(NODE, {"spec": {"unschedulable": None}})
    play.wait(LEASE / 2)
    assert "not renewed: node node-1 is not cordoned" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
    assert events(play.world, given)[-1].data["changed_by_others"] is True
    assert play.scene.untouched()


@pytest.mark.parametrize(("kind", "row"), [("cordon", NODE), ("scale", WEB)])
def test_what_was_made_anew_under_the_same_name_is_not_touched(
    play: Play, kind: str, row: Row
) -> None:
    given = play.propose(lease(kind))
    made = play.scene.api.get(row)
    play.scene.api.delete(row, {})
    play.scene.api.create(row, made)
    again = play.scene.plain(row)
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.RELEASED
    assert play.scene.plain(row) == again


@pytest.mark.parametrize(("kind", "row"), [("cordon", NODE), ("scale", WEB)])
def test_what_is_gone_needs_no_release(play: Play, kind: str, row: Row) -> None:
    given = play.propose(lease(kind))
    play.scene.api.delete(row, {})
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.RELEASED
    assert events(play.world, given)[-1].data["gone"] is True


@pytest.mark.parametrize(("kind", "row"), [("cordon", NODE), ("scale", WEB)])
def test_what_another_action_marked_is_left_alone(play: Play, kind: str, row: Row) -> None:
    play.scene.api.patch(row, {"metadata": {"annotations": MARK}})
    given = play.propose(lease(kind))
    assert given.state is S.FAILED
    assert "by action of somebody else" in given.detail
    assert play.scene.changes() == []


@pytest.mark.parametrize(("kind", "row"), [("cordon", NODE), ("scale", WEB)])
def test_a_change_by_somebody_else_in_between_is_not_lost(play: Play, kind: str, row: Row) -> None:
    left = 2

    def race(asked: Asked) -> None:
        nonlocal left
        if asked.method == "PATCH" and left:
            left -= 1
            play.scene.api.patch(row, {"metadata": {"labels": {"change": str(left)}}})

    play.scene.proxy.breaks = race
    given = play.propose(lease(kind))
    assert given.state is S.VERIFIED
    assert play.scene.changes() == ["PATCH"] * 3
    assert play.scene.api.get(row)["metadata"]["labels"]["change"] == "0"


def test_one_who_is_always_faster_is_waited_for(play: Play) -> None:
    play.scene.proxy.breaks = breaking("PATCH", refusal(409), times=4)
    given = play.propose(lease("cordon"))
    assert given.state is S.DISPATCHED
    assert "changed by others all the time" in given.detail
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


def test_a_node_is_found_by_its_label_and_two_of_the_same_are_refused(
    world: World, scene: Scene
) -> None:
    scene.api.patch(NODE, {"metadata": {"labels": {"vedette/host": HOST}}})
    play = Play(world, scene, labels={})
    given = play.propose(lease("cordon"))
    assert given.state is S.VERIFIED
    play.wait(LEASE + 1)
    second = thing("Node", "v1", "node-2", {}, **{"vedette/host": HOST})
    scene.api.create(Row("nodes", "", "node-2"), second)
    again = play.propose(lease("cordon", 2))
    assert again.state is S.FAILED
    assert "2 nodes prove" in again.detail


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"vedette/host": "another"}, "names another"),
        ({"node-role.kubernetes.io/control-plane": ""}, "of the control plane"),
    ],
)
def test_a_node_of_another_host_or_of_the_control_plane_is_not_touched(
    play: Play, label: dict[str, str], words: str
) -> None:
    play.scene.api.patch(NODE, {"metadata": {"labels": label}})
    given = play.propose(lease("cordon"))
    assert given.state is S.FAILED
    assert words in given.detail


def test_a_stateful_set_without_a_number_has_one_pod_and_gets_it_back(
    world: World, scene: Scene
) -> None:
    play = Play(world, scene, labels={**LABELS, "kubernetes.workload": "statefulset/db"})
    given = play.propose(lease("scale"))
    assert given.state is S.VERIFIED
    assert replicas(scene, DB) == 0
    play.wait(LEASE + 1)
    assert replicas(scene, DB) == 1


def test_it_is_not_verified_while_pods_still_run(play: Play) -> None:
    play.scene.api.controllers = False
    given = play.propose(lease("scale"))
    play.wait(300)
    assert play.stands(given).state is S.ACKNOWLEDGED
    play.scene.api.controllers = True
    play.scene.api.patch(WEB, {"metadata": {"labels": {"a": "b"}}})
    play.wait(1)
    assert play.stands(given).state is S.VERIFIED


def test_pods_that_do_not_end_make_it_fail_and_it_is_taken_back(play: Play) -> None:
    play.scene.api.controllers = False
    given = play.propose(lease("scale"))
    play.wait(601)
    assert play.stands(given).state is S.FAILED
    assert "runs 3" in play.stands(given).detail
    assert replicas(play.scene) == 3


def test_what_can_not_be_seen_in_time_is_taken_back(play: Play) -> None:
    play.scene.api.controllers = False
    given = play.propose(lease("scale"))
    play.scene.proxy.breaks = breaking("GET", refusal(503))
    play.wait(600)
    assert play.stands(given).state is S.ACKNOWLEDGED
    play.wait(301)
    assert play.stands(given).state is S.ACKNOWLEDGED
    assert "could not be undone" in play.stands(given).detail
    play.scene.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert play.scene.untouched()


def test_a_number_that_somebody_set_meanwhile_is_kept(play: Play) -> None:
    given = play.propose(lease("scale"))
    play.scene.api.patch(WEB, {"spec": {"replicas": 5}})
    play.wait(LEASE / 2)
    assert "wants 5" in play.stands(given).detail
    play.wait(LEASE)
    assert replicas(play.scene) == 5
    assert play.scene.api.get(WEB)["metadata"]["annotations"] == {"team": "shop"}


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {"app": "web"}},
        {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "x"]}]},
        {"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["db"]}]},
        {
            "matchExpressions": [
                {"key": "app", "operator": "Exists"},
                {"key": "x", "operator": "DoesNotExist"},
            ]
        },
    ],
)
@pytest.mark.parametrize("way", ["ingress", "egress"])
def test_a_policy_that_lets_something_through_is_told_and_nothing_is_called_isolated(
    play: Play, selector: dict[str, Any], way: str
) -> None:
    play.scene.policy("open", selector, **{way: [{}]})
    given = play.propose(lease("isolate"))
    assert given.state is S.FAILED
    assert "network policy shop/open lets something through" in given.detail
    assert len(play.scene.policies()) == 1


@pytest.mark.parametrize(
    "selector",
    [
        {"matchLabels": {"app": "db"}},
        {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]},
        {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]},
    ],
)
def test_a_policy_of_other_pods_is_none_of_its_business(
    play: Play, selector: dict[str, Any]
) -> None:
    play.scene.pod("db-0", app="db")
    play.scene.policy("other", selector, ingress=[{}])
    play.scene.policy("closed", {}, policyTypes=["Ingress"])
    assert play.propose(lease("isolate")).state is S.VERIFIED


def test_a_policy_that_comes_later_is_told_and_not_renewed(play: Play) -> None:
    given = play.propose(lease("isolate"))
    play.scene.policy("open", {}, egress=[{}])
    play.wait(LEASE / 2)
    assert "not renewed: network policy shop/open" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
    assert [one["metadata"]["name"] for one in play.scene.policies()] == ["open"]


def test_the_whole_namespace_is_cut_off_where_that_is_asked_for(play: Play) -> None:
    given = play.propose(lease("isolate", parameters={"whole_namespace": True}))
    (made,) = play.scene.policies()
    assert made["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert made["metadata"]["annotations"] == {"vedette/action": given.id}


def test_a_policy_of_its_name_that_is_not_its_own_is_neither_used_nor_deleted(play: Play) -> None:
    given = lease("isolate")
    play.scene.policy(f"vedette-{given.id}", {"matchLabels": {"app": "web"}})
    assert play.propose(given).state is S.DISPATCHED
    assert "is not of this action" in play.stands(given).detail
    assert len(play.scene.policies()) == 1
    play.scene.api.delete(Row("networkpolicies", "shop", f"vedette-{given.id}"), {})
    play.wait(31)
    assert play.stands(given).state is S.FAILED


def test_its_policy_that_somebody_changed_is_told_and_deleted_at_the_end(play: Play) -> None:
    given = play.propose(lease("isolate"))
    (made,) = play.scene.policies()
    row = Row("networkpolicies", "shop", made["metadata"]["name"])
    play.scene.api.patch(row, {"spec": {"podSelector": {"matchLabels": {"app": "none"}}}})
    play.wait(LEASE / 2)
    assert "was changed by somebody" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
    assert play.scene.untouched()


def test_a_policy_that_does_not_go_is_not_called_gone(play: Play) -> None:
    given = play.propose(lease("isolate"))
    play.scene.proxy.breaks = breaking("DELETE", refusal(200))
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.VERIFIED
    assert "is still there" in play.stands(given).detail


def test_many_pods_come_in_pages(play: Play) -> None:
    for number in range(600):
        play.scene.pod(f"more-{number}", app="web")
    play.scene.policy("last", {"matchLabels": {"only": "one"}}, ingress=[{}])
    play.scene.pod("one", app="web", only="one")
    given = play.propose(lease("isolate"))
    assert "1 of the pods" in given.detail


def test_the_fake_goes_by_the_apis_rules(scene: Scene) -> None:
    api = scene.api
    for body, code in (
        ({"spec": {"replicas": "three"}}, 422),
        ({"spec": {"replcas": 3}}, 400),
        ({"metadata": {"resourceVersion": "0"}}, 409),
    ):
        with pytest.raises(Refusal) as caught:
            api.patch(WEB, body)
        assert caught.value.code == code
    with pytest.raises(Refusal) as again:
        api.create(WEB, api.get(WEB))
    assert again.value.code == 409
    with pytest.raises(Refusal) as other:
        api.delete(WEB, {"preconditions": {"uid": "another"}})
    assert other.value.code == 409
    assert api.answer("GET", "/apis/none/v1/things", b"")[0] == 404
    assert scene.untouched()


def test_an_answer_without_a_status_object_is_told_by_its_reason(play: Play) -> None:
    broken = refusal(403)._replace(body=b"<html>")
    play.scene.proxy.breaks = breaking("GET", broken)
    given = play.propose(lease("cordon"))
    assert given.state is S.FAILED
    assert "read node: 403" in given.detail


def test_a_release_goes_on_after_the_cluster_was_turned_off_in_the_settings(
    world: World, scene: Scene
) -> None:
    play = Play(world, scene)
    given = play.propose(lease("cordon"))
    off = Play(world, scene, enabled=False)
    world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="done")
    off.responder.tick()
    assert off.stands(given).state is S.RELEASED
    assert scene.untouched()
