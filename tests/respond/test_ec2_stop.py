"""ec2_stop against moto's server: its grace, what hinders it, snapshots before, and what is seen."""

from typing import Any

import pytest
from tests.fixtures.failing_proxy import Asked, Break
from tests.respond.ec2_world import Cloud, Play, breaking, error, operation, stop
from tests.respond.world import TENANT, StoreWorld, decide, events, states

from vedette.core import ActionState, InvalidInput
from vedette.respond import Account, Ec2, Ec2Stop, Ec2StopSchema, Job

S = ActionState
SNAPSHOT = {"grace": 60.0, "snapshot_first": True}


def still(state: str, instance: str = "i-1") -> Break:
    """An instance that EC2 says is in this state."""
    body = (
        '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet>'
        f"<item><instanceId>{instance}</instanceId><instanceState><code>64</code><name>{state}</name></instanceState></item>"
        "</instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )
    return Break(200, body.encode())


def test_it_waits_for_its_grace_then_stops_and_is_verified_when_it_was_seen(play: Play) -> None:
    given = play.propose(stop())
    play.wait(59)
    assert play.stands(given).state is S.APPROVED
    assert play.cloud.asked() == []
    play.restart()
    play.wait(1)
    assert play.stands(given).state is S.VERIFIED
    assert play.cloud.state() == "stopped"
    assert states(play.world, given)[-4:] == ["dispatched", "acknowledged", "applied", "verified"]
    assert events(play.world, given)[-1].data == {
        "instance": play.cloud.instance,
        "state": "stopped",
    }


def test_within_its_grace_it_is_called_off(play: Play) -> None:
    given = play.propose(stop())
    decide(play.world, given, S.CANCELLED, "it was me")
    play.wait(61)
    assert play.stands(given).state is S.CANCELLED
    assert play.cloud.state() == "running"
    assert play.cloud.asked() == []


def test_after_it_was_asked_for_it_is_too_late_and_that_is_said_once(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", still("stopping"), after=1)
    given = play.propose(stop())
    play.wait(60)
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="no")
    for _ in range(3):
        play.wait(31)
    assert sum("start the instance by hand" in one.detail for one in events(play.world, given)) == 1
    play.cloud.proxy.breaks = lambda _: None
    play.wait(1)
    assert play.stands(given).state is S.VERIFIED


def test_a_throttled_stop_is_tried_again(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", error("RequestLimitExceeded", 503), times=2)
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.DISPATCHED
    assert "RequestLimitExceeded" in play.stands(given).detail
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


def test_a_stop_whose_answer_is_lost_is_the_same_stop(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", Break(0, after=True), times=2)
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.DISPATCHED
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


def test_without_the_right_it_has_failed_and_says_which(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", error("UnauthorizedOperation", 403))
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.FAILED
    assert "stop_instances: UnauthorizedOperation" in play.stands(given).detail
    assert play.cloud.state() == "running"


def test_what_does_not_stop_in_time_has_failed(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", still("stopping"), after=1)
    given = play.propose(stop())
    play.wait(60)
    play.wait(600)
    assert play.stands(given).state is S.APPLIED
    play.wait(300)
    assert play.stands(given).state is S.FAILED
    assert "is still stopping" in play.stands(given).detail


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error("RequestLimitExceeded", 503), "could not be seen in time"),
        (error("UnauthorizedOperation", 403), "UnauthorizedOperation"),
    ],
)
def test_what_can_not_be_seen_is_never_verified(play: Play, answer: Break, words: str) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", answer, after=1)
    given = play.propose(stop())
    for _ in range(3):
        play.wait(480)
    assert play.stands(given).state is S.FAILED
    assert words in play.stands(given).detail


def test_what_could_not_be_begun_in_time_has_failed(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", error("InternalError", 500))
    given = play.propose(stop())
    for _ in range(6):
        play.wait(240)
    assert play.stands(given).state is S.FAILED
    assert "could not be done in time" in play.stands(given).detail
    assert play.cloud.asked() == []


def test_snapshots_are_started_before_it_stops(play: Play) -> None:
    given = play.propose(stop(parameters=SNAPSHOT))
    play.cloud.proxy.breaks = breaking("StopInstances", error("InternalError", 500), times=2)
    play.wait(60)
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    asked = play.cloud.asked()
    assert asked[0] == "CreateSnapshots"
    assert asked.count("CreateSnapshots") == 1
    (made,) = events(play.world, given)[-1].data["snapshots"]
    assert made in play.cloud.snapshots()


def test_a_snapshot_that_could_not_be_started_stops_nothing(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("CreateSnapshots", error("SnapshotLimitExceeded"))
    given = play.propose(stop(parameters=SNAPSHOT))
    play.wait(60)
    assert play.stands(given).state is S.FAILED
    assert "SnapshotLimitExceeded" in play.stands(given).detail
    assert play.cloud.state() == "running"


def test_a_snapshot_that_ended_as_an_error_is_never_verified(play: Play) -> None:
    body = (
        '<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><snapshotSet>'
        "<item><snapshotId>snap-1</snapshotId><status>error</status></item></snapshotSet></DescribeSnapshotsResponse>"
    )
    play.cloud.proxy.breaks = breaking("DescribeSnapshots", Break(200, body.encode()), after=2)
    given = play.propose(stop(parameters=SNAPSHOT))
    play.wait(60)
    assert play.stands(given).state is S.FAILED
    assert "broken: snap-1" in play.stands(given).detail


def test_without_a_volume_there_is_nothing_to_keep(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", still("running", play.cloud.instance))
    given = play.propose(stop(parameters=SNAPSHOT))
    play.wait(60)
    assert play.stands(given).state is S.FAILED
    assert "has no volume" in play.stands(given).detail


def test_stop_protection_is_respected(play: Play) -> None:
    play.cloud.ec2.modify_instance_attribute(
        InstanceId=play.cloud.instance, DisableApiStop={"Value": True}
    )
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.FAILED
    assert "has stop protection" in play.stands(given).detail
    assert play.cloud.asked() == []


def test_a_member_of_an_auto_scaling_group_is_stopped_only_with_snapshots(play: Play) -> None:
    play.cloud.ec2.create_tags(
        Resources=[play.cloud.instance],
        Tags=[{"Key": "aws:autoscaling:groupName", "Value": "web"}],
    )
    first = play.propose(stop())
    play.wait(60)
    assert play.stands(first).state is S.FAILED
    assert "Auto Scaling group web" in play.stands(first).detail
    second = play.propose(stop(2, parameters=SNAPSHOT))
    play.wait(60)
    assert play.stands(second).state is S.VERIFIED


def test_a_root_in_an_instance_store_can_not_be_stopped(play: Play) -> None:
    def rooted(asked: Asked) -> Break | None:
        if operation(asked) != "DescribeInstances":
            return None
        there = still("running")
        return there._replace(
            body=there.body.replace(
                b"</item></instancesSet>",
                b"<rootDeviceType>instance-store</rootDeviceType></item></instancesSet>",
            )
        )

    play.cloud.proxy.breaks = rooted
    given = play.propose(stop())
    play.wait(60)
    assert "instance store" in play.stands(given).detail
    assert play.stands(given).state is S.FAILED


def test_a_dry_run_says_what_is_lost_and_what_hinders_and_asks_no_grace(play: Play) -> None:
    play.cloud.ec2.create_tags(
        Resources=[play.cloud.instance],
        Tags=[{"Key": "aws:autoscaling:groupName", "Value": "web"}],
    )
    given = play.propose(stop(dry_run=True))
    assert given.state is S.SIMULATED
    assert given.plan is not None
    assert given.plan["checks"] == {"stop_instances": "allowed"}
    assert "only with snapshot_first" in given.plan["hindered_by"]
    assert any("terminates and replaces it" in one for one in given.plan["loses"])
    second = play.propose(stop(2, dry_run=True, parameters=SNAPSHOT))
    assert second.plan is not None
    assert second.plan["hindered_by"] == ""
    assert second.plan["checks"].keys() == {"stop_instances", "create_snapshots"}
    assert len(second.plan["snapshots_of"]) == 1
    assert play.cloud.asked() == []


def test_a_dry_run_tells_instance_stores_spot_requests_and_what_it_could_not_find_out(
    stored: StoreWorld, made: Cloud
) -> None:
    made.instance = made.run(
        made.interface([made.web]),
        InstanceType="m5d.large",
        InstanceMarketOptions={"MarketType": "spot"},
    )
    play = Play(stored, made)
    given = play.propose(stop(dry_run=True))
    assert given.plan is not None
    assert "what is on instance store volumes" in given.plan["loses"]
    assert any("spot" in one for one in given.plan["loses"])
    made.proxy.breaks = breaking("DescribeInstanceTypes", error("UnauthorizedOperation", 403))
    second = play.propose(stop(2, dry_run=True))
    assert second.plan is not None
    assert any("perhaps instance store volumes" in one for one in second.plan["loses"])


def test_a_dry_run_of_a_type_without_instance_stores_names_none(
    stored: StoreWorld, made: Cloud
) -> None:
    made.instance = made.run(made.interface([made.web]), InstanceType="t3.micro")
    given = Play(stored, made).propose(stop(dry_run=True))
    assert given.plan is not None
    assert not any("instance store" in one for one in given.plan["loses"])


def test_there_is_nothing_to_renew_and_without_a_host_or_settings_nothing_to_plan(
    play: Play,
) -> None:
    settings = Ec2(tenant=TENANT)
    kind = Ec2Stop(Account(settings, play.world.clock), play.hosts)
    now = play.world.clock.now()
    with pytest.raises(InvalidInput, match="ec2_stop: acting on EC2 is off"):
        kind.plan(Job(action=stop(), incident=None, events=(), now=now))
    job = Job(action=stop(host=None), incident=None, events=(), now=now)
    with pytest.raises(InvalidInput, match="names none"):
        kind.plan(job)
    assert type(kind.renew(job, due=True)).__name__ == "Waiting"
    assert kind.lasts_until(job) is None
    assert not kind.unsettled(job)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({"grace": "5s"}, ["grace"]),
        ({"grace": "11m"}, ["grace"]),
        ({"snapshot_first": 1}, ["snapshot_first"]),
        ({"instance": "i-1"}, ["instance"]),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(given: dict[str, Any], at: list[Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Ec2StopSchema().check(given, dry_run=False)
    assert caught.value.extensions["at"] == at


def test_the_grace_is_a_minute_unless_it_is_said() -> None:
    assert Ec2StopSchema().check({}, dry_run=False) == {"grace": 60.0, "snapshot_first": False}
