"""Marks that somebody takes off or alters: what stands is put back, or told, and never called as before."""

from typing import Any

import pytest
from tests.respond import cluster_world, ec2_world
from tests.respond.cluster_world import LEASE, NODE, WEB, breaking, lease
from tests.respond.world import events

from vedette.core import ActionState
from vedette.respond import Cluster, Job, KubernetesCordon
from vedette.respond.cluster.fake_rows import Row
from vedette.respond.outcome import Applied

S = ActionState
MARK = "vedette/action"
EACH = pytest.mark.parametrize(("kind", "row"), [("cordon", NODE), ("scale", WEB)])


def _mark(kube: cluster_world.Play, row: Row, value: str | None) -> None:
    kube.scene.api.patch(row, {"metadata": {"annotations": {MARK: value}}})


def _spec(kube: cluster_world.Play, row: Row) -> dict[str, Any]:
    spec: dict[str, Any] = kube.scene.api.get(row)["spec"]
    return spec


@EACH
def test_what_lost_its_mark_is_put_back(kube: cluster_world.Play, kind: str, row: Row) -> None:
    given = kube.propose(lease(kind))
    assert given.state is S.VERIFIED
    _mark(kube, row, None)
    kube.wait(LEASE + 1)
    assert kube.stands(given).state is S.RELEASED
    assert events(kube.world, given)[-1].data["changed_by_others"] is True
    assert kube.scene.untouched()


@EACH
def test_what_bears_anothers_mark_is_told_until_that_is_taken_off(
    kube: cluster_world.Play, kind: str, row: Row
) -> None:
    given = kube.propose(lease(kind))
    made = dict(_spec(kube, row))
    _mark(kube, row, "of somebody else")
    kube.wait(LEASE + 1)
    assert kube.stands(given).state is S.VERIFIED
    assert "bears the mark of action of somebody else" in kube.stands(given).detail
    assert _spec(kube, row) == made
    _mark(kube, row, None)
    kube.wait(31)
    assert kube.stands(given).state is S.RELEASED
    assert kube.scene.untouched()


@EACH
def test_what_others_put_right_and_marked_is_theirs(
    kube: cluster_world.Play, kind: str, row: Row
) -> None:
    before = dict(_spec(kube, row))
    given = kube.propose(lease(kind))
    kube.scene.api.patch(
        row,
        {
            "metadata": {"annotations": {MARK: "of somebody else"}},
            "spec": {"unschedulable": None, "replicas": before.get("replicas")},
        },
    )
    kube.wait(LEASE + 1)
    assert kube.stands(given).state is S.RELEASED
    assert _spec(kube, row) == before


def test_a_node_that_was_cordoned_before_and_lost_its_mark_stays_so(
    kube: cluster_world.Play,
) -> None:
    kube.scene.api.patch(NODE, {"spec": {"unschedulable": True}})
    given = kube.propose(lease("cordon"))
    _mark(kube, NODE, None)
    kube.wait(LEASE + 1)
    assert kube.stands(given).state is S.RELEASED
    assert _spec(kube, NODE) == {"unschedulable": True}


def test_what_people_cordoned_before_the_action_could_is_theirs(
    kube: cluster_world.Play,
) -> None:
    kube.scene.proxy.breaks = breaking("PATCH", cluster_world.refusal(503))
    given = kube.propose(lease("cordon"))
    assert given.state is S.DISPATCHED
    kube.scene.api.patch(NODE, {"spec": {"unschedulable": True}})
    kube.scene.proxy.breaks = breaking("PATCH", cluster_world.refusal(403))
    kube.wait(31)
    kube.scene.proxy.breaks = lambda _: None
    kube.wait(31)
    assert kube.stands(given).state is S.FAILED
    assert _spec(kube, NODE) == {"unschedulable": True}


def test_a_mark_is_told_though_something_else_was_told_before(kube: cluster_world.Play) -> None:
    given = kube.propose(lease("cordon"))
    _mark(kube, NODE, "of somebody else")
    kube.scene.proxy.breaks = breaking("GET", cluster_world.refusal(503))
    kube.wait(LEASE + 1)
    assert "could not be undone" in kube.stands(given).detail
    kube.scene.proxy.breaks = lambda _: None
    for _ in range(3):
        kube.wait(31)
    assert "bears the mark of action of somebody else" in kube.stands(given).detail
    told = [one for one in events(kube.world, given) if "bears the mark" in one.detail]
    assert len(told) == 1


@pytest.mark.parametrize(
    "change",
    [{"spec": {"replicas": 5}}, {"metadata": {"annotations": {MARK: "of somebody else"}}}],
)
def test_what_somebody_changed_after_it_was_noted_is_not_changed(
    kube: cluster_world.Play, change: dict[str, Any]
) -> None:
    kube.scene.proxy.breaks = breaking("PATCH", cluster_world.refusal(503), times=1)
    given = kube.propose(lease("scale"))
    assert given.state is S.DISPATCHED
    kube.scene.api.patch(WEB, change)
    now = kube.scene.plain(WEB)
    kube.wait(31)
    kube.wait(31)
    assert kube.stands(given).state is S.FAILED
    assert "was changed by somebody meanwhile" in kube.stands(given).detail
    assert kube.scene.plain(WEB) == now


@pytest.mark.parametrize("mark", [None, "of somebody else"])
def test_a_policy_that_was_seen_in_force_is_deleted_whatever_its_mark(
    kube: cluster_world.Play, mark: str | None
) -> None:
    given = kube.propose(lease("isolate"))
    (made,) = kube.scene.policies()
    _mark(kube, Row("networkpolicies", "shop", made["metadata"]["name"]), mark)
    kube.wait(LEASE / 2)
    assert "not renewed" in kube.stands(given).detail
    kube.wait(LEASE)
    assert kube.stands(given).state is S.RELEASED
    assert kube.scene.untouched()


def test_an_interface_that_bears_anothers_tag_is_told_until_that_is_taken_off(
    play: ec2_world.Play,
) -> None:
    given = play.propose(ec2_world.isolate())
    for interface in play.cloud.groups():
        play.cloud.tag(interface, action="other")
    play.wait(ec2_world.LEASE + 1)
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert "it bears the tag of action other" in play.stands(given).detail
    for interface in play.cloud.groups():
        play.cloud.ec2.delete_tags(Resources=[interface], Tags=[{"Key": "vedette:action"}])
    play.wait(31)
    assert play.stands(given).state is S.RELEASED
    assert ec2_world.untouched(play.cloud)


def test_an_interface_that_others_put_right_and_tagged_is_theirs(play: ec2_world.Play) -> None:
    given = play.propose(ec2_world.isolate())
    for interface, groups in play.cloud.before.items():
        play.cloud.tag(interface, action="other")
        play.cloud.ec2.modify_network_interface_attribute(
            NetworkInterfaceId=interface, Groups=groups
        )
    play.cloud.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=play.cloud.first, Groups=[play.cloud.data]
    )
    play.wait(ec2_world.LEASE + 1)
    play.wait(31)
    assert play.stands(given).state is S.RELEASED
    told = events(play.world, given)[-1].data["changed_by_others"]
    assert told == {play.cloud.first: [play.cloud.data]}


@pytest.mark.parametrize("tagged", [True, False])
def test_an_interface_that_somebody_changed_after_it_was_noted_is_not_changed(
    play: ec2_world.Play, *, tagged: bool
) -> None:
    busy = ec2_world.error("RequestLimitExceeded", 503)
    play.cloud.proxy.breaks = ec2_world.breaking("CreateTags", busy, times=2)
    given = play.propose(ec2_world.isolate())
    assert given.state is S.DISPATCHED
    if tagged:
        play.cloud.tag(play.cloud.second, action="other")
    else:
        play.cloud.ec2.modify_network_interface_attribute(
            NetworkInterfaceId=play.cloud.second, Groups=[play.cloud.web]
        )
    now = play.cloud.groups()
    play.wait(31)
    play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert f"{play.cloud.second} was changed by somebody meanwhile" in play.stands(given).detail
    assert play.cloud.groups() == now


def test_a_change_that_is_there_already_is_not_made_again(kube: cluster_world.Play) -> None:
    given = kube.propose(lease("cordon"))
    job = Job(
        action=given,
        incident=None,
        events=tuple(events(kube.world, given)),
        now=kube.world.clock.now(),
    )
    assert isinstance(KubernetesCordon(Cluster(kube.settings), kube.hosts).apply(job), Applied)
    assert kube.scene.changes() == ["PATCH"]
