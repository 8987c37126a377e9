"""Snapshots of an instance's volumes, of one moment, before anything is done to it.

EC2 fixes what a snapshot holds when it takes the call; copying goes on behind it, for hours with large disks. So what
was started before is evidence of before, and nobody waits for the copy: an intruder would have that time too.
"""

from vedette.core import ActionId, Conflict
from vedette.respond.aws.account import Account
from vedette.respond.aws.instance import ACTION_TAG, Instance

__all__ = ["Snapshots"]


class Snapshots:
    """Those of one action: they bear its id, so that a repeat finds them."""

    def __init__(self, account: Account, action: ActionId) -> None:
        self._account = account
        self._action = action

    def start(self, instance: Instance) -> None:
        """Has them started, all of one moment, unless they were.

        Raises:
            Conflict: it has no volume to keep.
        """
        if not instance.volumes:
            raise Conflict(f"{instance.id} has no volume of which a snapshot could be made")
        if self.states(instance.region):
            return
        tags = [{"Key": ACTION_TAG, "Value": self._action}]
        self._account.call(
            instance.region,
            "create_snapshots",
            InstanceSpecification={"InstanceId": instance.id, "ExcludeBootVolume": False},
            Description=f"vedette: before action {self._action}",
            TagSpecifications=[{"ResourceType": "snapshot", "Tags": tags}],
        )

    def states(self, region: str) -> dict[str, str]:
        """Each one's state by its id: `pending` while it is copied, `completed`, or `error`."""
        answer = self._account.call(
            region,
            "describe_snapshots",
            Filters=[{"Name": f"tag:{ACTION_TAG}", "Values": [self._action]}],
        )
        return {one["SnapshotId"]: one["State"] for one in answer["Snapshots"]}

    def seen(self, region: str, volumes: int) -> dict[str, str]:
        """Their states, if there is one of each of so many volumes and none broke.

        Raises:
            Conflict: one is missing, or ended as an error.
        """
        states = self.states(region)
        broken = sorted(one for one, state in states.items() if state == "error")
        if broken or len(states) < volumes:
            raise Conflict(
                f"{len(states)} snapshots of {volumes} volumes; broken: {', '.join(broken) or 'none'}"
            )
        return states
