"""What was begun in a cloud, and not yet seen in force: a recall, the kill switch and a closed incident end it."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fixtures.failing_proxy import Asked, Break
from tests.respond import cluster_world
from tests.respond.ec2_world import Play, breaking, error, isolate, isolated, stop, untouched
from tests.respond.test_ec2_stop import still
from tests.respond.world import HOST, TENANT, StoreWorld, events

from vedette.core import ActionState, Resolution
from vedette.respond import Account, Ec2Stop, Job
from vedette.respond.actions.ec2_isolate.isolation import Isolation
from vedette.respond.outcome import Outcome, Retry

S = ActionState
BUSY = error("RequestLimitExceeded", 503)


def _recalled(play: Play) -> None:
    (given,) = play.world.ports.actions.of_host(TENANT, HOST)
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="the wrong host")


def _switched_off(play: Play | cluster_world.Play) -> None:
    assert isinstance(play.world, StoreWorld)
    play.world.store.guards.throw(TENANT, actor="user:ann", reason="all stops")


def _harmless(play: Play) -> None:
    play.world.close(Resolution.FALSE_POSITIVE)


ENDS = pytest.mark.parametrize("ends", [_recalled, _switched_off, _harmless])


class Killed(BaseException):
    """A death of the responder."""


def _dies(*_: object) -> Outcome:
    raise Killed


@ENDS
def test_a_stop_that_ec2_did_not_take_is_not_asked_for_again(
    play: Play, ends: Callable[[Play], None]
) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", BUSY, times=2)
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.DISPATCHED
    before = len(play.cloud.asked())
    ends(play)
    for _ in range(4):
        play.wait(31)
    assert play.stands(given).state is S.CANCELLED
    assert "is running, and is not told to stop any more" in play.stands(given).detail
    assert play.cloud.state() == "running"
    assert len(play.cloud.asked()) == before


@ENDS
def test_a_stop_that_was_on_disk_alone_when_the_responder_died_is_not_asked_for(
    play: Play, ends: Callable[[Play], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = play.propose(stop())
    with monkeypatch.context() as during:
        during.setattr(Ec2Stop, "apply", _dies)
        with pytest.raises(Killed):
            play.wait(60)
    ends(play)
    play.restart()
    for _ in range(15):
        play.wait(31)
    # As far as anybody knows, EC2 may have it and take it yet.
    assert play.stands(given).state is S.DISPATCHED
    for _ in range(2):
        play.wait(31)
    assert play.stands(given).state is S.CANCELLED
    assert play.cloud.asked() == []


def test_a_stop_that_arrives_after_its_responder_died_is_seen_and_not_called_off(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = play.propose(stop())
    with monkeypatch.context() as during:
        during.setattr(Ec2Stop, "apply", _dies)
        with pytest.raises(Killed):
            play.wait(60)
    _switched_off(play)
    play.restart()
    for _ in range(4):
        play.wait(31)
    play.cloud.ec2.stop_instances(InstanceIds=[play.cloud.instance])
    for _ in range(2):
        play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert any("start the instance by hand" in one.detail for one in events(play.world, given))


@pytest.mark.parametrize("arrives", [True, False])
def test_a_stop_of_a_responder_that_was_overtaken_is_told(
    play: Play, monkeypatch: pytest.MonkeyPatch, *, arrives: bool
) -> None:
    given, real = play.propose(stop()), Ec2Stop.apply

    def hangs(self: Ec2Stop, job: Job) -> Outcome:
        monkeypatch.setattr(Ec2Stop, "apply", real)
        second = Play(play.world, play.cloud)
        _recalled(play)
        for _ in range(18):
            second.wait(31)
        assert play.stands(given).state is S.CANCELLED
        return real(self, job) if arrives else Retry(detail="too slow")

    monkeypatch.setattr(Ec2Stop, "apply", hangs)
    play.wait(60)
    assert play.stands(given).state is S.CANCELLED
    assert play.cloud.state() == ("stopped" if arrives else "running")
    told = "an attempt that was under way when this ended" in play.stands(given).detail
    assert told is arrives


def test_an_earlier_attempt_that_hangs_is_waited_for_though_a_later_one_is_over(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, real = play.propose(stop()), Ec2Stop.apply
    second = Play(play.world, play.cloud)

    def hangs(self: Ec2Stop, job: Job) -> Outcome:
        monkeypatch.setattr(Ec2Stop, "apply", real)
        play.cloud.proxy.breaks = breaking("StopInstances", BUSY, times=2)
        second.wait(31)
        assert play.stands(given).attempts == 2
        _recalled(play)
        for _ in range(4):
            second.wait(31)
        assert play.stands(given).state is S.DISPATCHED
        return real(self, job)

    monkeypatch.setattr(Ec2Stop, "apply", hangs)
    play.wait(60)
    for _ in range(2):
        second.wait(31)
    assert play.cloud.state() == "stopped"
    assert play.stands(given).state is S.VERIFIED


@pytest.mark.parametrize("back", [0.0, 86_400.0])
def test_an_attempt_that_is_over_by_the_rows_is_not_waited_for(play: Play, back: float) -> None:
    play.cloud.proxy.breaks = breaking("ModifyNetworkInterfaceAttribute", BUSY, times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    play.world.clock.advance(-back)
    play.restart()
    _recalled(play)
    play.wait(1)
    assert play.stands(given).state is S.CANCELLED
    assert untouched(play.cloud)


def test_what_came_of_an_attempt_may_be_forgotten_and_is_waited_for_then(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.respond.desk._MOST_OVER", 0)
    denied = error("UnauthorizedOperation", 403)
    play.cloud.proxy.breaks = breaking("ModifyNetworkInterfaceAttribute", denied, times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    for _ in range(17):
        play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert untouched(play.cloud)


def test_a_stop_that_was_called_off_late_is_cancelled_and_has_not_failed(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", BUSY)
    given = play.propose(stop())
    play.wait(60)
    for _ in range(28):
        play.wait(31)
    assert play.stands(given).state is S.DISPATCHED
    _recalled(play)
    for _ in range(4):
        play.wait(31)
    assert play.stands(given).state is S.CANCELLED


def test_an_isolation_that_arrives_after_its_responder_died_is_put_back(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as during:
        during.setattr(Isolation, "put", _dies)
        with pytest.raises(Killed):
            play.propose(isolate())
    (given,) = play.world.ports.actions.of_host(TENANT, HOST)
    _switched_off(play)
    play.restart()
    for _ in range(3):
        play.wait(31)
    assert play.stands(given).state is S.DISPATCHED
    former = next(one.data["former"] for one in events(play.world, given) if "former" in one.data)
    job = Job(
        action=play.stands(given),
        incident=None,
        events=tuple(events(play.world, given)),
        now=play.world.clock.now(),
    )
    Isolation(Account(play.settings, play.world.clock), play.hosts).put(job, former)
    assert isolated(play.cloud)
    play.wait(31)
    assert untouched(play.cloud)
    for _ in range(16):
        play.wait(31)
    assert play.stands(given).state is S.FAILED
    assert untouched(play.cloud)


def test_the_kill_switch_calls_off_what_waits_for_its_grace(play: Play) -> None:
    given = play.propose(stop())
    play.wait(10)
    _switched_off(play)
    play.wait(1)
    assert play.stands(given).state is S.CANCELLED
    assert "user:ann threw the kill switch: all stops" in play.stands(given).detail
    assert play.cloud.asked() == []


def test_a_stop_whose_answer_was_lost_is_too_late_to_call_off_and_is_seen(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", Break(0, after=True), times=2)
    given = play.propose(stop())
    play.wait(60)
    assert play.stands(given).state is S.DISPATCHED
    _recalled(play)
    before = len(play.cloud.asked())
    for _ in range(3):
        play.wait(31)
    assert play.stands(given).state is S.VERIFIED
    assert sum("start the instance by hand" in one.detail for one in events(play.world, given)) == 1
    assert len(play.cloud.asked()) == before


def test_what_ec2_shows_late_is_waited_for_before_a_stop_is_called_off(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", Break(0, after=True), times=2)
    given = play.propose(stop())
    play.wait(60)
    _recalled(play)
    play.cloud.proxy.breaks = breaking("DescribeInstances", still("running"))
    play.wait(31)
    assert play.stands(given).state is S.DISPATCHED
    play.cloud.proxy.breaks = lambda _: None
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


def test_a_called_off_stop_that_can_not_be_looked_at_is_told_and_ends(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("StopInstances", BUSY, times=2)
    given = play.propose(stop())
    play.wait(60)
    _recalled(play)
    play.cloud.proxy.breaks = breaking("DescribeInstances", BUSY)
    play.wait(31)
    assert play.stands(given).state is S.DISPATCHED
    assert "could not be undone" in play.stands(given).detail
    play.wait(900)
    assert play.stands(given).state is S.FAILED
    assert "could not be seen in time" in play.stands(given).detail
    assert play.cloud.state() == "running"


def test_a_stop_is_not_called_applied_while_the_instance_runs(play: Play) -> None:
    play.cloud.proxy.breaks = breaking("DescribeInstances", still("running"), after=1)
    given = play.propose(stop())
    play.wait(60)
    play.wait(31)
    assert play.stands(given).state is S.ACKNOWLEDGED
    play.wait(900)
    assert play.stands(given).state is S.FAILED
    assert "is still running" in play.stands(given).detail


@pytest.mark.parametrize(("ends", "state"), [(_switched_off, S.FAILED), (_harmless, S.CANCELLED)])
def test_an_isolation_that_did_not_work_at_first_is_not_tried_again(
    play: Play, ends: Callable[[Play], None], state: ActionState
) -> None:
    play.cloud.proxy.breaks = breaking("ModifyNetworkInterfaceAttribute", BUSY, times=2)
    given = play.propose(isolate())
    assert given.state is S.DISPATCHED
    ends(play)
    for _ in range(3):
        play.wait(31)
    assert play.stands(given).state is state
    assert untouched(play.cloud)


def test_one_that_was_seen_in_force_goes_on_to_its_end_under_the_kill_switch(play: Play) -> None:
    given = play.propose(isolate())
    assert given.state is S.VERIFIED
    _switched_off(play)
    play.wait(31)
    assert play.stands(given).state is S.VERIFIED


@pytest.mark.parametrize("kind", ["cordon", "isolate", "scale"])
def test_nothing_begins_in_a_cluster_after_the_kill_switch_was_thrown(
    kube: cluster_world.Play, kind: str
) -> None:
    def refuses(asked: Asked) -> Any:
        return None if asked.method == "GET" else cluster_world.refusal(503)

    kube.scene.proxy.breaks = refuses
    given = kube.propose(cluster_world.lease(kind))
    assert given.state is S.DISPATCHED
    kube.scene.proxy.breaks = lambda _: None
    _switched_off(kube)
    for _ in range(3):
        kube.wait(31)
    assert kube.stands(given).state is S.FAILED
    assert "user:ann threw the kill switch: all stops" in kube.stands(given).detail
    assert kube.scene.untouched()
