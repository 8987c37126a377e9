"""What ec2_isolate may not touch, and with which groups it isolates."""

from typing import Any

import pytest
from tests.fixtures.failing_proxy import Break
from tests.respond.ec2_world import (
    LEASE,
    Cloud,
    Play,
    breaking,
    error,
    isolate,
    isolated,
    untouched,
)
from tests.respond.world import HOST, StoreWorld, events

from vedette.core import ActionState, InvalidInput
from vedette.respond import Ec2IsolateSchema

S = ActionState
MODIFY = "ModifyNetworkInterfaceAttribute"


@pytest.mark.parametrize(
    ("labels", "tags", "settings", "words"),
    [
        ({}, {}, {}, "no instance proves to be this host's"),
        ({"ec2.instance_id": "i-0123456789abcdef0"}, {}, {}, "InvalidInstanceID.NotFound"),
        (None, {"host": "another"}, {}, "its tag names another"),
        (None, {"protected": ""}, {}, "bears the tag vedette:protected"),
        (None, {}, {"never_touch": True}, "named in ec2.never_touch"),
        (None, {}, {"enabled": False}, "acting on EC2 is off"),
        (None, {}, {"tenant": "other"}, "settings for hosts of tenant other alone"),
        (None, {}, {"region": ""}, "You must specify a region"),
        (None, {}, {"endpoint": "nonsense"}, "Invalid endpoint"),
        (None, {}, {"isolation_group": "sg-0123456789abcdef0"}, "InvalidGroup.NotFound"),
    ],
)
def test_what_is_not_surely_the_hosts_or_is_protected_is_not_touched(
    stored: StoreWorld,
    made: Cloud,
    labels: dict[str, str] | None,
    tags: dict[str, str],
    settings: dict[str, Any],
    words: str,
) -> None:
    if tags:
        made.tag(made.instance, **tags)
    if settings.get("never_touch"):
        settings = {"never_touch": (made.instance,)}
    play = Play(stored, made, labels=labels, **settings)
    given = play.propose(isolate())
    assert given.state in {S.FAILED, S.REFUSED}
    assert words in given.detail
    assert untouched(made)


def test_an_instance_is_found_by_its_tag_and_two_of_the_same_are_refused(
    stored: StoreWorld, made: Cloud
) -> None:
    made.tag(made.instance, host=HOST)
    play = Play(stored, made, labels={})
    given = play.propose(isolate())
    assert given.state is S.VERIFIED
    play.wait(LEASE + 1)
    made.tag(made.run(made.interface([made.web])), host=HOST)
    second = play.propose(isolate(2))
    assert second.state is S.FAILED
    assert "several instances bear the tag" in second.detail
    for one in made.ec2.describe_instances()["Reservations"]:
        made.ec2.terminate_instances(InstanceIds=[one["Instances"][0]["InstanceId"]])


def test_what_is_terminated_is_not_touched(play: Play) -> None:
    play.cloud.ec2.terminate_instances(InstanceIds=[play.cloud.instance])
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert "is terminated" in given.detail


def test_what_has_no_interface_can_not_be_cut_off(play: Play) -> None:
    none = b"<DescribeNetworkInterfacesResponse><networkInterfaceSet/></DescribeNetworkInterfacesResponse>"
    play.cloud.proxy.breaks = breaking("DescribeNetworkInterfaces", Break(200, none))
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert f"{play.cloud.instance} has no network interface" in given.detail


def test_a_group_whose_rules_stay_does_not_isolate(play: Play) -> None:
    said = b"<RevokeSecurityGroupEgressResponse><return>true</return></RevokeSecurityGroupEgressResponse>"
    play.cloud.proxy.breaks = breaking("RevokeSecurityGroupEgress", Break(200, said))
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert "still has rules; it would not isolate" in given.detail
    assert untouched(play.cloud)


def test_an_interface_under_another_action_is_left_alone(play: Play) -> None:
    play.cloud.tag(play.cloud.second, action="of somebody else")
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert "is isolated by action of somebody else" in given.detail
    assert play.cloud.groups() == play.cloud.before


def test_a_group_of_the_settings_keeps_its_rules_and_they_are_told(
    stored: StoreWorld, made: Cloud
) -> None:
    named = made.group("forensics")
    play = Play(stored, made, isolation_group=named)
    given = play.propose(isolate())
    assert given.state is S.VERIFIED
    assert set(made.groups()[made.first]) == {named}
    assert events(play.world, given)[-1].data["rules"][named]["out"] != []
    play.wait(LEASE + 1)
    assert untouched(made)


def test_a_group_of_another_vpc_does_not_isolate(stored: StoreWorld, made: Cloud) -> None:
    vpc = made.ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    other = made.ec2.create_security_group(GroupName="o", Description="o", VpcId=vpc)["GroupId"]
    play = Play(stored, made, isolation_group=other)
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert f"is of {vpc}" in given.detail
    assert untouched(made)


def test_somebody_elses_group_of_our_name_is_not_used(play: Play) -> None:
    play.cloud.group("vedette-isolation")
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert "is not one of ours" in given.detail
    assert untouched(play.cloud)


def test_rules_that_were_added_to_our_group_are_taken_away_and_told_when_they_come_back(
    play: Play,
) -> None:
    given = play.propose(isolate())
    (group,) = play.cloud.groups()[play.cloud.first]
    rule = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
    }
    play.cloud.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    play.wait(LEASE / 2)
    assert f"rules were added to {group}" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
    again = play.propose(isolate(2))
    assert again.state is S.VERIFIED
    assert isolated(play.cloud)


def test_a_second_isolation_of_the_host_is_refused(play: Play) -> None:
    play.propose(isolate())
    second = play.propose(isolate(2))
    assert second.state is S.REFUSED


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, []),
        ({"lease": "30"}, ["lease"]),
        ({"lease": "30m", "snapshot_first": "yes"}, ["snapshot_first"]),
        ({"lease": "30m", "instance": "i-1"}, ["instance"]),
        ({"lease": "30m", "at_most": "10m"}, ["at_most"]),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(given: dict[str, Any], at: list[Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        Ec2IsolateSchema().check(given, dry_run=False)
    assert caught.value.extensions["at"] == at


def test_what_was_attached_between_the_note_and_the_change_makes_it_fail_whole(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("CreateTags", error("RequestLimitExceeded", 503), times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    third = play.cloud.interface([play.cloud.web])
    play.cloud.attach(play.cloud.instance, third, 2)
    play.cloud.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert f"{third} was attached meanwhile" in play.stands(given).detail
    assert play.cloud.before.items() <= play.cloud.groups().items()
    assert play.cloud.tags() == {}


def test_groups_that_fit_no_tag_are_restored_from_the_rows_alone(
    stored: StoreWorld, made: Cloud
) -> None:
    many = [made.group(f"group-{number}") for number in range(13)]
    made.ec2.modify_network_interface_attribute(NetworkInterfaceId=made.first, Groups=many)
    play = Play(stored, made)
    given = play.propose(isolate())
    assert given.state is S.VERIFIED
    first = {tag["Key"] for tag in made.interfaces()[made.first]["TagSet"]}
    assert first == {"vedette:action", "vedette:isolation"}
    play.wait(LEASE + 1)
    assert made.groups()[made.first] == many
