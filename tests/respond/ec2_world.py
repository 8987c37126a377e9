"""EC2 on this machine with one instance of two interfaces, and what stands between it and the responder."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs

import boto3
from tests.fixtures.failing_proxy import Asked, Break, FailingProxy, failing_proxy
from tests.respond.world import HOST, TENANT, World, action

from vedette.core import Action, HostId, Mode, NotFound, TenantId
from vedette.respond import Account, Ec2, Ec2Isolate, Ec2Stop, Registry, Responder

REGION = "eu-central-1"
LEASE = 1800.0


class Pinned:
    """Hosts with the labels of their enrolment."""

    def __init__(self, labels: dict[str, str] | None = None) -> None:
        self.labels = {HOST: labels or {}}

    def pinned(self, tenant: TenantId, host: HostId, /) -> Mapping[str, str]:
        if tenant != TENANT or host not in self.labels:
            raise NotFound(f"no host {host}")
        return self.labels[host]


def error(code: str, status: int = 400, *, after: bool = False) -> Break:
    """As EC2 words it."""
    body = (
        '<?xml version="1.0"?><Response><Errors><Error>'
        f"<Code>{code}</Code><Message>made by the test</Message>"
        "</Error></Errors><RequestID>x</RequestID></Response>"
    )
    return Break(status, body.encode(), after=after)


def operation(asked: Asked) -> str:
    """The API's name of it, such as `StopInstances`."""
    return parse_qs(asked.body.decode())["Action"][0]


def is_dry(asked: Asked) -> bool:
    return parse_qs(asked.body.decode()).get("DryRun") == ["true"]


def breaking(
    name: str, answer: Break, *, after: int = 0, times: int = 10**9
) -> Callable[[Asked], Break | None]:
    """Breaks calls of this operation: not the first `after` of them, and then `times`."""
    seen = 0

    def breaks(asked: Asked) -> Break | None:
        nonlocal seen
        if operation(asked) != name:
            return None
        seen += 1
        return answer if after < seen <= after + times else None

    return breaks


class Cloud:
    """A VPC with an instance; `groups` are the security groups that its two interfaces had."""

    def __init__(self, proxy: FailingProxy) -> None:
        self.proxy = proxy
        self.ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=proxy.upstream)
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")
        self.subnet = subnet["Subnet"]["SubnetId"]
        self.web, self.ssh, self.data = (self.group(name) for name in ("web", "ssh", "data"))
        self.first, self.second = self.interface([self.web, self.ssh]), self.interface([self.data])
        self.instance = self.run(self.first)
        self.attach(self.instance, self.second)
        self.before = {self.first: [self.web, self.ssh], self.second: [self.data]}
        assert self.groups() == self.before

    def group(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)
        return str(made["GroupId"])

    def run(self, interface: str, **more: Any) -> str:
        # moto adds the groups that an instance is started with to all of its interfaces; these it has none of.
        given: dict[str, Any] = {
            "ImageId": "ami-12c6146b",
            "MinCount": 1,
            "MaxCount": 1,
            "NetworkInterfaces": [{"DeviceIndex": 0, "NetworkInterfaceId": interface}],
        }
        made = self.ec2.run_instances(**(given | more))
        return str(made["Instances"][0]["InstanceId"])

    def interface(self, groups: list[str]) -> str:
        made = self.ec2.create_network_interface(SubnetId=self.subnet, Groups=groups)
        return str(made["NetworkInterface"]["NetworkInterfaceId"])

    def attach(self, instance: str, interface: str, index: int = 1) -> None:
        self.ec2.attach_network_interface(
            NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=index
        )

    def tag(self, ident: str, **tags: str) -> None:
        given = [{"Key": f"vedette:{key}", "Value": value} for key, value in tags.items()]
        self.ec2.create_tags(Resources=[ident], Tags=given)

    def interfaces(self) -> dict[str, Any]:
        found = self.ec2.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": [self.instance]}]
        )
        return {one["NetworkInterfaceId"]: one for one in found["NetworkInterfaces"]}

    def groups(self) -> dict[str, list[str]]:
        """Of each interface of the instance."""
        return {
            ident: [group["GroupId"] for group in one["Groups"]]
            for ident, one in self.interfaces().items()
        }

    def tags(self) -> dict[str, str]:
        """All that stands on its interfaces."""
        return {
            tag["Key"]: tag["Value"]
            for one in self.interfaces().values()
            for tag in one.get("TagSet", [])
        }

    def state(self) -> str:
        found = self.ec2.describe_instances(InstanceIds=[self.instance])
        return str(found["Reservations"][0]["Instances"][0]["State"]["Name"])

    def snapshots(self) -> list[str]:
        found = self.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
        return [one["SnapshotId"] for one in found]

    def asked(self) -> list[str]:
        """What was asked for that is not only a look."""
        return [
            operation(one)
            for one in self.proxy.asked
            if not operation(one).startswith("Describe") and not is_dry(one)
        ]


@contextmanager
def cloud(upstream: str) -> Iterator[Cloud]:
    with failing_proxy(upstream) as proxy:
        yield Cloud(proxy)


class Play:
    """A responder over one world, acting on one cloud."""

    def __init__(
        self, world: World, made: Cloud, *, labels: dict[str, str] | None = None, **settings: Any
    ) -> None:
        self.world, self.cloud = world, made
        given: dict[str, Any] = {
            "tenant": TENANT,
            "enabled": True,
            "region": REGION,
            "endpoint": made.proxy.url,
        }
        self.settings = Ec2(**(given | settings))
        default = {"ec2.instance_id": made.instance}
        self.hosts = Pinned(default if labels is None else labels)
        self.restart()

    def restart(self) -> None:
        """A responder that knows nothing but the rows."""
        account = Account(self.settings, self.world.clock)
        kinds = Registry([Ec2Isolate(account, self.hosts), Ec2Stop(account, self.hosts)])
        self.responder = Responder(self.world.ports, kinds, self.world.clock, sweep_seconds=0.0)

    def propose(self, made: Action) -> Action:
        self.world.propose(made)
        self.responder.tick()
        return self.stands(made)

    def stands(self, made: Action) -> Action:
        return self.world.ports.actions.get(TENANT, made.id)

    def wait(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.responder.tick()


def isolate(number: int = 1, **changes: Any) -> Action:
    """A proposed isolation in auto mode."""
    given: dict[str, Any] = {
        "kind": "ec2_isolate",
        "mode": Mode.AUTO,
        "disruptive": True,
        "lease_seconds": LEASE,
        "most_seconds": 86_400.0,
        "parameters": {"lease": LEASE, "at_most": 86_400.0, "snapshot_first": False},
    }
    return action(number, **(given | changes))


def stop(number: int = 1, **changes: Any) -> Action:
    """A proposed stop in auto mode."""
    given: dict[str, Any] = {
        "kind": "ec2_stop",
        "mode": Mode.AUTO,
        "disruptive": True,
        "grace_seconds": 60.0,
        "parameters": {"grace": 60.0, "snapshot_first": False},
    }
    return action(number, **(given | changes))


def isolated(made: Cloud) -> bool:
    """Every interface bears groups without rules, and none of its own."""
    groups = made.groups()
    borne = {one for some in groups.values() for one in some}
    if groups.keys() != made.before.keys() or borne & {made.web, made.ssh, made.data}:
        return False
    rules = made.ec2.describe_security_groups(GroupIds=sorted(borne))["SecurityGroups"]
    return not any(one["IpPermissions"] or one["IpPermissionsEgress"] for one in rules)


def untouched(made: Cloud) -> bool:
    """All is as it was, and nothing is marked."""
    return made.groups() == made.before and made.tags() == {}
