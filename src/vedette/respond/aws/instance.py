"""Which instance a host is. Never a guess: a host's own word, its name and its addresses prove nothing.

A proof is a label that came with the host's enrolment token (`ec2.instance_id`), which the host can't change, or the
instance's tag `vedette:host` with the host's id, which only somebody with rights in the cloud can set.
"""

from collections.abc import Sequence
from typing import Any, Final

from vedette.core import Conflict, Forbidden, InvalidInput, NotFound, Record
from vedette.respond.aws.account import Account
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["ACTION_TAG", "Instance", "Interface", "find", "interfaces_of"]

ACTION_TAG: Final = "vedette:action"
_HOST_TAG: Final = "vedette:host"
_PROTECTED_TAG: Final = "vedette:protected"
_ID_LABEL: Final = "ec2.instance_id"
_REGION_LABEL: Final = "ec2.region"
_THERE: Final = ("pending", "running", "stopping", "stopped")


class Interface(Record, frozen=True, kw_only=True):
    """A network interface. `vpc` is where it is, `groups` its security groups in their order."""

    id: str
    vpc: str
    groups: tuple[str, ...]
    tags: dict[str, str] = {}


class Instance(Record, frozen=True, kw_only=True):
    """As EC2 describes it. `root` is `ebs` or `instance-store`; `proof` says why it is the host's."""

    id: str
    region: str
    state: str
    type: str
    root: str
    lifecycle: str
    volumes: tuple[str, ...]
    tags: dict[str, str]
    proof: str

    @property
    def group(self) -> str:
        """The Auto Scaling group that it is of, if any."""
        return self.tags.get("aws:autoscaling:groupName", "")


def find(account: Account, enrolments: Enrolments, job: Job) -> Instance:
    """The host's instance, if it may be touched.

    Raises:
        InvalidInput: the action names no host, or is another tenant's.
        NotFound: no instance proves to be the host's, or it is no more.
        Conflict: label and tag name different ones, or several bear the tag.
        Forbidden: the settings or its tags protect it.
    """
    host, settings = job.action.host, account.settings
    if host is None or job.action.tenant != settings.tenant:
        raise InvalidInput(f"there are settings for hosts of tenant {settings.tenant} alone")
    labels = enrolments.pinned(job.action.tenant, host)
    region = labels.get(_REGION_LABEL) or settings.region
    found = _described(account, region, labels.get(_ID_LABEL, ""), host)
    if found.id in settings.never_touch:
        raise Forbidden(f"{found.id} is named in ec2.never_touch")
    if _PROTECTED_TAG in found.tags:
        raise Forbidden(f"{found.id} bears the tag {_PROTECTED_TAG}")
    if found.state not in _THERE:
        raise NotFound(f"{found.id} is {found.state}")
    return found


def interfaces_of(
    account: Account, region: str, *, instance: str = "", ids: Sequence[str] = ()
) -> tuple[Interface, ...]:
    """An instance's network interfaces, or those with these ids, as far as they are there."""
    name = "attachment.instance-id" if instance else "network-interface-id"
    filters = [{"Name": name, "Values": [instance] if instance else list(ids)}]
    answer = account.call(region, "describe_network_interfaces", Filters=filters)
    return tuple(
        Interface(
            id=one["NetworkInterfaceId"],
            vpc=one["VpcId"],
            groups=tuple(group["GroupId"] for group in one["Groups"]),
            tags=_tags(one.get("TagSet", [])),
        )
        for one in sorted(answer["NetworkInterfaces"], key=lambda one: one["NetworkInterfaceId"])
    )


def _described(account: Account, region: str, labelled: str, host: str) -> Instance:
    by = {"InstanceIds": [labelled]} if labelled else {"Filters": _tagged(host)}
    answer = account.call(region, "describe_instances", **by)
    found = [one for some in answer["Reservations"] for one in some["Instances"]]
    if not found:
        raise NotFound(
            f"no instance proves to be this host's: neither a label {_ID_LABEL} of its enrolment"
            f" nor the tag {_HOST_TAG} = {host}"
        )
    if len(found) > 1:
        ids = ", ".join(sorted(one["InstanceId"] for one in found))
        raise Conflict(f"several instances bear the tag {_HOST_TAG} = {host}: {ids}")
    return _read(region, found[0], labelled, host)


def _tagged(host: str) -> list[dict[str, Any]]:
    return [
        {"Name": f"tag:{_HOST_TAG}", "Values": [host]},
        {"Name": "instance-state-name", "Values": list(_THERE)},
    ]


def _read(region: str, one: dict[str, Any], labelled: str, host: str) -> Instance:
    tags = _tags(one.get("Tags", []))
    ident = str(one["InstanceId"])
    if tags.get(_HOST_TAG, host) != host:
        raise Conflict(f"{ident} is labelled as this host's, but its tag names {tags[_HOST_TAG]}")
    disks = [disk["Ebs"]["VolumeId"] for disk in one.get("BlockDeviceMappings", [])]
    return Instance(
        id=ident,
        region=region,
        state=one["State"]["Name"],
        type=one.get("InstanceType", ""),
        root=one.get("RootDeviceType", "ebs"),
        lifecycle=one.get("InstanceLifecycle", ""),
        volumes=tuple(sorted(disks)),
        tags=tags,
        proof=f"enrolment label {_ID_LABEL}" if labelled else f"tag {_HOST_TAG}",
    )


def _tags(given: list[dict[str, str]]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in given}
