"""The security group that isolates: one of the settings, or one without rules that is made in each VPC."""

from typing import Any, Final

from vedette.core import Conflict
from vedette.respond.aws import Account

__all__ = ["NAME", "find_group", "make_group", "rules_of"]

NAME: Final = "vedette-isolation"
_MARK: Final = {"Key": "vedette:isolation", "Value": "deny-all"}


def find_group(account: Account, region: str, vpc: str) -> str:
    """Its id in this VPC; empty if there is none yet.

    Raises:
        NotFound: the settings name one that is not there.
        Conflict: the settings' one is of another VPC, or somebody else's group bears the name.
    """
    if named := account.settings.isolation_group:
        (group,) = account.call(region, "describe_security_groups", GroupIds=[named])[
            "SecurityGroups"
        ]
        if group["VpcId"] != vpc:
            raise Conflict(f"ec2.isolation_group {named} is of {group['VpcId']}, not of {vpc}")
        return named
    filters = [{"Name": "group-name", "Values": [NAME]}, {"Name": "vpc-id", "Values": [vpc]}]
    found = account.call(region, "describe_security_groups", Filters=filters)["SecurityGroups"]
    if not found:
        return ""
    if _MARK not in found[0].get("Tags", []):
        raise Conflict(f"{found[0]['GroupId']} is called {NAME}, but is not one of ours")
    return str(found[0]["GroupId"])


def make_group(account: Account, region: str, vpc: str) -> str:
    """Finds it or makes it; what we made bears no rule when this returns.

    Raises:
        Conflict: rules of it could not be taken away.
    """
    group = find_group(account, region, vpc) or _created(account, region, vpc)
    if account.settings.isolation_group:
        return group
    rules = rules_of(account, region, group)
    for way, operation in (
        ("in", "revoke_security_group_ingress"),
        ("out", "revoke_security_group_egress"),
    ):
        if rules[way]:
            account.call(region, operation, GroupId=group, IpPermissions=rules[way])
    if any(rules_of(account, region, group).values()):
        raise Conflict(f"{group} still has rules; it would not isolate")
    return group


def rules_of(account: Account, region: str, group: str) -> dict[str, list[dict[str, Any]]]:
    """What it lets in and out."""
    (found,) = account.call(region, "describe_security_groups", GroupIds=[group])["SecurityGroups"]
    return {"in": found["IpPermissions"], "out": found["IpPermissionsEgress"]}


def _created(account: Account, region: str, vpc: str) -> str:
    answer = account.call(
        region,
        "create_security_group",
        GroupName=NAME,
        Description="Lets nothing in or out. Kept by Vedette; do not add rules",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [_MARK]}],
    )
    return str(answer["GroupId"])
