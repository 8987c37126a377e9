"""Carries out `ec2_stop`. Verified means: EC2 says `stopped`, and the snapshots that were asked for were started before."""

from datetime import datetime, timedelta
from typing import Any, Final

from vedette.core import (
    ActionState,
    Conflict,
    Forbidden,
    InvalidInput,
    Unavailable,
    VedetteError,
)
from vedette.respond.actions.ec2_stop.schema import Ec2StopSchema
from vedette.respond.aws import Account, Instance, Snapshots, find
from vedette.respond.cloud_lease import dispatched_at, simulated
from vedette.respond.kind import Job
from vedette.respond.outcome import (
    Acknowledged,
    Applied,
    Cancelled,
    Failed,
    Outcome,
    Refused,
    Retry,
    Simulated,
    Verified,
    Waiting,
)
from vedette.respond.ports import Enrolments

__all__ = ["Ec2Stop"]

# A stop is asked for within this time, or not at all; it takes a minute or two, and a system that hangs is stopped by force in the end.
_VALID = timedelta(minutes=15)
# EC2 may show an instance as it was for a while after it was told to stop.
_SETTLES = timedelta(minutes=1)
_RUNS = frozenset({"pending", "running"})


class Ec2Stop:
    """No lease: what was stopped stays stopped until people start it."""

    remote: Final = False
    ends_itself: Final = False

    def __init__(self, account: Account, enrolments: Enrolments) -> None:
        self.schema = Ec2StopSchema()
        self._account = account
        self._enrolments = enrolments

    def plan(self, job: Job) -> dict[str, Any]:
        """Which host; the rest needs the network and is found by a dry run.

        Raises:
            InvalidInput: it is not about one host, or something must be set or installed first.
        """
        if job.action.host is None:
            raise InvalidInput("ec2_stop is of one host; this action names none")
        if self._account.lacks:
            raise InvalidInput(f"ec2_stop: {self._account.lacks}")
        return {"host": job.action.host, **job.action.parameters}

    def apply(self, job: Job) -> Outcome:
        """Starts the snapshots and asks for the stop; either, repeated, is the same one."""
        try:
            if job.action.dry_run:
                return Simulated(plan=self._planned(job))
            if job.now >= dispatched_at(job) + _VALID:
                return Failed(detail=f"could not be done in time: {job.action.detail}")
            return self._stop(job)
        except Unavailable as error:
            return Retry(detail=error.detail)
        except VedetteError as error:
            return Failed(detail=error.detail)

    def probe(self, job: Job) -> Outcome:
        """What EC2 says of the instance and of the snapshots."""
        if job.action.dry_run:
            return simulated(job)
        late = job.now >= dispatched_at(job) + _VALID
        try:
            instance = find(self._account, self._enrolments, job)
            if instance.state == "stopped":
                return self._stopped(job, instance)
        except Unavailable as error:
            return (
                Failed(detail=f"could not be seen in time: {error.detail}") if late else Waiting()
            )
        except VedetteError as error:
            return Failed(detail=error.detail)
        return _unfinished(job, instance, late=late)

    def lasts_until(self, job: Job) -> datetime | None:
        """Nothing ends it but people."""
        del job
        return None

    def unsettled(self, job: Job) -> bool:
        """There is no lease."""
        del job
        return False

    def renew(self, job: Job, *, due: bool) -> Outcome:
        """There is nothing to renew."""
        del job, due
        return Waiting()

    def recall(self, job: Job) -> Outcome:
        """Called off before EC2 has taken the stop; then it is too late. Whether it was asked for, no row can say for sure."""
        too_late = Refused(detail="the stop was asked for already; start the instance by hand")
        if job.action.state is not ActionState.DISPATCHED:
            return too_late
        try:
            instance = find(self._account, self._enrolments, job)
        except VedetteError as error:
            return Failed(detail=error.detail)
        if instance.state not in _RUNS:
            return too_late
        if job.under_way or abs(job.now - job.action.updated_at) < _SETTLES:
            return Waiting()
        return Cancelled(
            detail=f"{instance.id} is {instance.state}, and is not told to stop any more"
        )

    def _stop(self, job: Job) -> Outcome:
        instance = find(self._account, self._enrolments, job)
        if why := self._hinders(job, instance):
            return Failed(detail=why)
        snapshots = self._started(job, instance)
        self._account.call(instance.region, "stop_instances", InstanceIds=[instance.id])
        return Acknowledged(
            detail=f"{instance.id} was told to stop",
            data={"instance": instance.id, "was": instance.state, "snapshots": snapshots},
        )

    def _started(self, job: Job, instance: Instance) -> dict[str, str]:
        if not job.action.parameters.get("snapshot_first"):
            return {}
        made = Snapshots(self._account, job.action.id)
        made.start(instance)
        return made.seen(instance.region, len(instance.volumes))

    def _stopped(self, job: Job, instance: Instance) -> Verified:
        evidence: dict[str, Any] = {"instance": instance.id, "state": instance.state}
        if job.action.parameters.get("snapshot_first"):
            evidence["snapshots"] = Snapshots(self._account, job.action.id).seen(
                instance.region, len(instance.volumes)
            )
        return Verified(detail=f"{instance.id} is stopped", evidence=evidence)

    def _planned(self, job: Job) -> dict[str, Any]:
        instance = find(self._account, self._enrolments, job)
        asked, region = self._account.allowed, instance.region
        checks = {"stop_instances": asked(region, "stop_instances", InstanceIds=[instance.id])}
        if job.action.parameters.get("snapshot_first"):
            checks["create_snapshots"] = asked(
                region, "create_snapshots", InstanceSpecification={"InstanceId": instance.id}
            )
        return {
            "instance": instance.id,
            "region": region,
            "proof": instance.proof,
            "state": instance.state,
            "snapshots_of": list(instance.volumes)
            if job.action.parameters.get("snapshot_first")
            else [],
            "hindered_by": self._hinders(job, instance),
            "loses": self._losses(instance),
            "checks": checks,
        }

    def _hinders(self, job: Job, instance: Instance) -> str:
        """Why it can't be stopped, or would lose what it is stopped for; empty if nothing does."""
        if instance.root == "instance-store":
            return f"{instance.id} has its root in an instance store and can't be stopped"
        if self._protected(instance):
            return f"{instance.id} has stop protection (disableApiStop)"
        if instance.group and not job.action.parameters.get("snapshot_first"):
            return (
                f"{instance.id} is of the Auto Scaling group {instance.group}, which terminates what is stopped;"
                " its disks are kept only with snapshot_first"
            )
        return ""

    def _protected(self, instance: Instance) -> bool:
        answer = self._account.call(
            instance.region,
            "describe_instance_attribute",
            InstanceId=instance.id,
            Attribute="disableApiStop",
        )
        return bool(answer.get("DisableApiStop", {}).get("Value"))

    def _losses(self, instance: Instance) -> list[str]:
        losses = ["what is in memory", "a public address that is not an Elastic IP"]
        try:
            (kind,) = self._account.call(
                instance.region, "describe_instance_types", InstanceTypes=[instance.type]
            )["InstanceTypes"]
        except (Conflict, Forbidden, ValueError) as error:
            return [*losses, f"perhaps instance store volumes ({error})"]
        if kind.get("InstanceStorageSupported"):
            losses.append("what is on instance store volumes")
        if instance.group:
            losses.append(f"the instance: {instance.group} terminates and replaces it")
        if instance.lifecycle == "spot":
            losses.append("a spot instance of a one-time request can't be stopped")
        return losses


def _unfinished(job: Job, instance: Instance, *, late: bool) -> Outcome:
    runs = instance.state in _RUNS
    # Where it was called off and nobody knows that EC2 has taken it, its recall says what becomes of it.
    if runs and job.action.recalled_by and job.action.state is ActionState.DISPATCHED:
        return Waiting()
    if late:
        return Failed(detail=f"{instance.id} is still {instance.state}, {_VALID} after it began")
    return Waiting() if runs else Applied(detail=f"{instance.id} is {instance.state}")
