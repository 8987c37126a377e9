"""Limits and approvals as policies write them, and what a back-test passes over, leaves out and holds back."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from tests.decide.make import HOST, TENANT, host, policies, verdict

from vedette.core import HostId, InvalidInput, Limits, Severity, Tried
from vedette.decide import Fleet, Trial

TEXT = """
version: 1
limits: {limits}
policies:
  - name: cut
    on: [opened, raised, reopened]
    then: [{{action: quarantine, with: {{lease: 10m}}, dry_run: {dry}}}]
    mode: {mode}
    within: {{{within}}}
"""
ALL = "{tenant: 100%, cohort: 100%, model: 100%}"


def text(*, limits: str = ALL, dry: str = "false", mode: str = "auto", within: str = "") -> str:
    return TEXT.format(limits=limits, dry=dry, mode=mode, within=within)


def test_limits_are_read_as_written() -> None:
    written = "{tenant: 2.5%, cohort: 50%, model: 1%, least: 3, per: 2h}"
    assert policies(text(limits=written)).limits == Limits(
        tenant=0.025, cohort=0.5, model=0.01, least=3, per_seconds=7_200
    )


@pytest.mark.parametrize("share", ["0%", "101%", "5", "five", "'%'"])
def test_a_share_that_is_none_is_named_with_its_place(share: str) -> None:
    with pytest.raises(InvalidInput, match="must be a share such as 5%") as caught:
        policies(text(limits=f"{{tenant: {share}}}"))
    assert caught.value.extensions["line"] == 3


def test_two_approvals_need_a_mode_that_asks() -> None:
    (policy,) = policies(text(mode="approve", within="approvals: 2")).policies
    assert policy.guards.approvals == 2
    (policy,) = policies(text(mode="approve", within="approvals: 5")).policies
    assert policy.guards.approvals == 5
    with pytest.raises(InvalidInput, match="approvals must be a whole number from 1 to 5"):
        policies(text(mode="approve", within="approvals: 6"))
    with pytest.raises(InvalidInput, match="asks nobody; write mode: approve"):
        policies(text(mode="auto", within="approvals: 2"))


def tried(source: str, *, known: bool = True, minutes: Sequence[float] = (0,)) -> Tried:
    fleet = Fleet(hosts={HOST: host()} if known else {HostId("else"): host()}, said={})
    trial = Trial(policies(source), fleet, step_seconds=300)
    for number, minute in enumerate(minutes):
        grave = Severity.MEDIUM if number == 0 else Severity.HIGH
        trial.take(verdict(minute, severity=grave))
    (one,) = trial.tried()
    assert TENANT == "default"
    return one


def test_a_host_that_is_no_more_is_passed_over() -> None:
    assert tried(text(), known=False).begun == 0


def test_what_is_only_written_down_or_simulated_begins_nothing() -> None:
    assert tried(text(mode="observe")) == Tried(kind="quarantine", disruptive=True)
    assert tried(text(dry="true")).dry_runs == 1


def test_a_second_lease_on_a_host_is_held_back() -> None:
    found = tried(text(), minutes=(0, 5))
    assert (found.begun, found.held) == (1, 1)
    first, second = found.course
    assert (first.policy, first.begun, first.held) == ("cut", 1, 0)
    assert (second.policy, second.begun, second.held) == ("cut", 0, 1)
    assert second.at - first.at == timedelta(minutes=5)
    assert first.at.timestamp() % 300 == 0


def test_a_course_tells_what_the_numbers_tell_and_no_empty_step() -> None:
    found = tried(text(mode="approve", within="cooldown: 1m"), minutes=(0, 61))
    assert sum(one.asked for one in found.course) == found.asked
    assert len(found.course) == found.asked
    assert tried(text(dry="true")).course == ()


def test_without_limits_the_shares_are_the_shipped_ones() -> None:
    source = text().replace(f"limits: {ALL}\n", "")
    assert policies(source).limits == Limits()
