"""Puts the isolation group on every interface of an instance, and each interface's former groups back."""

from datetime import timedelta
from typing import Any, Final

from vedette.core import Conflict, Unavailable, VedetteError
from vedette.respond.actions.ec2_isolate.isolation_group import (
    NAME,
    find_group,
    make_group,
    rules_of,
)
from vedette.respond.actions.ec2_isolate.tagging import GROUP_TAG, bears_mark, mark, unmark
from vedette.respond.aws import (
    ACTION_TAG,
    Account,
    Instance,
    Interface,
    Snapshots,
    find,
    interfaces_of,
)
from vedette.respond.cloud_lease import was_put
from vedette.respond.kind import Job
from vedette.respond.ports import Enrolments

__all__ = ["Isolation"]


class Isolation:
    """A measure. It changes groups and tags of interfaces, and nothing else of the instance."""

    # The API may show what was there before for a while after a change.
    settles: Final = timedelta(minutes=1)

    def __init__(self, account: Account, enrolments: Enrolments) -> None:
        self._account = account
        self._enrolments = enrolments

    @property
    def lacks(self) -> str:
        """boto3, or settings."""
        return self._account.lacks

    def look(self, job: Job) -> dict[str, Any]:
        """The instance, and the groups of each of its interfaces in their order.

        Raises:
            VedetteError: it is not the host's, may not be touched, or is isolated by another action.
        """
        instance = find(self._account, self._enrolments, job)
        found = interfaces_of(self._account, instance.region, instance=instance.id)
        if not found:
            raise Conflict(f"{instance.id} has no network interface")
        for one in found:
            if one.tags.get(ACTION_TAG, job.action.id) != job.action.id:
                raise Conflict(f"{one.id} is isolated by action {one.tags[ACTION_TAG]}")
        return {
            "instance": instance.id,
            "region": instance.region,
            "proof": instance.proof,
            "volumes": len(instance.volumes),
            "interfaces": {one.id: list(one.groups) for one in found},
        }

    def plan(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """What each interface would change to, and whether EC2 would let it."""
        region = former["region"]
        instance = find(self._account, self._enrolments, job)
        found = interfaces_of(self._account, region, instance=instance.id)
        groups = {vpc: find_group(self._account, region, vpc) for vpc in {one.vpc for one in found}}
        changes = {
            one.id: {"from": list(one.groups), "to": groups[one.vpc] or f"{NAME}, to be made"}
            for one in found
        }
        rules = {
            group: rules_of(self._account, region, group) for group in groups.values() if group
        }
        checks = self._checks(job, instance, found, groups)
        return {
            "instance": instance.id,
            "region": region,
            "proof": instance.proof,
            "interfaces": changes,
            "rules": rules,
            "snapshots_of": list(instance.volumes) if _snapshots(job) else [],
            "checks": checks,
        }

    def put(self, job: Job, former: dict[str, Any]) -> None:
        """Snapshots first, where they are asked for; then interface by interface."""
        region = former["region"]
        if _snapshots(job):
            Snapshots(self._account, job.action.id).start(
                find(self._account, self._enrolments, job)
            )
        groups: dict[str, str] = {}
        for one in interfaces_of(self._account, region, instance=former["instance"]):
            if one.id not in former["interfaces"]:
                raise Conflict(f"{one.id} was attached meanwhile; its groups are not noted")
            if one.vpc not in groups:
                groups[one.vpc] = make_group(self._account, region, one.vpc)
            if not _isolated(one, job, groups[one.vpc]):
                _as_noted(one, job, former, groups[one.vpc])
                mark(self._account, region, one, job.action.id, groups[one.vpc])
                self._change(region, one.id, [groups[one.vpc]])

    def seen(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Every interface that the instance has now bears the isolation group alone."""
        region = former["region"]
        found = interfaces_of(self._account, region, instance=former["instance"])
        open_ones = [
            one.id for one in found if not _isolated(one, job, one.tags.get(GROUP_TAG, ""))
        ]
        if open_ones or not found:
            raise Conflict(f"not isolated: {', '.join(open_ones) or former['instance']}")
        groups = sorted({group for one in found for group in one.groups})
        evidence: dict[str, Any] = {
            "instance": former["instance"],
            "interfaces": {one.id: list(one.groups) for one in found},
            "rules": {group: rules_of(self._account, region, group) for group in groups},
        }
        if not self._account.settings.isolation_group:
            ruled = [group for group, ways in evidence["rules"].items() if any(ways.values())]
            if ruled:
                raise Conflict(f"rules were added to {', '.join(ruled)}; it does not isolate")
        if _snapshots(job):
            snapshots = Snapshots(self._account, job.action.id)
            evidence["snapshots"] = snapshots.seen(region, former["volumes"])
        return evidence

    def restore(self, job: Job, former: dict[str, Any]) -> dict[str, Any]:
        """Each interface gets its former groups, in their order; one that fails does not stop the others.

        An interface whose groups somebody else has changed meanwhile keeps them, and that is said.

        Raises:
            Conflict: some are isolated still; where one bears another action's tag, it is put right once that is taken off.
        """
        region, kept, troubles = former["region"], {}, []
        now = {one.id: one for one in self._there(region, former)}
        for ident, groups in former["interfaces"].items():
            one = now.get(ident)
            if one is None:
                continue
            try:
                if self._anothers(job, region, one, groups):
                    right = list(one.groups) == groups
                else:
                    right = self._put_right(region, one, groups)
                if not right:
                    kept[ident] = list(one.groups)
            except VedetteError as error:
                troubles.append(f"{ident}: {error.detail}")
        if troubles:
            raise Conflict(f"still isolated: {'; '.join(troubles)}")
        after = {one.id: one for one in self._there(region, former)}
        marked = [one.id for one in after.values() if one.tags.get(ACTION_TAG) == job.action.id]
        if marked:
            raise Unavailable(f"not seen to be as before yet: {', '.join(marked)}")
        return {
            "interfaces": {one.id: list(one.groups) for one in after.values()},
            "changed_by_others": kept,
            "gone": sorted(set(former["interfaces"]) - set(after)),
        }

    def _anothers(self, job: Job, region: str, one: Interface, groups: list[str]) -> bool:
        """Whether it bears another action's tag. Raises Conflict where it is as this one made it all the same."""
        other = one.tags.get(ACTION_TAG, job.action.id)
        if other == job.action.id:
            return False
        isolating = one.tags.get(GROUP_TAG) or find_group(self._account, region, one.vpc)
        if was_put(job) and one.groups == (isolating,) and list(one.groups) != groups:
            raise Conflict(f"it bears the tag of action {other}")
        return True

    def _put_right(self, region: str, one: Interface, groups: list[str]) -> bool:
        """Whether it has its former groups then; False where somebody else gave it others."""
        right = list(one.groups) == groups
        if right and not bears_mark(one):
            return True
        # Without a tag it may still be isolated: a responder that was overtaken changed it after another one took the tag away.
        isolating = one.tags.get(GROUP_TAG) or find_group(self._account, region, one.vpc)
        if not right and one.groups == (isolating,):
            self._change(region, one.id, groups)
            right = True
        if bears_mark(one):
            unmark(self._account, region, one.id)
        return right

    def _there(self, region: str, former: dict[str, Any]) -> tuple[Interface, ...]:
        # An interface may be detached meanwhile, and is still ours to put right.
        return interfaces_of(self._account, region, ids=list(former["interfaces"]))

    def _change(self, region: str, interface: str, groups: list[str]) -> None:
        self._account.call(
            region,
            "modify_network_interface_attribute",
            NetworkInterfaceId=interface,
            Groups=groups,
        )

    def _checks(
        self,
        job: Job,
        instance: Instance,
        found: tuple[Interface, ...],
        groups: dict[str, str],
    ) -> dict[str, str]:
        asked = self._account.allowed
        region = instance.region
        checks = {
            one.id: asked(
                region,
                "modify_network_interface_attribute",
                NetworkInterfaceId=one.id,
                Groups=list(one.groups),
            )
            for one in found
        }
        tags = [{"Key": ACTION_TAG, "Value": str(job.action.id)}]
        checks["create_tags"] = asked(
            region, "create_tags", Resources=[one.id for one in found], Tags=tags
        )
        for vpc, group in groups.items():
            if not group:
                checks[f"create_security_group in {vpc}"] = asked(
                    region, "create_security_group", GroupName=NAME, Description=NAME, VpcId=vpc
                )
        if _snapshots(job):
            checks["create_snapshots"] = asked(
                region, "create_snapshots", InstanceSpecification={"InstanceId": instance.id}
            )
        return checks


def _as_noted(one: Interface, job: Job, former: dict[str, Any], isolating: str) -> None:
    """Raises Conflict where somebody else has changed it since its groups were noted. An earlier attempt may have arrived late."""
    another = one.tags.get(ACTION_TAG, job.action.id) != job.action.id
    noted = set(former["interfaces"][one.id])
    if another or (set(one.groups) != noted and one.groups != (isolating,)):
        raise Conflict(f"{one.id} was changed by somebody meanwhile")


def _snapshots(job: Job) -> bool:
    return bool(job.action.parameters.get("snapshot_first"))


def _isolated(one: Interface, job: Job, group: str) -> bool:
    return one.tags.get(ACTION_TAG) == job.action.id and one.groups == (group,)
