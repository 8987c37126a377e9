"""Whose rights EC2 is called with, and what cannot be called at all."""

import pytest
from tests.fixtures.failing_proxy import Break
from tests.respond.ec2_world import REGION, Cloud, operation
from tests.respond.world import START, TENANT

from vedette.core import InvalidInput, ManualClock, SystemClock
from vedette.respond import Account, Ec2

ROLE = "arn:aws:iam::123456789012:role/vedette-responder"


def test_a_role_is_taken_on_once_and_anew_before_it_ends(made: Cloud) -> None:
    clock = ManualClock(SystemClock().now())
    settings = Ec2(
        tenant=TENANT,
        enabled=True,
        endpoint=made.proxy.url,
        role_arn=ROLE,
        external_id="a word",
    )
    account = Account(settings, clock)

    def roles() -> int:
        return sum(operation(one) == "AssumeRole" for one in made.proxy.asked)

    for _ in range(2):
        account.call(REGION, "describe_instances")
    assert roles() == 1
    account.call("eu-west-1", "describe_instances")
    assert roles() == 2
    taken = next(one for one in made.proxy.asked if operation(one) == "AssumeRole")
    assert b"ExternalId=a+word" in taken.body
    assert b"RoleSessionName=vedette-default" in taken.body
    clock.advance(3500)
    account.call(REGION, "describe_instances")
    assert roles() == 3


def test_a_role_without_an_external_id_sends_none(made: Cloud) -> None:
    settings = Ec2(tenant=TENANT, enabled=True, endpoint=made.proxy.url, role_arn=ROLE)
    Account(settings, ManualClock(START)).call(REGION, "describe_instances")
    assert all(b"ExternalId" not in one.body for one in made.proxy.asked)


def test_without_credentials_it_says_so_and_does_not_try_again(
    made: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    account = Account(Ec2(tenant=TENANT, enabled=True, endpoint=made.proxy.url), ManualClock(START))
    with pytest.raises(InvalidInput, match="Unable to locate credentials"):
        account.call(REGION, "describe_instances")


def test_without_its_library_it_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    account = Account(Ec2(tenant=TENANT, enabled=True), ManualClock(START))
    assert account.lacks == "needs boto3: install vedette[aws]"
    with pytest.raises(InvalidInput, match=r"vedette\[aws\]"):
        account.call(REGION, "describe_instances")


def test_what_ec2_would_let_is_allowed_even_where_it_knows_no_dry_run(made: Cloud) -> None:
    account = Account(Ec2(tenant=TENANT, enabled=True, endpoint=made.proxy.url), ManualClock(START))
    assert account.allowed(REGION, "stop_instances", InstanceIds=[made.instance]) == "allowed"
    made.proxy.breaks = lambda _: Break(200, b"<DescribeInstancesResponse/>")
    assert account.allowed(REGION, "describe_instances") == "allowed"
