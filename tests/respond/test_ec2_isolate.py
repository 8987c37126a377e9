"""ec2_isolate against moto's server: exact restore, repeats, what fails in the middle, and what it may not touch."""

from typing import Any

import pytest
from tests.fixtures.failing_proxy import Break
from tests.respond.ec2_world import (
    LEASE,
    Play,
    breaking,
    error,
    isolate,
    isolated,
    untouched,
)
from tests.respond.world import TENANT, decide, events, states

from vedette.core import ActionState, Mode, Resolution

S = ActionState
MODIFY = "ModifyNetworkInterfaceAttribute"


def test_every_interface_is_cut_off_and_gets_exactly_its_former_groups_back(play: Play) -> None:
    given = play.propose(isolate())
    assert given.state is S.VERIFIED
    assert isolated(play.cloud)
    assert states(play.world, given)[-5:] == [
        "dispatched",
        "dispatched",
        "acknowledged",
        "applied",
        "verified",
    ]
    assert events(play.world, given)[-1].data["interfaces"] == play.cloud.groups()
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="it was me")
    play.responder.tick()
    assert play.stands(given).state is S.RELEASED
    assert untouched(play.cloud)
    assert events(play.world, given)[-1].data["interfaces"] == play.cloud.before


def test_what_was_there_before_is_on_disk_before_anything_is_changed(play: Play) -> None:
    given = isolate()
    noted: list[Any] = []

    def look(_: Any) -> None:
        noted.append(
            [
                one.data["former"]["interfaces"]
                for one in events(play.world, given)
                if "former" in one.data
            ]
        )

    play.cloud.proxy.breaks = lambda asked: look(asked) if MODIFY.encode() in asked.body else None
    play.propose(given)
    assert noted == [[play.cloud.before]] * 2
    assert play.cloud.tags()["vedette:former-groups"] in {
        " ".join(some) for some in play.cloud.before.values()
    }


def test_a_repeat_by_a_responder_that_lost_its_last_row_changes_nothing(play: Play) -> None:
    """As after a crash between the change and its row: the same rows, carried out again over the same cloud."""
    given = play.propose(isolate(mode=Mode.APPROVE))
    decide(play.world, given, S.APPROVED)
    play.cloud.proxy.breaks = breaking(
        "DescribeSecurityGroups", error("InternalError", 500), after=3
    )
    play.responder.tick()
    play.cloud.proxy.breaks = lambda _: None
    play.restart()
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert isolated(play.cloud)
    before = len(play.cloud.asked())
    play.wait(60)
    assert play.cloud.asked()[before:] == []


def test_a_repeat_by_a_responder_that_was_killed_after_its_changes_changes_nothing(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = isolate()

    class Killed(BaseException):
        """Nothing catches it."""

    def die(**_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("vedette.respond.cloud_lease.Applied", die)
        with pytest.raises(Killed):
            play.propose(given)
    assert isolated(play.cloud)
    before = len(play.cloud.asked())
    play.restart()
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert play.cloud.asked()[before:] == []


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "InternalError"])
def test_what_fails_in_the_middle_and_may_pass_is_put_back_and_tried_again(
    play: Play, code: str
) -> None:
    play.cloud.proxy.breaks = breaking(MODIFY, error(code, 503), after=1, times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    assert untouched(play.cloud)
    assert "all is as before" in given.detail
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert isolated(play.cloud)


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "OperationNotPermitted"])
def test_what_fails_in_the_middle_for_good_is_put_back_and_has_failed(
    play: Play, code: str
) -> None:
    play.cloud.proxy.breaks = breaking(MODIFY, error(code, 403), after=1, times=1)
    given = play.propose(isolate())
    assert given.state is S.FAILED
    assert code in given.detail
    assert "as before" in given.detail
    assert untouched(play.cloud)


def test_what_can_not_be_put_back_is_told_and_never_done_until_it_is(play: Play) -> None:
    play.cloud.proxy.breaks = breaking(MODIFY, error("UnauthorizedOperation", 403), after=1)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    assert any(
        "could not be undone: still isolated" in one.detail for one in events(play.world, given)
    )
    assert not untouched(play.cloud)
    for _ in range(3):
        play.restart()
        play.wait(3600)
        assert play.stands(given).state is S.DISPATCHED
    play.cloud.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert untouched(play.cloud)


def test_an_answer_that_is_lost_is_no_change_that_is_lost(play: Play) -> None:
    play.cloud.proxy.breaks = breaking(MODIFY, error("InternalError", 500, after=True), times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    assert untouched(play.cloud)
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


def test_what_could_not_be_begun_in_time_has_failed(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", error("RequestLimitExceeded", 503))
    given = play.propose(isolate())
    for _ in range(6):
        play.wait(300)
    ended = play.stands(given)
    assert ended.state is S.FAILED
    assert "could not be done in time" in ended.detail
    assert "nothing was changed" in ended.detail


def test_the_responder_ends_the_lease_after_it_was_away_at_its_end(play: Play) -> None:
    given = play.propose(isolate())
    play.world.clock.advance(LEASE + 3600)
    play.restart()
    play.responder.tick()
    assert play.stands(given).state is S.RELEASED
    assert "its lease ended at" in play.stands(given).recalled_why
    assert untouched(play.cloud)


def test_it_is_renewed_while_it_stands_and_ends_with_its_time_in_all(play: Play) -> None:
    given = play.propose(isolate(most_seconds=2 * LEASE))
    first = given.lease_until
    play.wait(LEASE / 2)
    assert first is not None
    assert (play.stands(given).lease_until or first) > first
    for _ in range(7):
        play.wait(LEASE / 4)
    assert play.stands(given).state is S.RELEASED
    assert untouched(play.cloud)


def test_what_somebody_took_away_is_not_renewed_and_their_groups_are_kept(play: Play) -> None:
    given = play.propose(isolate())
    play.cloud.ec2.modify_network_interface_attribute(
        NetworkInterfaceId=play.cloud.first, Groups=[play.cloud.data]
    )
    play.wait(LEASE / 2)
    assert f"not renewed: not isolated: {play.cloud.first}" in play.stands(given).detail
    play.wait(LEASE)
    assert play.stands(given).state is S.RELEASED
    assert play.cloud.groups() == {**play.cloud.before, play.cloud.first: [play.cloud.data]}
    assert play.cloud.tags() == {}
    assert events(play.world, given)[-1].data["changed_by_others"] == {
        play.cloud.first: [play.cloud.data]
    }


def test_a_false_positive_releases_it(play: Play) -> None:
    given = play.propose(isolate())
    play.world.close(Resolution.FALSE_POSITIVE)
    play.responder.tick()
    play.wait(31)
    assert play.stands(given).state is S.RELEASED
    assert untouched(play.cloud)


def test_an_interface_that_is_detached_meanwhile_is_put_right_and_one_that_is_gone_is_told(
    play: Play,
) -> None:
    given = play.propose(isolate())
    attachment = play.cloud.interfaces()[play.cloud.second]["Attachment"]["AttachmentId"]
    play.cloud.ec2.detach_network_interface(AttachmentId=attachment)
    play.cloud.ec2.delete_network_interface(NetworkInterfaceId=play.cloud.second)
    play.wait(LEASE + 1)
    assert play.stands(given).state is S.RELEASED
    assert events(play.world, given)[-1].data["gone"] == [play.cloud.second]
    assert play.cloud.groups() == {play.cloud.first: play.cloud.before[play.cloud.first]}


def test_one_that_is_attached_meanwhile_makes_it_fail_whole(play: Play) -> None:
    def attach(asked: Any) -> None:
        if (
            b"Action=ModifyNetworkInterfaceAttribute" in asked.body
            and len(play.cloud.groups()) == 2
        ):
            third = play.cloud.interface([play.cloud.web])
            play.cloud.attach(play.cloud.instance, third, 2)

    play.cloud.proxy.breaks = attach
    given = play.propose(isolate())
    play.wait(61)
    assert play.stands(given).state is S.FAILED
    assert "not isolated" in play.stands(given).detail
    assert len(play.cloud.groups()) == 3
    assert play.cloud.before.items() <= play.cloud.groups().items()


def test_a_dry_run_says_what_would_change_and_changes_nothing(play: Play) -> None:
    parameters = {"lease": LEASE, "at_most": LEASE, "snapshot_first": True}
    given = play.propose(isolate(dry_run=True, parameters=parameters))
    assert given.state is S.SIMULATED
    assert given.plan is not None
    assert given.plan["interfaces"][play.cloud.first] == {
        "from": [play.cloud.web, play.cloud.ssh],
        "to": "vedette-isolation, to be made",
    }
    assert set(given.plan["checks"].values()) == {"allowed"}
    assert len(given.plan["snapshots_of"]) == 1
    assert play.cloud.asked() == []
    assert untouched(play.cloud)


def test_a_dry_run_names_the_group_that_is_there_and_asks_for_none(play: Play) -> None:
    former = play.propose(isolate())
    (group,) = play.cloud.groups()[play.cloud.first]
    play.world.ports.actions.recall(TENANT, former.id, actor="user:ann", why="it was me")
    play.wait(31)
    assert untouched(play.cloud)
    given = play.propose(isolate(2, dry_run=True))
    assert given.plan is not None
    assert given.plan["interfaces"][play.cloud.first]["to"] == group
    assert not any("create_security_group" in one for one in given.plan["checks"])


def test_marks_that_are_still_shown_are_waited_for(play: Play) -> None:
    given = play.propose(isolate())
    gone = Break(200, b"<DeleteTagsResponse><return>true</return></DeleteTagsResponse>")
    play.cloud.proxy.breaks = breaking("DeleteTags", gone)
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="it was me")
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert any("not seen to be as before yet" in one.detail for one in events(play.world, given))
    play.cloud.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.RELEASED
    assert untouched(play.cloud)


def test_a_dry_run_names_the_rights_that_are_missing(play: Play) -> None:
    play.cloud.proxy.breaks = breaking(MODIFY, error("UnauthorizedOperation", 403))
    given = play.propose(isolate(dry_run=True))
    assert given.state is S.SIMULATED
    assert given.plan is not None
    assert "UnauthorizedOperation" in given.plan["checks"][play.cloud.first]


def test_snapshots_are_started_before_and_only_once(play: Play) -> None:
    parameters = {"lease": LEASE, "at_most": LEASE, "snapshot_first": True}
    before = set(play.cloud.snapshots())
    play.cloud.proxy.breaks = breaking(MODIFY, error("RequestLimitExceeded", 503), times=2)
    given = play.propose(isolate(parameters=parameters))
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    asked = play.cloud.asked()
    assert asked.count("CreateSnapshots") == 1
    assert asked.index("CreateSnapshots") < asked.index(MODIFY)
    assert (
        set(events(play.world, given)[-1].data["snapshots"]) == set(play.cloud.snapshots()) - before
    )


def test_a_responder_that_another_one_overtook_takes_back_what_it_did_since(play: Play) -> None:
    given = isolate()
    calls = 0

    def overtake(asked: Any) -> None:
        nonlocal calls
        if MODIFY.encode() not in asked.body:
            return
        calls += 1
        if calls == 2:
            play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="it was me")
            second = Play(play.world, play.cloud)
            second.responder.tick()
            # It puts back what is there, and goes on to for as long as this attempt may take.
            assert play.stands(given).state is S.DISPATCHED
            assert untouched(play.cloud)
            for _ in range(17):
                second.wait(31)
            assert play.stands(given).state is S.CANCELLED
            assert untouched(play.cloud)

    play.cloud.proxy.breaks = overtake
    play.propose(given)
    assert calls > 2
    assert play.stands(given).state is S.CANCELLED
    assert untouched(play.cloud)
